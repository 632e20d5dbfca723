/**
 * Puts texts through the whole of Telltale, without bus, disk and network: an OTLP request per text, decoded, read by its
 * dialect, masked, assembled, judged. What the door would find, and nothing less.
 */
import { createHash } from 'node:crypto'
import { decodeOtlp } from '../collectors/otlp/decode.ts'
import { chain } from '../engine/chain.ts'
import { decode, fragmentRecord } from '../engine/records.ts'
import type { PolicySet } from '../rules/policy.ts'
import type { Finding } from '../schema/finding.ts'
import { pureStages } from '../wire.ts'
import { openIntake } from '../wire-intake.ts'

/** Where a text stands in the telemetry: said by a user, by the agent, or returned by a tool. */
export type Place = 'prompt' | 'output' | 'result'

export interface PlacedText {
  readonly text: string
  readonly place: Place
}

const NO_POLICIES: PolicySet = { policies: [], governing: () => undefined, governingKnown: () => undefined }
const START_MS = Date.UTC(2026, 0, 5, 8)

/** For each text, whether the detector has a finding in its session. */
export function flaggedByPipeline(texts: readonly PlacedText[], detector: string): boolean[] {
  const intake = openIntake({ publish: async () => undefined, count: () => undefined, retention: 'masked' })
  const flagged = new Set<string>()
  const pipeline = chain({
    stages: pureStages({ policies: NO_POLICIES, assemble: { clamp: false } }),
    onRecord: (topic, record) => {
      if (topic === 'findings') {
        const finding = decode<Finding>(record.value)
        if (finding.detector === detector) {
          flagged.add(finding.session_id)
        }
      }
      return record
    },
  })
  texts.forEach((text, index) => {
    const body = Buffer.from(JSON.stringify(requestOf(text, `text-${index}`, START_MS + index * 2000)))
    const { records } = decodeOtlp(body, { signal: 'traces', encoding: 'json' })
    pipeline.push('fragments', intake.fragments(records, 'default', START_MS + index * 2000).map(fragmentRecord))
  })
  pipeline.end()
  return texts.map((_, index) => flagged.has(`text-${index}`))
}

const hex = (text: string, bytes: number) =>
  createHash('sha256')
    .update(text)
    .digest('hex')
    .slice(0, bytes * 2)
const message = (role: string, content: string) => JSON.stringify([{ role, parts: [{ type: 'text', content }] }])

/** One session of one agent in the OpenTelemetry GenAI conventions: a root span and the call that carries the text. */
function requestOf({ text, place }: PlacedText, session: string, startMs: number): unknown {
  const span = (id: string, parent: string | undefined, name: string, attributes: Record<string, string>) => ({
    traceId: hex(session, 16),
    spanId: hex(`${session}/${id}`, 8),
    ...(parent === undefined ? {} : { parentSpanId: hex(`${session}/${parent}`, 8) }),
    name,
    kind: 1,
    startTimeUnixNano: `${startMs}000000`,
    endTimeUnixNano: `${startMs + 500}000000`,
    attributes: Object.entries(attributes).map(([key, value]) => ({ key, value: { stringValue: value } })),
    status: {},
  })
  const call =
    place === 'result'
      ? span('call', 'root', 'execute_tool read_document', {
          'gen_ai.operation.name': 'execute_tool',
          'gen_ai.tool.name': 'read_document',
          'gen_ai.tool.call.id': '1',
          'gen_ai.tool.call.arguments': '{"id":1}',
          'gen_ai.tool.call.result': text,
        })
      : span('call', 'root', 'chat model', {
          'gen_ai.operation.name': 'chat',
          'gen_ai.request.model': 'model',
          'gen_ai.input.messages': message('user', place === 'prompt' ? text : 'Hello'),
          ...(place === 'output' ? { 'gen_ai.output.messages': message('assistant', text) } : {}),
        })
  const root = span('root', undefined, 'invoke_agent reader', {
    'gen_ai.operation.name': 'invoke_agent',
    'gen_ai.agent.name': 'reader',
    'gen_ai.agent.id': 'reader',
    'gen_ai.conversation.id': session,
  })
  return {
    resourceSpans: [
      {
        resource: { attributes: [{ key: 'service.name', value: { stringValue: 'reader' } }] },
        scopeSpans: [{ scope: { name: 'quality' }, spans: [call, root] }],
      },
    ],
  }
}
