import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { RecentEntries, type RecentLimits } from './recent-entries.ts'

const LIMITS: RecentLimits = { max: 4, keepMs: 1000 }
const open = (state: Iterable<{ readonly key: string; readonly value: Uint8Array }> = [], version = 1) =>
  new RecentEntries<{ readonly n: number }>('p/', version, LIMITS, state)

/** What a log keeps of state. */
class Log {
  readonly kept = new Map<string, Uint8Array>()

  take(entries: RecentEntries<{ readonly n: number }>): void {
    for (const { key, value } of entries.changes()) {
      if (value === undefined) {
        this.kept.delete(key)
      } else {
        this.kept.set(key, Uint8Array.from(value))
      }
    }
  }

  get state() {
    return Array.from(this.kept, ([key, value]) => ({ key, value }))
  }
}

const ids = ['a', 'b', 'c', 'd', 'e', 'f', 'g']
const step = fc.record({
  id: fc.constantFrom(...ids),
  laterMs: fc.constantFrom(0, 1, 50, 600, -70),
  restart: fc.boolean(),
})

describe('recent entries', () => {
  it('keep what was touched last, as a list in order would, with and without restarts', () => {
    let forgotten = 0
    fc.assert(
      fc.property(fc.array(step, { minLength: 20, maxLength: 60 }), (steps) => {
        let entries = open()
        const log = new Log()
        let list: { id: string; n: number; lastMs: number }[] = []
        let nowMs = 10_000
        steps.forEach(({ id, laterMs, restart }, n) => {
          nowMs += laterMs
          entries.set(id, { n }, nowMs)
          const lastMs = Math.max(nowMs, list.find((each) => each.id === id)?.lastMs ?? 0)
          list = [...list.filter((each) => each.id !== id), { id, n, lastMs }]
          const newestMs = Math.max(...list.map((each) => each.lastMs))
          while (list.length > LIMITS.max || newestMs - (list[0]?.lastMs ?? newestMs) > LIMITS.keepMs) {
            list.shift()
            forgotten += 1
          }
          log.take(entries)
          if (restart) {
            entries = open(log.state.reverse())
          }
          expect(ids.map((each) => entries.get(each)?.n)).toEqual(
            ids.map((each) => list.find((one) => one.id === each)?.n),
          )
          expect(log.kept.size).toBe(list.length)
        })
      }),
    )
    expect(forgotten).toBeGreaterThan(100)
  })

  it('are in use when they are asked for, once an hour', () => {
    const entries = open()
    entries.set('a', { n: 1 }, 0)
    entries.changes()
    expect(entries.use('a', 3_599_999)).toEqual({ n: 1 })
    expect(entries.changes()).toEqual([])
    expect(entries.use('a', 3_600_000)).toEqual({ n: 1 })
    expect(entries.changes()).toHaveLength(1)
    expect(entries.use('b', 3_600_000)).toBeUndefined()
  })

  it('begin anew, and leave the log, when their values have another shape', () => {
    const log = new Log()
    const entries = open()
    entries.set('a', { n: 1 }, 0)
    log.take(entries)
    const other = open(log.state, 2)
    expect(other.get('a')).toBeUndefined()
    log.take(other)
    expect(log.kept.size).toBe(0)
  })
})
