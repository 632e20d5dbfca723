/** What every detector must honour. `index.test.ts` runs it on each member of the list. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { CompiledPolicy } from '../rules/policy.ts'
import { technique } from '../schema/atlas.ts'
import { fieldsOf } from '../schema/field-path.ts'
import { type FindingDraft, SEVERITIES } from '../schema/finding.ts'
import { owaspName } from '../schema/owasp.ts'
import { OPERATIONS, type Telemetry } from '../schema/telemetry.ts'
import { validateFindingDraft, validateTelemetry } from '../schema/validate.ts'
import { agentHistory, CANARY, event, examplePolicy, hostileText } from './arbitrary.ts'
import type { AnyDetector } from './detector.ts'
import type { DetectorExample } from './examples/example.ts'

/** The largest state of one scope, as JSON. */
const STATE_LIMIT_BYTES = 128 * 1024
const SEED = 20260
const RUNS = 40

/** A finding and the event it is about. */
interface Told {
  readonly event: string
  readonly draft: FindingDraft
}

/** @param example what makes the detector speak. */
export function detectorContract(detector: AnyDetector, example: DetectorExample): void {
  const policy = examplePolicy(example.policy)
  const histories = agentHistory(`agent-${CANARY}`, example.phases)
  const judge = (events: readonly Telemetry[], options: RunOptions = {}) => run(detector, events, policy, options)
  const forAll = (histories_: fc.Arbitrary<Telemetry[]>, check: (events: Telemetry[]) => void) =>
    fc.assert(
      fc.property(histories_, (events) => {
        check(events)
      }),
      { numRuns: RUNS, seed: SEED },
    )

  describe(`detector ${detector.id}`, () => {
    it('describes itself with ids that exist', () => {
      expect(detector.id).toMatch(/^[a-z][a-z0-9-]*$/)
      expect(detector.techniques.filter((id) => technique(id)?.id !== id)).toEqual([])
      expect(detector.owasp.filter((id) => owaspName(id) === undefined)).toEqual([])
      expect(detector.runbook.length).toBeGreaterThan(0)
      expect(detector.catches.length).toBeGreaterThan(20)
      expect(detector.misses.length).toBeGreaterThan(20)
      expect(detector.on.length).toBeGreaterThan(0)
      expect(detector.on.every((operation) => OPERATIONS.includes(operation))).toBe(true)
      expect(detector.severities).toEqual(SEVERITIES.filter((severity) => detector.severities.includes(severity)))
      expect(detector.severities.length).toBeGreaterThan(0)
    })

    it('says nothing of an event that alone does not tell all that it needs', () => {
      const sections = policy.sections.map((section) => `policy.${section}`)
      forAll(histories, (events) => {
        for (const each of events.filter(({ operation }) => detector.on.includes(operation))) {
          const told: readonly string[] = [...fieldsOf(each), ...sections]
          if (!detector.needs.every((need) => [need].flat().some((name) => told.includes(name)))) {
            expect(judge([each])).toEqual([])
          }
        }
      })
    })

    it('is silent on some generated histories and fires on others', () => {
      const counts = { fired: 0, silent: 0 }
      forAll(histories, (events) => {
        counts[judge(events).length > 0 ? 'fired' : 'silent'] += 1
      })
      expect(counts.fired).toBeGreaterThan(3)
      expect(counts.silent).toBeGreaterThan(0)
    })

    it('gives the same findings for the same events', () => {
      forAll(histories, (events) => {
        expect(judge(events)).toEqual(judge(structuredClone(events)))
      })
    })

    it('changes neither event nor state when it checks', () => {
      forAll(histories, (events) => {
        expect(judge(events.map(frozen), { freeze: true })).toEqual(judge(events))
      })
    })

    it('continues from its state as JSON, wherever it is cut', () => {
      fc.assert(
        fc.property(histories, fc.array(fc.nat(200), { minLength: 1, maxLength: 3 }), (events, cuts) => {
          expect(judge(events, { cuts: new Set(cuts) })).toEqual(judge(events))
        }),
        { numRuns: RUNS, seed: SEED },
      )
    })

    it('says that it left its state as it was only where it did', () => {
      forAll(histories, (events) => {
        judge(events, { compare: true })
      })
    })

    it('gives valid findings with techniques it declares', () => {
      forAll(histories, (events) => {
        for (const { draft } of judge(events)) {
          expect(validateFindingDraft(draft)).toBeUndefined()
          expect(draft.techniques.filter((id) => !detector.techniques.includes(id))).toEqual([])
          expect(new Set(draft.techniques).size).toBe(draft.techniques.length)
          expect(detector.severities).toContain(draft.severity)
        }
      })
    })

    it('tells for reading alone what rests on a policy that is still being learned', () => {
      const learned = examplePolicy(`${example.policy ?? ''}\nmode: learn`)
      forAll(histories, (events) => {
        for (const { draft } of run(detector, events, learned, {})) {
          expect(draft.policy === undefined ? 'informational' : draft.severity).toBe('informational')
        }
      })
    })

    it('lets agent-supplied text out in untrusted fields only', () => {
      let told = 0
      forAll(histories, (events) => {
        for (const { draft } of judge(events)) {
          const trusted = {
            ...draft,
            evidence: Object.entries(draft.evidence).filter(([key]) => !key.startsWith('untrusted_')),
          }
          expect(JSON.stringify(trusted)).not.toContain(CANARY)
          for (const text of [draft.title, draft.cause, draft.reason, draft.observed]) {
            expect(text).toMatch(/^[\x20-\x7e]+$/)
          }
          told += 1
        }
      })
      expect(told).toBeGreaterThan(0)
    })

    it('keeps no secrets between scopes: an agent is judged alike alone and among others', () => {
      fc.assert(
        fc.property(histories, agentHistory('another', example.phases), (events, others) => {
          const mixed = events.flatMap((each, index) => [...(others[index] === undefined ? [] : [others[index]]), each])
          const own = run(detector, mixed, policy, { only: events[0]?.agent.id })
          expect(own).toEqual(judge(events))
        }),
        { numRuns: RUNS, seed: SEED },
      )
    })

    it('bounds its state however many names an agent invents', () => {
      const state = detector.initial()
      fc.assert(
        fc.property(hostileText(8192), fc.nat(1e9), fc.constantFrom(...detector.on), (text, salt, operation) => {
          absorb(detector, inventedEvent(text, salt, operation), state, policy)
        }),
        { numRuns: 1500, seed: SEED },
      )
      expect(JSON.stringify(state).length).toBeLessThan(STATE_LIMIT_BYTES)
    })

    it('says nothing when nothing is there to judge', () => {
      for (const operation of detector.on) {
        expect(detector.check(event({ operation }), detector.initial(), { policy: undefined })).toEqual([])
      }
    })
  })
}

