/** Data left: a tool that sends, a request with a body to the outside, or an address with much written into it. */
import type { Destination, Telemetry } from '../../schema/telemetry.ts'
import { isForeign } from '../draft/outward.ts'
import { toolActions } from '../draft/tool-powers.ts'
import type { Marker } from './mark.ts'

const SECOND_MS = 1000

export const outward: Marker = {
  kind: 'outward',
  // What matters is what was read before it, by another agent of the session, too, of which nothing is known here. A model
  // takes longer than a second to read what another agent gives it and to send it on.
  lastsMs: SECOND_MS,
  mark(event) {
    if (event.outcome === 'denied' || event.outcome === 'refused') {
      return undefined
    }
    const { operation, tool } = event
    if (operation === 'tool_call' && tool !== null && toolActions(tool.name).has('sends')) {
      return { source: 'sending-tool', untrusted_name: tool.name }
    }
    const uploaded = event.destinations.find(takesData)
    if (uploaded !== undefined) {
      return { source: 'request-with-a-body', untrusted_name: uploaded.host }
    }
    const carrying = carryingHost(event)
    return carrying === undefined ? undefined : { source: 'data-in-an-address', untrusted_name: carrying }
  },
}

const METHODS_WITH_BODY = new Set(['POST', 'PUT', 'PATCH'])

function takesData({ method, host }: Destination): boolean {
  return method !== undefined && METHODS_WITH_BODY.has(method.toUpperCase()) && isForeign({ host })
}

/** An address in the arguments whose query is longer than what names a page. */
const LONG_QUERY = 80
/** What follows the `://` of an address. */
const ADDRESS = /[^\s"'<>\\]*/y
const HOST_END = /[/?#:]/
const SCHEME_END = '://'

/** The first host outside to which an address in the arguments carries much. Every character is read once. */
function carryingHost({ operation, content }: Telemetry): string | undefined {
  const text = operation === 'tool_call' ? content?.arguments : undefined
  let at = text?.indexOf(SCHEME_END) ?? -1
  while (text !== undefined && at >= 0) {
    ADDRESS.lastIndex = at + SCHEME_END.length
    const address = ADDRESS.exec(text)?.[0] ?? ''
    const query = address.indexOf('?')
    const host = address.slice(0, Math.max(0, address.search(HOST_END)))
    if (query >= 0 && address.length - query > LONG_QUERY && host !== '' && isForeign({ host })) {
      return host
    }
    at = text.indexOf(SCHEME_END, ADDRESS.lastIndex)
  }
  return undefined
}
