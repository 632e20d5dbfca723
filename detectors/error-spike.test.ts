import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { measureSpikes } from '../bench/error-spike.ts'
import type { FindingDraft } from '../schema/finding.ts'
import type { EventOutcome, Telemetry } from '../schema/telemetry.ts'
import { event } from './arbitrary.ts'
import { type ErrorHistory, OTHER_TOOLS, TOOL_LIMIT } from './error-spike/history.ts'
import { ALARM_P, errorSpike } from './error-spike.ts'

const MINUTE_MS = 60_000
const START_MS = 1_700_000_000_000

/** An agent whose calls are fed as the engine would feed them. */
class Agent {
  readonly state: ErrorHistory = errorSpike.initial()
  timeMs = START_MS

  call(outcome: EventOutcome, fields: Partial<Telemetry> = {}, afterMs = MINUTE_MS): readonly FindingDraft[] {
    this.timeMs += afterMs
    const each = event({ tool: { name: 'kb.search' }, outcome, time_ms: this.timeMs, ...fields })
    const findings = errorSpike.check(each, this.state, { policy: undefined })
    if (findings.length > 0) {
      errorSpike.spoke?.(each, this.state, { policy: undefined })
    } else {
      errorSpike.learn(each, this.state, { policy: undefined })
    }
    return findings
  }

  calls(count: number, outcomeOf: (index: number) => EventOutcome, fields: Partial<Telemetry> = {}): FindingDraft[] {
    return Array.from({ length: count }, (_, index) => this.call(outcomeOf(index), fields)).flat()
  }

  /** One failure in twenty calls: the usual. */
  usual(count: number, fields: Partial<Telemetry> = {}): FindingDraft[] {
    return this.calls(count, (index) => (index % 20 === 7 ? 'error' : 'ok'), fields)
  }
}

