import { describe, expect, it } from 'vitest'
import type { FindingDraft } from '../schema/finding.ts'
import type { Telemetry } from '../schema/telemetry.ts'
import { event } from './arbitrary.ts'
import { silentAgent } from './silent-agent.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000
const START_MS = 1_790_000_000_000

/** What an agent did, hour by hour since the start: telemetry, and bare requests of its service. */
interface Day {
  readonly operation: Telemetry['operation']
  readonly hours: number
}
const calls = (from: number, to: number, every: number): Day[] =>
  Array.from({ length: Math.floor((to - from) / every) }, (_, n) => ({
    operation: 'tool_call',
    hours: from + n * every,
  }))
const requests = (from: number, minutes: number, every = 4): Day[] =>
  Array.from({ length: minutes }, (_, n) => ({ operation: 'egress', hours: from + (n * every) / 60 }))

function run(...days: readonly (readonly Day[])[]): { readonly told: FindingDraft[]; readonly writes: number } {
  const state = silentAgent.initial()
  const told: FindingDraft[] = []
  let writes = 0
  for (const { operation, hours } of days.flat()) {
    const each = event({ operation, time_ms: START_MS + hours * HOUR_MS })
    const drafts = silentAgent.check(each, state, { policy: undefined })
    told.push(...drafts)
    const changed = (drafts.length > 0 ? silentAgent.spoke : silentAgent.learn)?.(each, state, { policy: undefined })
    writes += changed === false ? 0 : 1
  }
  return { told, writes }
}
const causes = (...days: readonly (readonly Day[])[]) => run(...days).told.map(({ cause }) => cause)

/** Ten days, a call every two hours. */
const TEN_DAYS = calls(0, 240, 2)

describe('silent-agent tells', () => {
  it('of a service that goes on sending requests without its telemetry, once', () => {
    const { told } = run(TEN_DAYS, requests(240, 30))
    expect(told.map(({ cause, severity }) => [cause, severity])).toEqual([['requests-without-telemetry', 'medium']])
    expect(told[0]?.evidence).toMatchObject({ minutes_with_requests: 10, usual_minutes: 0 })
  })

  it('again a week later, and no sooner', () => {
    const again = (hours: number) => causes(TEN_DAYS, requests(240, 30), calls(243, hours, 2), requests(hours, 30))
    expect(again(260)).toHaveLength(1)
    expect(again(240 + 7 * 24 + 2)).toEqual(['requests-without-telemetry', 'requests-without-telemetry'])
  })

  it('of an agent that comes back after a silence far longer than its pauses', () => {
    const { told } = run(TEN_DAYS, calls(263, 265, 1))
    expect(told.map(({ cause, severity }) => [cause, severity])).toEqual([['silence', 'low']])
    expect(told[0]?.reason).toContain('for 25 hours; its longest pause in the last four weeks was 2 hours')
  })
})

describe('silent-agent is quiet about', () => {
  it.each([
    ['an agent that is new', [calls(0, 100, 2), requests(100, 40)]],
    ['one that is heard of seldom', [calls(0, 240, 12), requests(240, 40)]],
    ['one quiet night', [TEN_DAYS, calls(256, 260, 2)]],
    ['pauses that are its own', [calls(0, 240, 10), calls(30 + 240, 300, 5), calls(325, 330, 5)]],
    // Forty hours: a weekend of an agent that works on weekdays.
    ['weekends', [calls(0, 100, 2), calls(160, 268, 2), calls(330, 340, 2)]],
    ['few requests', [TEN_DAYS, requests(240, 9)]],
    ['many requests at once', [TEN_DAYS, requests(240, 60, 0.1)]],
    [
      'requests between its calls',
      [TEN_DAYS, ...[240, 241, 242].flatMap((at) => [requests(at, 8), calls(at + 0.9, at + 1.9, 1)])],
    ],
  ] as const)('%s', (_what, days) => {
    expect(causes(...days)).toEqual([])
  })

  it('runs of requests as long as the service has them anyway', () => {
    const nightly = [0, 24, 48, 72, 96, 120, 144, 168, 192, 216].flatMap((at) => [
      ...requests(at + 0.1, 8),
      ...calls(at + 1, at + 24, 2),
    ])
    expect(causes(nightly, requests(240, 30))).toEqual([])
  })

  it('its own state: a busy agent writes once a minute', () => {
    const busy = Array.from({ length: 1000 }, (_, n): Day => ({ operation: 'tool_call', hours: (n * 100) / HOUR_MS }))
    expect(run(busy).writes).toBeLessThanOrEqual(1 + (1000 * 100) / MINUTE_MS)
  })
})
