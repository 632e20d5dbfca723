import { describe, expect, it } from 'vitest'
import type { Finding, FindingDraft } from '../schema/finding.ts'
import { idOf } from '../schema/ids.ts'
import type { Mark, MarkKind } from '../schema/mark.ts'
import { lethalTrifecta } from './lethal-trifecta.ts'
import type { Seen } from './session-detector.ts'

/** Everything is about one event a second: `n` is both. */
const head = (n: number, agent: string) => ({
  schema_version: '1' as const,
  tenant_id: 'default',
  event_id: idOf('event', n),
  time_ms: 1_790_000_000_000 + n * 1000,
  agent: { id: agent },
  session_id: 'session-1',
  trace_id: null,
})

const mark = (n: number, kind: MarkKind, agent = 'assistant'): Mark => ({
  ...head(n, agent),
  mark_id: idOf('mark', n, kind),
  kind,
  source: 'web',
  untrusted_name: `tool-${n}`,
})
const outside = (n: number, agent?: string) => mark(n, 'untrusted-content', agent)
const secret = (n: number, agent?: string) => mark(n, 'private-data', agent)
const outward = (n: number, agent?: string) => mark(n, 'outward', agent)

const finding = (n: number, detector: string, changes: Partial<Finding> = {}): Finding => ({
  ...head(n, 'assistant'),
  finding_id: idOf('finding', n, detector),
  detector,
  detector_version: 1,
  kind: 'content',
  owasp: [],
  cause: detector,
  severity: 'medium',
  confidence: 0.8,
  title: 'Title',
  reason: 'Reason.',
  observed: 'this',
  expected: 'that',
  evidence: {},
  techniques: [],
  ...changes,
})

function drafts(...seen: readonly Seen[]): FindingDraft[] {
  const state = lethalTrifecta.initial()
  return seen.flatMap((each) => lethalTrifecta.observe(each, state) ?? []).map(({ draft }) => draft)
}
const severities = (...seen: readonly Seen[]) => drafts(...seen).map(({ severity }) => severity)

describe('lethal-trifecta', () => {
  it('takes all three alone for context: assistants that answer mail have them every day', () => {
    expect(severities(outside(1), secret(2), outward(3), outward(4))).toEqual(['informational'])
  })

  it.each([
    ['the content gives orders', [finding(1, 'injection')], 'high'],
    ['a value of it was sent', [finding(3, 'tainted-argument')], 'high'],
    ['a policy forbids the sending', [finding(3, 'egress', { kind: 'policy' })], 'medium'],
    [
      'orders, and a policy forbids it',
      [finding(1, 'injection'), finding(3, 'egress', { kind: 'policy' })],
      'critical',
    ],
  ] as const)('is an alert when %s', (_why, findings, severity) => {
    expect(severities(outside(1), secret(2), ...findings, outward(3)).at(-1)).toBe(severity)
    // Whichever reaches the stage last.
    expect(severities(outward(3), secret(2), outside(1), ...findings).at(-1)).toBe(severity)
  })

  it.each([
    ['nothing private was read', [outside(1), outward(3)]],
    ['nothing came from outside', [secret(1), outward(3)]],
    ['nothing was sent', [outside(1), secret(2)]],
    ['it was sent before the private data was read', [outside(1), outward(2), secret(3)]],
    ['it was sent before the content came', [secret(1), outward(2), outside(3), finding(3, 'injection')]],
    ['the sending itself brought the content', [secret(1), outside(2), outward(2)]],
  ] as const)('is silent when %s', (_why, seen) => {
    expect(severities(...seen)).toEqual([])
  })

  it.each([
    ['a guess', [finding(1, 'injection', { severity: 'low' })]],
    ['orders that came after it', [finding(5, 'injection')]],
    ['a policy broken by something else', [finding(2, 'tool-allowlist', { kind: 'policy' })]],
  ] as const)('stays context for %s', (_what, findings) => {
    expect(severities(outside(1), secret(2), ...findings, outward(3))).toEqual(['informational'])
  })

  it('joins what several agents of a session did, and explains the three events', () => {
    const seen = [outside(1, 'researcher'), finding(1, 'injection'), secret(2, 'clerk'), outward(3, 'mailer')]
    const [told] = drafts(...seen)
    expect(told?.reason).toBe(
      "'assistant' got content from outside (injection), 'clerk' read private data (web), then 'mailer' sent something out (web); the content gives orders.",
    )
    expect(told?.evidence).toMatchObject({
      outside_event: idOf('event', 1),
      private_event: idOf('event', 2),
      outward_event: idOf('event', 3),
      untrusted_outward: 'tool-3',
      seconds_from_outside_to_outward: 2,
    })
    expect(told?.techniques).toEqual(['AML.T0051.001', 'AML.T0085.001', 'AML.T0086'])
  })
})
