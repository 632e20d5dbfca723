/** What every detector of whole sessions must honour. `index.test.ts` runs it on each member of the list. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { technique } from '../schema/atlas.ts'
import { ALERT_KINDS, type Finding, SEVERITIES } from '../schema/finding.ts'
import { idOf } from '../schema/ids.ts'
import { MARK_KINDS, type Mark } from '../schema/mark.ts'
import { owaspName } from '../schema/owasp.ts'
import { validateFindingDraft, validateSeen } from '../schema/validate.ts'
import { CANARY, hostileText } from './arbitrary.ts'
import type { AnySessionDetector, Seen, SessionFinding } from './session-detector.ts'

/** The largest state of one session, as JSON. */
const STATE_LIMIT_BYTES = 64 * 1024
const RUNS = { numRuns: 300, seed: 20260 }

const head = (n: number, minute: number, agent: string) => ({
  schema_version: '1' as const,
  tenant_id: 'default',
  event_id: idOf('event', n),
  time_ms: 1_790_000_000_000 + minute * 60_000,
  agent: { id: `${agent}-${CANARY}` },
  session_id: 'session-1',
  trace_id: null,
})

/** Facts about few events, so that marks and findings meet in one. */
const about = { n: fc.nat(12), minute: fc.nat(30), agent: fc.constantFrom('reader', 'writer') }

const mark: fc.Arbitrary<Mark> = fc
  .record({ ...about, kind: fc.constantFrom(...MARK_KINDS), name: fc.option(hostileText(512), { nil: undefined }) })
  .map(({ n, minute, agent, kind, name }) => ({
    ...head(n, minute, agent),
    mark_id: idOf('mark', n, kind),
    kind,
    source: 'web',
    ...(name === undefined ? {} : { untrusted_name: name }),
  }))

const finding: fc.Arbitrary<Finding> = fc
  .record({
    ...about,
    detector: fc.constantFrom('injection', 'tainted-argument', 'egress', 'error-spike'),
    kind: fc.constantFrom(...ALERT_KINDS),
    severity: fc.constantFrom(...SEVERITIES),
  })
  .map(({ n, minute, agent, ...rest }) => ({
    ...head(n, minute, agent),
    finding_id: idOf('finding', n, rest.detector),
    detector_version: 1,
    owasp: [],
    cause: 'cause',
    confidence: 0.9,
    title: 'Title',
    reason: 'Reason.',
    observed: 'this',
    expected: 'that',
    evidence: {},
    techniques: [],
    ...rest,
  }))

const session: fc.Arbitrary<Seen[]> = fc.array(fc.oneof(mark, mark, finding), { maxLength: 30 })

function run(detector: AnySessionDetector, seen: readonly Seen[], cut = -1): SessionFinding[] {
  let state: object = detector.initial()
  return seen.flatMap((each, index) => {
    state = index === cut ? (JSON.parse(JSON.stringify(state)) as object) : state
    return detector.observe(each, state) ?? []
  })
}

export function sessionDetectorContract(detector: AnySessionDetector): void {
  const forAll = (check: (seen: Seen[]) => void) => fc.assert(fc.property(session, check), RUNS)

  describe(`session detector ${detector.id}`, () => {
    it('describes itself with ids that exist', () => {
      expect(detector.id).toMatch(/^[a-z][a-z0-9-]*$/)
      expect(detector.techniques.filter((id) => technique(id)?.id !== id)).toEqual([])
      expect(detector.owasp.filter((id) => owaspName(id) === undefined)).toEqual([])
      expect(detector.runbook.length).toBeGreaterThan(0)
      expect(Math.min(detector.catches.length, detector.misses.length)).toBeGreaterThan(20)
    })

    it('is silent on some generated sessions and speaks on others', () => {
      const counts = { spoke: 0, silent: 0 }
      forAll((seen) => {
        expect(seen.map(validateSeen).filter((problem) => problem !== undefined)).toEqual([])
        counts[run(detector, seen).length > 0 ? 'spoke' : 'silent'] += 1
      })
      expect(Math.min(counts.spoke, counts.silent)).toBeGreaterThan(3)
    })

    it('gives the same findings for the same session, wherever its state goes through JSON', () => {
      fc.assert(
        fc.property(session, fc.nat(30), (seen, cut) => {
          expect(run(detector, seen, cut)).toEqual(run(detector, structuredClone(seen)))
        }),
        RUNS,
      )
    })

    it('leaves the state as it was when it says that nothing concerned it', () => {
      forAll((seen) => {
        const state: object = detector.initial()
        for (const each of seen) {
          const before = JSON.stringify(state)
          if (detector.observe(each, state) === undefined) {
            expect(JSON.stringify(state)).toBe(before)
          }
        }
      })
    })

    it('gives valid findings about events of the session, with techniques and severities it declares', () => {
      forAll((seen) => {
        for (const { draft, about: event } of run(detector, seen)) {
          expect(validateFindingDraft(draft)).toBeUndefined()
          expect(detector.severities).toContain(draft.severity)
          expect(draft.techniques.filter((id) => !detector.techniques.includes(id))).toEqual([])
          expect(seen.map(({ event_id }) => event_id)).toContain(event.event_id)
        }
      })
    })

    it('lets agent-supplied text out in untrusted fields only', () => {
      forAll((seen) => {
        for (const { draft } of run(detector, seen)) {
          const evidence = Object.entries(draft.evidence).filter(([key]) => !key.startsWith('untrusted_'))
          expect(JSON.stringify({ ...draft, evidence })).not.toContain(CANARY)
        }
      })
    })

    it('bounds its state however much a session does', () => {
      const state: object = detector.initial()
      const many = fc.sample(fc.oneof(mark, finding), { numRuns: 2000, seed: 1 })
      many.forEach((each, index) => {
        detector.observe({ ...each, event_id: idOf('event', index) }, state)
      })
      expect(JSON.stringify(state).length).toBeLessThan(STATE_LIMIT_BYTES)
    })
  })
}
