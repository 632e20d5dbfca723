/** OTLP requests for tests of the whole: one tool call of one agent a span, whatever strings it is made of; and senders. */
import { createHash } from 'node:crypto'
import { Metadata } from '@grpc/grpc-js'
import { openRawGrpc } from '../bench/raw-grpc.ts'
import { encodeWithLibrary } from '../collectors/otlp/oracle.ts'

export interface CallParts {
  /** Makes the ids; the same number is the same call. */
  readonly call?: number
  readonly trace?: number
  readonly parent?: number
  readonly agent?: string
  readonly session?: string
  readonly tool?: string
  readonly arguments?: string
  readonly result?: string
  readonly service?: string
  readonly startMs?: number
  /** More attributes, text only. */
  readonly more?: Readonly<Record<string, string>>
}

const bytes = (name: string, length: number) =>
  createHash('sha256')
    .update(name)
    .digest('hex')
    .slice(0, length * 2)
export const traceIdOf = (trace: number): string => bytes(`trace ${trace}`, 16)
export const spanIdOf = (call: number): string => bytes(`span ${call}`, 8)

/** Nanoseconds as OTLP/JSON writes them. */
const nanos = (ms: number) => (BigInt(Math.round(ms)) * 1_000_000n).toString()

/** A span as the GenAI conventions have it; keys that have no value are left out. */
export function callSpan(parts: CallParts = {}): object {
  const call = parts.call ?? 0
  const startMs = parts.startMs ?? Date.now()
  const attributes: Record<string, string | undefined> = {
    'gen_ai.operation.name': 'execute_tool',
    'gen_ai.agent.id': parts.agent ?? 'agent-a',
    'gen_ai.conversation.id': parts.session ?? 'session-a',
    'gen_ai.tool.name': parts.tool ?? 'search',
    'gen_ai.tool.call.id': `call-${call}`,
    'gen_ai.tool.call.arguments': parts.arguments,
    'gen_ai.tool.call.result': parts.result,
    ...parts.more,
  }
  return {
    traceId: traceIdOf(parts.trace ?? call),
    spanId: spanIdOf(call),
    ...(parts.parent === undefined ? {} : { parentSpanId: spanIdOf(parts.parent) }),
    name: 'execute_tool',
    kind: 1,
    startTimeUnixNano: nanos(startMs),
    endTimeUnixNano: nanos(startMs + 10),
    attributes: Object.entries(attributes)
      .filter(([, value]) => value !== undefined)
      .map(([key, stringValue]) => ({ key, value: { stringValue } })),
  }
}

/** An export request of spans of one service. */
export function spansRequest(spans: readonly object[], service = 'test-service'): object {
  const resource = { attributes: [{ key: 'service.name', value: { stringValue: service } }] }
  return { resourceSpans: [{ resource, scopeSpans: [{ scope: { name: 'test' }, spans }] }] }
}

/** An export request of one call. */
export function callRequest(parts: CallParts = {}): object {
  return spansRequest([callSpan(parts)], parts.service)
}

/** As JSON over HTTP. */
export function postCalls(door: string, request: object, key?: string): Promise<Response> {
  return fetch(`${door}/v1/traces`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(key === undefined ? {} : { authorization: `Bearer ${key}` }) },
    body: JSON.stringify(request),
  })
}

/** As protobuf over gRPC. Resolves with the status code of the call, 0 for OK. */
export async function callCalls(door: string, request: object, key?: string): Promise<number> {
  const metadata = new Metadata()
  if (key !== undefined) {
    metadata.set('authorization', `Bearer ${key}`)
  }
  const client = openRawGrpc(door)
  const error = await client.call(Buffer.from(encodeWithLibrary('traces', withBytes(request) as object)), metadata)
  client.close()
  return error?.code ?? 0
}

/** Ids are hex in OTLP/JSON and bytes in protobuf: a JSON request as `encodeWithLibrary` takes it. */
export function withBytes(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(withBytes)
  }
  if (typeof value !== 'object' || value === null) {
    return value
  }
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      /Id$/.test(key) && typeof inner === 'string' ? Buffer.from(inner, 'hex') : withBytes(inner),
    ]),
  )
}
