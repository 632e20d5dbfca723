import { describe, expect, it } from 'vitest'
import type { Telemetry } from '../schema/telemetry.ts'
import { event, examplePolicy } from './arbitrary.ts'
import { limits, SESSIONS_KEPT } from './limits.ts'

const HOUR_MS = 3_600_000
const START_MS = 400_000 * HOUR_MS

function run(section: string, events: readonly Partial<Telemetry>[]) {
  const policy = examplePolicy(`limits: ${section}`)
  const state = limits.initial()
  return events.map((fields, index) => {
    const each = event({ event_id: index.toString(16).padStart(32, '0'), time_ms: START_MS + 1000 * index, ...fields })
    const drafts = limits.check(each, state, { policy })
    const changed = (drafts.length > 0 ? limits.spoke : limits.learn)?.(each, state, { policy })
    return { causes: drafts.map(({ cause }) => cause.split(':')[0]), drafts, changed }
  })
}

const calls = (count: number, fields: Partial<Telemetry> = {}) => Array.from({ length: count }, () => fields)
const spoken = (section: string, events: readonly Partial<Telemetry>[]) =>
  run(section, events).flatMap(({ causes }, index) => causes.map((cause) => `${index} ${cause}`))

describe('limits', () => {
  it('explains the first call above a limit, and is silent up to it and after it', () => {
    const told = run('{ calls_per_session: 3 }', calls(6))
    expect(told.map(({ drafts }) => drafts.length)).toEqual([0, 0, 0, 1, 0, 0])
    expect(told[3]?.drafts).toMatchObject([
      {
        severity: 'medium',
        title: 'Agent exceeded its limit of calls in one session',
        reason:
          "'support-assistant' came to 4 calls in one session, the first of them 3 s before; its policy allows 3.",
        expected: 'at most 3 calls in one session',
        silence: 'policies/example.yml:5: raise limits.calls_per_session above 3',
        evidence: { limit: 'calls_per_session', sum: 4, most: 3 },
        policy: { file: 'policies/example.yml', line: 5 },
      },
    ])
  })

  it('counts every session alone, and hours over all of them', () => {
    const sessions = ['a', 'b', 'a', 'b', 'a'].map((session_id) => ({ session_id }))
    expect(spoken('{ calls_per_session: 2 }', sessions)).toEqual(['4 calls_per_session'])
    expect(spoken('{ calls_per_hour: 4 }', sessions)).toEqual(['4 calls_per_hour'])
  })

  it('tells a limit again in the next hour, and counts late events where they belong', () => {
    const at = (hour: number) => ({ time_ms: START_MS + hour * HOUR_MS })
    expect(spoken('{ calls_per_hour: 1 }', [at(0), at(0), at(1), at(1)])).toEqual([
      '1 calls_per_hour',
      '3 calls_per_hour',
    ])
    expect(spoken('{ calls_per_hour: 1 }', [at(0), at(1), at(0)])).toEqual(['2 calls_per_hour'])
    expect(spoken('{ calls_per_hour: 1 }', [at(0), at(0), at(1), at(2), at(0), at(0)])).toEqual(['1 calls_per_hour'])
  })

  it('counts tokens and cost of model calls alone', () => {
    const volume = { input_tokens: 60, output_tokens: 50, cost_usd: 0.1 }
    const model = { operation: 'model_call' as const, volume }
    expect(spoken('{ tokens_per_session: 200 }', [model, { volume }, model])).toEqual(['2 tokens_per_session'])
    expect(spoken('{ cost_usd_per_day: 0.3 }', calls(4, model))).toEqual(['3 cost_usd_per_day'])
    expect(spoken('{ calls_per_session: 1 }', calls(9, model))).toEqual([])
  })

  it('does not take an amended event for one more', () => {
    const state = limits.initial()
    const policy = examplePolicy('limits: { calls_per_session: 2 }')
    for (let n = 0; n < 2; n += 1) {
      limits.learn(event(), state, { policy })
    }
    expect(limits.check(event(), state, { policy })).toHaveLength(1)
    expect(limits.check(event(), state, { policy, repeated: true })).toEqual([])
  })

  it('leaves its state alone where nothing is counted', () => {
    expect(run('{ tokens_per_session: 5 }', [{}])[0]?.changed).toBe(false)
    expect(run('{ calls_per_session: 5 }', [{}])[0]?.changed).toBe(true)
    expect(limits.learn(event(), limits.initial(), { policy: undefined })).toBe(false)
  })

  it('holds some sessions at once, those heard of last', () => {
    const sessions = Array.from({ length: SESSIONS_KEPT }, (_, index) => ({ session_id: `s${index}` }))
    expect(spoken('{ calls_per_session: 1 }', [{ session_id: 'first' }, ...sessions, { session_id: 'first' }])).toEqual(
      [],
    )
    expect(spoken('{ calls_per_session: 1 }', [...sessions, { session_id: 's0' }])).toEqual([
      `${SESSIONS_KEPT} calls_per_session`,
    ])
  })
})
