/**
 * Generates histories of agents: what contract tests run detectors on. Histories come in phases (quiet, hostile names, and
 * what `examples/` has for the detector), since events drawn one by one never make a pattern, and a property that holds on
 * silence says nothing.
 */
import fc from 'fast-check'
import { compilePolicies } from '../rules/compile.ts'
import type { CompiledPolicy } from '../rules/policy.ts'
import { CLASSIFICATIONS, OPERATIONS, OUTCOMES, type Telemetry } from '../schema/telemetry.ts'

/** An event with only what is asked for. `event_id` must be given by whoever makes several. */
export function event(fields: Partial<Telemetry> = {}): Telemetry {
  return {
    schema_version: '1',
    event_id: '0'.repeat(32),
    time_ms: 1_700_000_000_000,
    observed_ms: 1_700_000_000_000,
    tenant_id: 'default',
    agent: { id: 'support-assistant' },
    session_id: 'session-1',
    trace_id: null,
    span_id: null,
    parent_span_id: null,
    operation: 'tool_call',
    prompt_id: null,
    subject_chain: [],
    dataset_scope: [],
    policy_snapshot: null,
    policy_decision: null,
    atlas_mapping: [],
    tool: null,
    outcome: 'ok',
    duration_ms: null,
    volume: {},
    destinations: [],
    integrity: {},
    token: null,
    approval: null,
    attributes: {},
    ...fields,
  }
}

/** The policy under which generated agents stand, with these sections in YAML. */
export function examplePolicy(sections = ''): CompiledPolicy {
  const text = `\nversion: 1\nid: example\nagent: { id: '*' }\n${sections}`
  const policy = compilePolicies([{ path: 'example.yml', name: 'policies/example.yml', text }]).policies[0]
  if (policy === undefined) {
    throw new Error('the example policy did not compile')
  }
  return policy
}

/** The mark that every agent-supplied text of a hostile history carries: it must not come out unquoted. */
export const CANARY = '<x>'

/** Text as an attacker would choose it, marked with `CANARY`, of at most `limit` UTF-16 units. */
export function hostileText(limit: number): fc.Arbitrary<string> {
  const text = fc.oneof(
    fc.constantFrom(
      '__proto__',
      'constructor',
      'toString',
      '../../etc/passwd',
      "'; DROP TABLE alerts; --",
      '=cmd()',
      '%n%s',
      '{"a":1}',
      '\u202egnp.exe',
      '\u200b',
      '\u0000',
      'a\r\nb',
      'sh\u0435ll.exec',
      '\ud800',
      'x'.repeat(5000),
      '\u{1f600}'.repeat(200),
      ' ',
    ),
    fc.string({ unit: 'binary', maxLength: 60 }),
  )
  return text.map((body) => `${CANARY}${body}`.slice(0, limit))
}

/** What a phase says about one event; the rest is as in `event`. */
export type Fields = Partial<Telemetry>
/** A run of events of one kind. */
export type Phase = fc.Arbitrary<Fields[]>

const quiet: fc.Arbitrary<Fields> = fc.record({
  tool: fc.constantFrom({ name: 'kb.search' }, { name: 'crm.read' }),
  destinations: fc.constantFrom([], [{ host: 'api.example.com', port: 443, seen_in: 'network' as const }]),
  outcome: fc.integer({ min: 0, max: 24 }).map((n) => (n === 7 ? 'error' : 'ok')),
  content: fc.constant({ prompt: 'Where is my parcel?', output: 'It arrives on Monday.' }),
})
const hostile: fc.Arbitrary<Fields> = fc.record({
  operation: fc.constantFrom(...OPERATIONS),
  outcome: fc.constantFrom(...OUTCOMES),
  error_type: hostileText(512),
  tool: fc.oneof(
    fc.constant(null),
    fc.record({ name: hostileText(512), kind: hostileText(512), server: hostileText(512), call_id: hostileText(512) }),
  ),
  destinations: fc.array(fc.record({ host: hostileText(512), scheme: hostileText(512), method: hostileText(512) }), {
    maxLength: 4,
  }),
  subject_chain: fc.array(fc.record({ kind: fc.constant('human' as const), id: hostileText(512) }), { maxLength: 2 }),
  dataset_scope: fc.array(fc.record({ id: hostileText(512), classification: fc.constantFrom(...CLASSIFICATIONS) }), {
    maxLength: 2,
  }),
  content: fc.record({
    prompt: hostileText(8192),
    arguments: hostileText(8192),
    result: hostileText(8192),
    output: hostileText(8192),
    system_prompt: hostileText(8192),
  }),
  attributes: fc.constantFrom({}, { __proto__: 1 } as unknown as Telemetry['attributes'], { 'a.b.c': true }),
})

const QUIET = fc.array(quiet, { minLength: 40, maxLength: 80 })
const HOSTILE = fc.array(hostile, { minLength: 1, maxLength: 10 })

/**
 * The events of one agent, in order, over several phases and sessions, one tenant. Times mostly rise; some events come
 * late, some at the same time.
 *
 * @param own phases beside the quiet and the hostile one: those that the detector is about.
 */
export function agentHistory(agentId: string, own: readonly Phase[] = []): fc.Arbitrary<Telemetry[]> {
  const phase = fc.oneof(QUIET, HOSTILE, ...own.flatMap((each) => [each, each]))
  const gaps = fc.constantFrom(0, 1, 1000, 60_000, 3_600_000, 86_400_000, -5000)
  return fc
    .tuple(QUIET, fc.array(phase, { minLength: 1, maxLength: 5 }), fc.array(gaps, { minLength: 10, maxLength: 10 }))
    .map(([first, phases, steps]) => {
      let timeMs = 1_700_000_000_000
      return [first, ...phases].flat().map((fields, index) => {
        timeMs = Math.max(0, timeMs + (steps[index % steps.length] ?? 0))
        return event({
          ...fields,
          event_id: index.toString(16).padStart(32, '0'),
          time_ms: timeMs,
          observed_ms: timeMs,
          agent: { id: agentId },
          session_id: `session-${Math.floor(index / 25)}`,
        })
      })
    })
}
