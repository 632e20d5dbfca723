/**
 * Realistic load: sessions of many agents as protobuf OTLP requests of 512 spans, made by the real SDK from the
 * same player as the demo. A trace is one root, model calls with messages, tool calls with arguments and
 * results, and the requests that tools make: the mix that agent frameworks emit.
 */
import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer'
import { InMemorySpanExporter, type ReadableSpan } from '@opentelemetry/sdk-trace-node'
import { play } from '../replay/play.ts'
import type { Session, Step } from '../replay/session.ts'
import { openTracing } from '../replay/tracing.ts'

export interface LoadOptions {
  readonly requests: number
  /** Share of agents that name themselves and their session on every span; those are never held. */
  readonly identified: number
  readonly agents: number
  readonly startMs: number
  readonly seed: string
}

export const SPANS_PER_REQUEST = 512

/** Every request holds whole traces as far as they fit; a trace cut by a request's end goes on in the next. */
export async function loadRequests(options: LoadOptions): Promise<Uint8Array[]> {
  const spans = await loadSpans(options, options.requests * SPANS_PER_REQUEST)
  return Array.from({ length: options.requests }, (_, index) =>
    serialized(spans.slice(index * SPANS_PER_REQUEST, (index + 1) * SPANS_PER_REQUEST)),
  )
}

/** A request, and the session in it that must raise an alert. */
export interface MarkedRequest {
  readonly body: Uint8Array
  readonly session: string
}

/** Requests of `spans` each, in every one of which an agent that names itself breaks its policy, once. */
export async function markedRequests(options: LoadOptions, spans: number): Promise<MarkedRequest[]> {
  const load = await loadSpans(options, options.requests * spans)
  const marked: MarkedRequest[] = []
  for (let index = 0; index < options.requests; index += 1) {
    const session = `${options.seed}-marked-${index}`
    const mark = await spansOf(MARK, `${options.seed}/mark/${index}`, options.startMs + index, session)
    const rest = load.slice(index * spans, (index + 1) * spans - mark.length)
    marked.push({ body: serialized([...rest, ...mark]), session })
  }
  return marked
}

/** Governed by a policy that comes with Telltale, which lists no shell. */
const MARK: Session = {
  title: 'mark',
  story: 'attack',
  service: 'support-service',
  agent: { id: 'support-assistant', version: '2.3.1' },
  identity: 'every-span',
  steps: [{ tool: 'shell.exec', arguments: { command: 'id' }, result: 'uid=0' }],
}

/** The SDK takes a while to flush a trace, most of it waiting. */
const TRACES_AT_ONCE = 64

async function loadSpans(options: LoadOptions, wanted: number): Promise<ReadableSpan[]> {
  const spans: ReadableSpan[] = []
  const trace = (number: number): Promise<ReadableSpan[]> => {
    const agent = number % options.agents
    const told = session(agent, number, agent < options.identified * options.agents)
    const startMs = options.startMs + number * 1000
    return spansOf(told, `${options.seed}/${number}`, startMs, `${options.seed}-conversation-${number}`)
  }
  for (let next = 0; spans.length < wanted; next += TRACES_AT_ONCE) {
    const made = await Promise.all(Array.from({ length: TRACES_AT_ONCE }, (_, index) => trace(next + index)))
    spans.push(...made.flat())
  }
  return spans
}

async function spansOf(told: Session, seed: string, startMs: number, conversation: string): Promise<ReadableSpan[]> {
  const exporter = new InMemorySpanExporter()
  const tracing = openTracing(told, seed, exporter)
  play(told, tracing.tracer, startMs, conversation)
  await tracing.flush()
  return exporter.getFinishedSpans()
}

function serialized(spans: ReadableSpan[]): Uint8Array {
  const body = ProtobufTraceSerializer.serializeRequest(spans)
  if (body === undefined) {
    throw new Error('the serializer gave nothing')
  }
  return body
}

const QUESTION =
  'Our customer asks whether the invoice of last month can be split over two cost centres, and whether the discount ' +
  'for early payment still applies when the second half is paid after the fourteenth. Please check the contract, the ' +
  'ledger and the mail thread before you answer, and keep the tone friendly but precise. '
const ANSWER =
  'The contract allows a split over two cost centres once a quarter. The discount applies to the part that is paid by ' +
  'the fourteenth; the remainder is due in full at the end of the month. I have prepared both bookings as drafts. '

/** One session in a thousand does what no policy allows. */
const VIOLATION_EVERY = 1000
const VIOLATION: Step = { tool: 'shell.exec', arguments: { command: 'id' }, result: 'uid=0' }

function session(agent: number, trace: number, identified: boolean): Session {
  // Every conversation has texts of its own; within one, each model call repeats what the user asked.
  const question = `${QUESTION}It is about case ${trace * 7919} of customer c-${agent}.`
  const answer = `${ANSWER}Draft number ${trace * 104_729} is yours to approve.`
  return {
    title: 'load',
    story: 'benign',
    service: `service-${agent}`,
    agent: { id: `agent-${agent}`, version: '1.0.0' },
    user: `user-${agent % 50}`,
    model: 'gpt-4o',
    identity: identified ? 'every-span' : 'root',
    steps: [
      { prompt: question, output: answer },
      {
        tool: 'contracts.search',
        arguments: { customer: `c-${agent}`, clause: 'payment terms', limit: 5 },
        result: { matches: [{ id: 'k-17', text: answer }] },
        requests: [{ url: 'https://contracts.example.com/api/search' }],
      },
      { prompt: question.repeat(3), output: answer },
      {
        tool: 'ledger.read',
        arguments: { account: 4400 + agent, month: '2026-10' },
        result: { rows: 42, sum: 1234.5 },
      },
      {
        tool: 'mail.search',
        arguments: { query: 'invoice split', from: 'pat.lee@example.com' },
        result: answer.repeat(2),
        requests: [{ url: 'https://mail.example.com/v1/search', method: 'POST' }],
      },
      { tool: 'ledger.draft', arguments: { account: 4400, lines: [617.25, 617.25] }, result: 'draft saved' },
      ...(trace % VIOLATION_EVERY === VIOLATION_EVERY - 1 ? [VIOLATION] : []),
      { prompt: question, output: answer.repeat(2) },
    ],
  }
}