/** Guards the generators themselves: what it makes must be what the engine would deliver. */
export function historyContract(examples: readonly DetectorExample[]): void {
  it('generates schema-valid events', () => {
    const phases = examples.flatMap((example) => example.phases)
    fc.assert(
      fc.property(agentHistory('a', phases), (events) => {
        expect(events.map(validateTelemetry).filter((problem) => problem !== undefined)).toEqual([])
      }),
      { numRuns: RUNS, seed: SEED },
    )
  })
}

interface RunOptions {
  /** Positions before which the state goes through JSON. */
  readonly cuts?: ReadonlySet<number>
  /** Deep-freezes the state while it is checked. */
  readonly freeze?: boolean
  /** Compares the state before with that after, where the detector says that they are the same. */
  readonly compare?: boolean
  /** Whose findings to return. */
  readonly only?: string | undefined
}

/** Runs events through a detector as the engine does. */
function run(detector: AnyDetector, events: readonly Telemetry[], policy: CompiledPolicy, options: RunOptions): Told[] {
  const states = new Map<string, object>()
  const told: Told[] = []
  for (const [index, each] of events.entries()) {
    if (!detector.on.includes(each.operation)) {
      continue
    }
    const key = detector.scope === 'session' ? `${each.agent.id} ${each.session_id}` : each.agent.id
    const known = states.get(key) ?? detector.initial()
    const state = options.cuts?.has(index) === true ? JSON.parse(JSON.stringify(known)) : known
    states.set(key, state)
    const checked = options.freeze === true ? frozen(structuredClone(state)) : state
    const drafts = detector.check(each, checked as never, { policy })
    if (options.only === undefined || options.only === each.agent.id) {
      told.push(...drafts.map((draft) => ({ event: each.event_id, draft })))
    }
    const before = options.compare === true ? structuredClone(state) : undefined
    const changed = afterwards(detector, each, state, policy, drafts.length > 0)
    if (before !== undefined && changed === false) {
      expect(state).toEqual(before)
    }
  }
  return told
}

function absorb(detector: AnyDetector, each: Telemetry, state: object, policy: CompiledPolicy): void {
  const drafts = detector.check(each, state, { policy })
  afterwards(detector, each, state, policy, drafts.length > 0)
}

function afterwards(detector: AnyDetector, each: Telemetry, state: object, policy: CompiledPolicy, spoken: boolean) {
  if (detector.scope === 'none') {
    return false
  }
  if (spoken) {
    return detector.spoke === undefined ? false : detector.spoke(each, state, { policy })
  }
  return detector.learn(each, state, { policy })
}

function inventedEvent(text: string, salt: number, operation: Telemetry['operation']): Telemetry {
  const name = `${salt}${text}`.slice(0, 512)
  return event({
    operation,
    time_ms: salt,
    agent: { id: 'a', version: name },
    session_id: name,
    tool: { name, server: name },
    outcome: salt % 2 === 0 ? 'ok' : 'error',
    error_type: name,
    destinations: [{ host: name }],
    integrity: { system_prompt_hash: salt.toString(16).padStart(64, '0') },
    content: { prompt: `${salt}${text}`.slice(0, 8192), system_prompt: `${salt} ${text} `.repeat(9).slice(0, 8192) },
  })
}

function frozen<Value>(value: Value): Value {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    Object.values(value).forEach(frozen)
  }
  return value
}
