/** What fragments of one event find each other by. */
import type { Fragment } from '../../schema/fragment.ts'
import type { Tool } from '../../schema/telemetry.ts'
import type { Trace } from './memory.ts'

const CODE_OF_9 = 57
const MCP_PREFIX = 'mcp__'

/**
 * The id that joins the records of one call, or `undefined`. A bare number is no such id: JSON-RPC requests count from
 * one on every connection, so one session sees it for many calls.
 */
export function callIdOf(fragment: { readonly tool?: Partial<Tool> | undefined }): string | undefined {
  const id = fragment.tool?.call_id
  if (id === undefined || id === '') {
    return undefined
  }
  // Asked often; few ids begin with a digit.
  return id.charCodeAt(0) <= CODE_OF_9 && /^\d{1,18}$/.test(id) ? undefined : id
}

/** The list of those that have none: this one, so that it can be told at a glance. */
export const NO_KEYS: readonly string[] = []

/** One key for each scope. Session first: it is the wider one, and where log records and spans meet. */
function scoped(kind: string, fragment: Fragment, trace: Trace | undefined, rest: string): readonly string[] {
  const { tenant_id: tenant, trace_id: traceId } = fragment
  const session = fragment.session_id ?? trace?.facts.session
  const inTrace = traceId === undefined ? undefined : `${kind}\n${tenant}\nt${traceId}\n${rest}`
  if (session === undefined) {
    return inTrace === undefined ? NO_KEYS : [inTrace]
  }
  const inSession = `${kind}\n${tenant}\ns${session}\n${rest}`
  return inTrace === undefined ? [inSession] : [inSession, inTrace]
}

export function callKeys(fragment: Fragment, trace: Trace | undefined, callId: string): readonly string[] {
  return scoped('call', fragment, trace, callId)
}

export function sessionCallKey(tenant: string, session: string, callId: string): string {
  return `call\n${tenant}\ns${session}\n${callId}`
}

/** Where a span waits for its log record, or a log record for its span. */
export function twinKeys(fragment: Fragment, trace: Trace | undefined, wanted: Fragment['signal']): readonly string[] {
  const { twin, operation } = fragment
  return twin === undefined ? NO_KEYS : scoped('twin', fragment, trace, `${operation}\n${twin}\n${wanted}`)
}

/** Where parts that share an event's twin find it, and wait for it. */
export function sharedKeys(fragment: Fragment, trace: Trace | undefined): readonly string[] {
  const { twin } = fragment
  return twin === undefined ? NO_KEYS : scoped('shared', fragment, trace, twin)
}

/** Where calls without an id wait for the request they answer, and requests for a call: in one trace, by tool. */
export function nameKey(fragment: Fragment, wanted: 'call' | 'request'): string | undefined {
  const name = fragment.tool?.name
  const scope =
    fragment.trace_id !== undefined
      ? `t${fragment.trace_id}`
      : fragment.session_id === undefined
        ? undefined
        : `s${fragment.session_id}`
  return name === undefined || scope === undefined
    ? undefined
    : `name\n${fragment.tenant_id}\n${scope}\n${bareName(name)}\n${wanted}`
}

/** Where log records with content wait for the span they were written in. */
export function contentKey(tenant: string, trace: string, span: string): string {
  return `content\n${tenant}\n${trace}\n${span}`
}

/** Whether a key holds no longer once the draft has found its other half. */
export function isPairing(key: string): boolean {
  return key.startsWith('twin\n')
}

export function isNaming(key: string): boolean {
  return key.startsWith('name\n')
}

/** Whether it is the key of a request that waits for a call of its name. */
export function isRequestKey(key: string): boolean {
  return isNaming(key) && key.endsWith('\nrequest')
}

export function isContentKey(key: string): boolean {
  return key.startsWith('content\n')
}

/** The name of a tool without the server that some emitters put before it. */
function bareName(name: string): string {
  const serverEnd = name.startsWith(MCP_PREFIX) ? name.indexOf('__', MCP_PREFIX.length) : -1
  return (serverEnd === -1 ? name : name.slice(serverEnd + 2)).toLowerCase()
}

/** Whether two names mean one tool: equal, or one is the other behind a server's name. */
export function sameTool(one: string | undefined, other: string | undefined): boolean {
  if (one === undefined || other === undefined) {
    return false
  }
  const [a, b] = [bareName(one), bareName(other)]
  const [short, long] = a.length <= b.length ? [a, b] : [b, a]
  return (
    short !== '' &&
    long.endsWith(short) &&
    (short.length === long.length || /[-_./:]/.test(long.charAt(long.length - short.length - 1)))
  )
}