describe('error-spike', () => {
  it('tells once when calls of a tool keep failing, and explains it', () => {
    const agent = new Agent()
    expect(agent.usual(400)).toEqual([])
    const findings = agent.calls(100, () => 'error', { error_type: 'HTTP 500' })
    expect(findings).toHaveLength(1)
    expect(findings[0]).toMatchObject({
      severity: 'medium',
      title: "Calls of 'kb.search' by an agent failed unusually often",
      reason: expect.stringMatching(
        /^\d+ of the last \d+ calls failed when 'support-assistant' called 'kb.search'; usually 5\.\d % do\.$/,
      ),
      expected: expect.stringMatching(/^about 5\.\d %, from \d+ calls in 7 hours and 1 tool of this agent$/),
      evidence: { outcome: 'error', untrusted_tool: 'kb.search', untrusted_error_type: 'HTTP 500' },
      techniques: [],
    })
    expect(findings[0]?.p).toBeLessThanOrEqual(ALARM_P)
    expect(Number(findings[0]?.evidence.failures)).toBeLessThan(25)
  })

  it('says nothing about an agent it hardly knows, nor about one that has always failed', () => {
    expect(new Agent().calls(29, () => 'error')).toEqual([])
    const failing = new Agent()
    expect(failing.calls(2000, (index) => (index % 3 === 0 ? 'ok' : 'error')).length).toBeLessThanOrEqual(1)
    expect(failing.calls(500, (index) => (index % 3 === 0 ? 'ok' : 'error'))).toEqual([])
  })

  it('does not take an amended event for one more failure', () => {
    const agent = new Agent()
    agent.usual(400)
    while (agent.call('error').length === 0) {
      const each = event({ tool: { name: 'kb.search' }, outcome: 'error', time_ms: agent.timeMs })
      expect(errorSpike.check(each, agent.state, { policy: undefined, repeated: true })).toEqual([])
    }
  })

  it('keeps kinds of failure apart', () => {
    const agent = new Agent()
    agent.usual(400)
    expect(agent.calls(40, () => 'denied')).toMatchObject([
      { evidence: { outcome: 'denied' }, techniques: ['AML.T0133'], severity: 'medium' },
    ])
    expect(agent.calls(40, () => 'rate_limited')).toMatchObject([
      { evidence: { outcome: 'rate_limited' }, techniques: ['AML.T0034.002'] },
    ])
    expect(agent.calls(60, () => 'timeout')).toMatchObject([{ evidence: { outcome: 'timeout' }, techniques: [] }])
  })

  it('takes answers to somebody who feels for permissions for probing', () => {
    const agent = new Agent()
    agent.usual(400)
    expect(agent.calls(40, () => 'error', { error_type: 'PermissionDenied' })).toMatchObject([
      { techniques: ['AML.T0133'] },
    ])
  })

  it('keeps tools apart, and lets the others vouch for a new one', () => {
    const reliable = new Agent()
    reliable.usual(600)
    const fresh = { tool: { name: 'crm.read' } }
    expect(reliable.calls(60, () => 'error', fresh)).toMatchObject([{ evidence: { untrusted_tool: 'crm.read' } }])
    expect(reliable.usual(200)).toEqual([])

    const flaky = new Agent()
    flaky.calls(600, (index) => (index % 2 === 0 ? 'error' : 'ok'))
    expect(flaky.calls(30, (index) => (index % 2 === 0 ? 'error' : 'ok'), fresh)).toEqual([])
  })

  it('does not learn what it told, and tells again when it comes back or lasts', () => {
    const agent = new Agent()
    agent.usual(400)
    expect(agent.calls(60, () => 'error')).toHaveLength(1)
    agent.usual(300)
    const again = agent.calls(60, () => 'error')
    expect(again).toHaveLength(1)
    expect(Number(again[0]?.evidence.usual_rate)).toBeLessThan(0.07)
    const lasting = Array.from({ length: 30 }, () => agent.call('error', {}, 4 * 3_600_000)).flat()
    expect(lasting.length).toBeGreaterThanOrEqual(3)
    expect(lasting.length).toBeLessThanOrEqual(6)
  })

  it('learns a burst that was over before anybody had to be told', () => {
    const agent = new Agent()
    agent.usual(400)
    agent.calls(4, () => 'error')
    const before = agent.state.tools[0]?.kinds[0]?.failures ?? 0
    agent.usual(60)
    expect(agent.state.tools[0]?.kinds[0]?.failures).toBeGreaterThan(before)
  })

  it('forgets by event time', () => {
    const agent = new Agent()
    agent.usual(400)
    agent.call('ok', {}, 140 * 86_400_000)
    expect(agent.state.tools[0]?.calls).toBeLessThan(2)
  })

  it('takes late events without forgetting backwards', () => {
    const agent = new Agent()
    agent.usual(100)
    const calls = agent.state.tools[0]?.calls ?? 0
    agent.call('ok', {}, -30 * 86_400_000)
    expect(agent.state.tools[0]?.calls).toBeCloseTo(calls + 1, 6)
  })

  it('counts tools beyond its places together, and gives places of idle tools away', () => {
    const agent = new Agent()
    for (let tool = 0; tool < 200; tool += 1) {
      agent.call('ok', { tool: { name: `tool-${tool}` } })
    }
    expect(agent.state.tools).toHaveLength(TOOL_LIMIT + 1)
    expect(agent.state.tools.find(({ tool }) => tool === OTHER_TOOLS)?.calls).toBeGreaterThan(199 - TOOL_LIMIT)
    agent.call('ok', { tool: { name: 'late' } }, 8 * 86_400_000)
    expect(agent.state.tools.some(({ tool }) => tool === 't:late')).toBe(true)
    expect(agent.state.tools).toHaveLength(TOOL_LIMIT + 1)
  })

  it('holds counts that make sense after any history', () => {
    const call = fc.tuple(
      fc.constantFrom<EventOutcome>('ok', 'error', 'timeout', 'denied'),
      fc.constantFrom('a', 'b', '*'),
      fc.constantFrom(0, 1000, 3_600_000, 86_400_000, -86_400_000),
    )
    let spoken = 0
    fc.assert(
      fc.property(fc.array(call, { maxLength: 300, size: 'max' }), fc.constantFrom(0, 60), (history, failing) => {
        const agent = new Agent()
        for (const [outcome, name, gapMs] of history) {
          agent.call(outcome, { tool: { name } }, gapMs)
        }
        spoken += agent.calls(failing, () => 'error', { tool: { name: 'a' } }).length
        for (const { calls, kinds } of agent.state.tools) {
          for (const { failures, heldOut, sum, stretchCalls, stretchFailures, repeated, followed } of kinds) {
            expect(Math.min(failures, heldOut, sum, stretchCalls)).toBeGreaterThanOrEqual(0)
            expect(stretchFailures).toBeLessThanOrEqual(stretchCalls)
            expect(repeated).toBeLessThanOrEqual(followed + 1e-3)
            expect(Number.isFinite(sum + failures + calls)).toBe(true)
          }
        }
      }),
      { numRuns: 60, seed: 4 },
    )
    expect(spoken).toBeGreaterThan(0)
  })

  it.each([
    [{ rate: 0.02, burst: 0 }, 0.2, 40],
    [{ rate: 0.1, burst: 0 }, 0.2, 120],
    [{ rate: 0.05, burst: 0.5 }, 5, 200],
  ])('simulated with %j raises few false alarms and finds a jump to one in two', (spikeCase, falseAlarms, calls) => {
    const result = measureSpikes(spikeCase, 20, 2500)
    expect(result.settled).toBeLessThanOrEqual(falseAlarms)
    expect(result.below01).toBeLessThan(0.01)
    expect(result.missed).toBe(0)
    expect(result.delay[1]).toBeLessThan(calls)
  })
})
