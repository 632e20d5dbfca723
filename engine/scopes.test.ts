import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { exampleEvent } from '../test/example-event.ts'
import { type DetectorStates, detectorStates, type StateOwner } from './scopes.ts'

const HOUR_MS = 3_600_000
const LIMITS = { maxAgents: 3, maxSessions: 3 }
const START_MS = exampleEvent().time_ms

interface Count {
  count: number
}
const counter: StateOwner = { id: 'counter', scope: 'agent', stateVersion: 1, initial: (): Count => ({ count: 0 }) }
const other: StateOwner = { ...counter, id: 'other' }
const ofSession: StateOwner = { ...counter, scope: 'session' }

const of = (agent: string, timeMs = 0) => exampleEvent({ agent: { id: agent }, time_ms: START_MS + timeMs })

/** What is known of an agent, without changing it. */
function look(states: DetectorStates, agent: string, timeMs = 0, owner = counter): number {
  return (states.of(owner, of(agent, timeMs)) as Count).count
}

function count(states: DetectorStates, agent: string, timeMs = 0, owner = counter): number {
  const event = of(agent, timeMs)
  const state = states.of(owner, event) as Count
  state.count += 1
  states.touched(owner, event)
  return state.count
}

/** What is persisted, as the bus keeps it. */
class Persisted {
  readonly entries = new Map<string, Uint8Array>()

  commit(states: DetectorStates): void {
    for (const { key, value } of states.changes()) {
      if (value === undefined) {
        this.entries.delete(key)
      } else {
        this.entries.set(key, Uint8Array.from(value))
      }
    }
  }

  open(): DetectorStates {
    // A log that is compacted gives its keys back in any order.
    const state = [...this.entries].reverse().map(([key, value]) => ({ key, value }))
    return detectorStates(LIMITS, state)
  }
}

describe('the states of detectors', () => {
  it('are forgotten in the same order whether it is restarted between or not', () => {
    const acts = fc.record({ agent: fc.nat(6), looks: fc.boolean(), afterMs: fc.nat(HOUR_MS), restarts: fc.boolean() })
    fc.assert(
      fc.property(fc.array(acts, { maxLength: 60 }), (history) => {
        const run = (restarting: boolean) => {
          const persisted = new Persisted()
          let states = persisted.open()
          let nowMs = 0
          return history.map(({ agent, looks, afterMs, restarts }) => {
            nowMs += afterMs
            const seen = (looks ? look : count)(states, `agent-${agent}`, nowMs)
            if (restarting && restarts) {
              persisted.commit(states)
              states = persisted.open()
            }
            return seen
          })
        }
        expect(run(true)).toEqual(run(false))
      }),
      { seed: 7, numRuns: 200 },
    )
  })

  it('are forgotten for what was used since, and not for what was only looked for', () => {
    const states = detectorStates(LIMITS, [])
    for (const agent of ['a', 'b', 'c']) {
      count(states, agent)
    }
    for (const agent of ['d', 'e', 'f', 'g']) {
      look(states, agent)
    }
    expect(['a', 'b', 'c'].map((agent) => look(states, agent))).toEqual([1, 1, 1])
    count(states, 'd')
    expect(['a', 'b', 'c', 'd'].map((agent) => look(states, agent))).toEqual([0, 1, 1, 1])
  })

  it('are kept while they are in use though they never change, at the price of one write an hour', () => {
    const states = detectorStates(LIMITS, [])
    count(states, 'a')
    states.changes()
    look(states, 'a', HOUR_MS - 1)
    expect(states.changes()).toEqual([])
    look(states, 'a', HOUR_MS)
    look(states, 'a', HOUR_MS + 1)
    expect(states.changes()).toHaveLength(1)
    for (const [at, agent] of ['b', 'c', 'd', 'e'].entries()) {
      look(states, 'a', (at + 2) * HOUR_MS)
      count(states, agent, (at + 2) * HOUR_MS)
    }
    expect(look(states, 'a')).toBe(1)
  })

  it('are written with those alone that changed', () => {
    const states = detectorStates(LIMITS, [])
    const event = of('a')
    states.of(other, event)
    states.of(counter, event)
    states.touched(counter, event)
    const [entry] = states.changes()
    expect(Buffer.from(entry?.value ?? []).toString()).toContain('counter')
    expect(Buffer.from(entry?.value ?? []).toString()).not.toContain('other')
  })

  it('are written again when they change again, by the same event, too', () => {
    const states = detectorStates(LIMITS, [])
    const event = of('a')
    for (let n = 0; n < 2; n += 1) {
      states.touched(counter, event)
      expect(states.changes()).toHaveLength(1)
    }
  })

  it('are bounded for agents and for sessions, each by a limit of its own', () => {
    const states = detectorStates(LIMITS, [])
    for (let n = 0; n < 10; n += 1) {
      count(states, `agent-${n}`)
      count(states, `agent-${n}`, 0, ofSession)
    }
    const kept = [...states.changes()].filter(({ value }) => value !== undefined).map(({ key }) => key.split('/')[0])
    expect(kept.sort()).toEqual(['agent', 'agent', 'agent', 'session', 'session', 'session'])
  })

  it('are relearned when a detector gives them another shape', () => {
    const states = detectorStates(LIMITS, [])
    count(states, 'a')
    expect(look(states, 'a', 0, { ...counter, stateVersion: 2 })).toBe(0)
  })
})
