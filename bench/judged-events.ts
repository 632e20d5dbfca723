/** Events of an ordinary day, to be judged: a seeded mixture of what agents do, with text or without. */
import { event } from '../detectors/arbitrary.ts'
import type { Content, Telemetry } from '../schema/telemetry.ts'
import { seeded } from './seeded.ts'

/** A policy under which ordinary days are allowed, so that every detector has something to compare with. */
export const JUDGED_POLICY = `
version: 1
id: bench
agent: { id: 'agent-*' }
tools: { allow: ['kb.*', 'crm.*', 'tickets.*', Read, Bash], deny: [crm.delete] }
egress: { allow: ['*.example.com'], ports: [443] }
datasets: { allow: ['postgresql/crm/*', 'kb/*'], clearance: confidential, tenants: [acme] }
delegation: { callers: [human, 'agent:*'], max_depth: 4 }
spawning: { allow: ['worker-*'] }
tokens: { scopes: ['read:*'], max_lifetime: 1h }
approvals: { required: [payments.send] }
limits: { calls_per_hour: 1000000 }
purpose: { declared: support }
integrity: { models: ['gpt-4o*'] }
`

const AGENTS = 200
const TEXT_LENGTH = 2048
const SESSION_EVENTS = 20

const WORDS = (
  'the customer order parcel late invoice address meeting report summary table column value team product release note ' +
  'please find attached agreed next week monday schedule price total shipping refund status open closed question answer ' +
  'page document section figure result test build error function module class file path server request response time ' +
  'user account name phone city street number email contact manager budget plan project review draft update version'
).split(' ')

/** Texts of 2 kB of ordinary words, never the same. */
export function ordinaryTexts(): () => string {
  const random = seeded(8)
  return () => {
    let said = ''
    while (said.length < TEXT_LENGTH) {
      said += `${pick(random, WORDS)} ${random() < 0.1 ? `${Math.floor(random() * 1000)}. ` : ''}`
    }
    return said.slice(0, TEXT_LENGTH)
  }
}

/** Texts of 2 kB cut from others, one after the other, each with a number before it, so that they are never the same. */
export function textsFrom(others: readonly string[]): () => string {
  const all = others.join('\n')
  let turn = 0
  return () => {
    const from = (turn * TEXT_LENGTH) % Math.max(1, all.length - TEXT_LENGTH)
    turn += 1
    return `${turn} ${all.slice(from, from + TEXT_LENGTH)}`.slice(0, TEXT_LENGTH)
  }
}

const pick = <T>(random: () => number, list: readonly T[]) => list[Math.floor(random() * list.length)] as T

/**
 * @param nextText gives the text of each event; without it they have no content at all
 * @param agents how many agents take turns
 */
export function judgedEvents(count: number, nextText?: () => string, agents = AGENTS): readonly Telemetry[] {
  const random = seeded(7)
  return Array.from({ length: count }, (_, index) => {
    const agent = index % agents
    const kind = pick(random, KINDS)
    return event({
      event_id: index.toString(16).padStart(32, '0'),
      time_ms: 1_790_000_000_000 + index * 50,
      agent: { id: `agent-${agent}`, version: '1.0.0' },
      session_id: `session-${agent}-${Math.floor(index / agents / SESSION_EVENTS)}`,
      subject_chain: [
        { kind: 'human', id: `user-${agent}` },
        { kind: 'agent', id: `agent-${agent}` },
      ],
      trace_id: index.toString(16).padStart(32, '1'),
      outcome: random() < 0.02 ? 'error' : 'ok',
      duration_ms: 100,
      ...kind.fields,
      ...(nextText === undefined ? {} : { content: contentOf(kind.place, nextText()) }),
    })
  })
}

function contentOf(place: 'result' | 'output', text: string): Content {
  return place === 'result'
    ? { arguments: '{"query":"order 8841"}', result: text }
    : { prompt: text.slice(0, 200), output: text.slice(200) }
}

const KINDS: readonly { readonly place: 'result' | 'output'; readonly fields: Partial<Telemetry> }[] = [
  { place: 'result', fields: { tool: { name: 'kb.search', call_id: 'c1' }, volume: { bytes_out: 2000 } } },
  {
    place: 'result',
    fields: {
      tool: { name: 'crm.read', server: 'crm' },
      dataset_scope: [{ id: 'postgresql/crm/leads', classification: 'internal', tenant: 'acme' }],
      volume: { rows: 12, bytes_out: 2000 },
    },
  },
  {
    place: 'result',
    fields: {
      tool: { name: 'tickets.create' },
      destinations: [{ host: 'tickets.example.com', port: 443, scheme: 'https', seen_in: 'network' }],
    },
  },
  {
    place: 'output',
    fields: {
      operation: 'model_call',
      integrity: { model: 'gpt-4o', system_prompt_hash: '1'.repeat(64) },
      volume: { input_tokens: 900, output_tokens: 200 },
    },
  },
  {
    place: 'result',
    fields: { operation: 'retrieval', dataset_scope: [{ id: 'kb/articles' }], volume: { documents: 4 } },
  },
  {
    place: 'output',
    fields: { operation: 'agent_invoke' },
  },
]
