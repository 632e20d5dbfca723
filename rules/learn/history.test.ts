/** What is kept of the past: as much as is used, however much is done, and said when it is less. */
import { describe, expect, it } from 'vitest'
import { idOf } from '../../schema/ids.ts'
import type { Telemetry } from '../../schema/telemetry.ts'
import { exampleEvent } from '../../test/example-event.ts'
import { openHistory } from './history.ts'
import { propose } from './propose.ts'

const event = (n: number, changes: Partial<Telemetry> = {}) =>
  exampleEvent({ event_id: idOf('history', n), ...changes })
const found = (about: Telemetry, severity: 'low' | 'high' = 'low') => ({
  ...about,
  detector: 'injection',
  severity,
  evidence: {},
})
const LIMITS = { recent: 100, agents: 3, findings: 50, sessions: 10 }

describe('a history', () => {
  it('keeps no ids of events that were long ago, nor of sessions without end', () => {
    const history = openHistory(LIMITS)
    for (let n = 0; n < 300; n += 1) {
      history.observe(event(n, { session_id: `s${n}` }))
    }
    // Among the last hundred it is known; long ago it is taken for another.
    history.observe(event(250))
    history.observe(event(3))
    expect(history.agents()).toMatchObject([{ events: 301, sessions: 10, uses: [{ clean: 301 }] }])
  })

  it('counts later versions of the last events once, and findings that come before or soon after', () => {
    const history = openHistory(LIMITS)
    history.flag(found(event(1)))
    for (let n = 0; n < 300; n += 1) {
      history.observe(event(n))
      history.observe(event(n))
      if (n % 100 === 50) {
        history.flag(found(event(n)))
      }
    }
    expect(history.agents()).toMatchObject([
      { events: 300, uses: [{ clean: 296, flagged: new Map([['injection', 4]]) }] },
    ])
    expect(history.leftOut()).toEqual({ events: 0, findings: 0, grave: 0 })
  })

  it('takes an event for what its last version says became of it', () => {
    const history = openHistory(LIMITS)
    history.observe(event(1))
    history.observe(event(1, { outcome: 'denied' }))
    expect(history.agents()).toMatchObject([{ denied: 1, uses: [{ clean: 0, denied: 1 }] }])
  })

  it('says what it could not take in', () => {
    const history = openHistory(LIMITS)
    for (let n = 0; n < 5; n += 1) {
      history.observe(event(n, { agent: { id: `a${n}` } }))
    }
    for (let n = 0; n < 200; n += 1) {
      history.flag(found(event(1000 + n)))
    }
    expect(history.agents()).toHaveLength(3)
    for (let n = 0; n < 70; n += 1) {
      history.suspect(found(event(n, { session_id: `s${n}` }), 'high'))
    }
    expect(history.leftOut()).toEqual({ events: 2, findings: 200, grave: 20 })
  })

  it('says when an agent had more sessions than are counted, and only then', () => {
    const history = openHistory(LIMITS)
    for (let n = 0; n < 30; n += 1) {
      history.observe(event(n, { agent: { id: 'many' }, session_id: `s${n % 11}` }))
      history.observe(event(100 + n, { agent: { id: 'ten' }, session_id: `s${n % 10}` }))
    }
    expect(history.agents()).toMatchObject([
      { sessions: 10, hasMoreSessions: true },
      { sessions: 10, hasMoreSessions: false },
    ])
    const [many, ten] = propose(history.agents(), { minSeen: 1 }).proposals
    expect(many?.text).toContain('# 30 events of 10 or more sessions, ')
    expect(ten?.text).toContain('# 30 events of 10 sessions, ')
  })

  it('denies with an event that was denied in the end all that its earlier versions used', () => {
    const history = openHistory(LIMITS)
    history.observe(event(1, { destinations: [{ host: 'api.example.com' }] }))
    history.observe(event(1, { tool: null, destinations: [], outcome: 'denied' }))
    expect(history.agents()).toMatchObject([
      {
        uses: [
          { clean: 0, denied: 1 },
          { clean: 0, denied: 1 },
        ],
      },
    ])
  })

  it.each([
    [1, 2],
    [2, 1],
  ])('counts nothing from the first grave thing in a session on, whichever is told first (%i, %i)', (...order) => {
    const history = openHistory(LIMITS)
    const past = [0, 1, 2].map((n) => event(n, { time_ms: n * 1000 }))
    for (const n of order) {
      history.suspect(found(past[n] as Telemetry, 'high'))
    }
    past.forEach(history.observe)
    expect(history.agents()).toMatchObject([{ uses: [{ clean: 1, tainted: 2 }] }])
  })
})
