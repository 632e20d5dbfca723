import { describe, expect, it } from 'vitest'
import { watchBacklog } from './backlog.ts'
import type { PartitionLag } from './bus/bus.ts'

/** A log of one record a millisecond, read by stages as the test says. */
function watched(limitMs = 5000) {
  let nowMs = 0
  const lags = new Map<string, PartitionLag>()
  const backlog = watchBacklog({
    lag: async () => [...lags.values()],
    groups: ['assemble', 'detect'],
    limitMs,
    now: () => nowMs,
  })
  return {
    backlog,
    pass: (ms: number) => {
      nowMs += ms
    },
    /** Time goes on in small steps, in which the doors ask; `read` is how much of each group is read by then. */
    async until(ms: number, read: (group: string, endMs: number) => number): Promise<boolean> {
      let isFull = false
      while (nowMs < ms) {
        nowMs += 50
        for (const group of ['assemble', 'detect', 'write']) {
          const committed = read(group, nowMs)
          lags.set(group, { group, topic: 'events', partition: 0, end: nowMs, committed })
        }
        isFull = backlog.isFull()
        await Promise.resolve()
      }
      return isFull
    },
  }
}

describe('the backlog', () => {
  it('is empty where stages keep up, however much comes in', async () => {
    const { backlog, until } = watched()
    expect(await until(60_000, (_group, endMs) => endMs - 100)).toBe(false)
    expect(backlog.ageMs).toBeLessThan(500)
  })

  it('is as old as the oldest record that waits', async () => {
    const { backlog, until } = watched(60_000)
    expect(await until(4000, () => 0)).toBe(false)
    expect(backlog.ageMs).toBeGreaterThan(2 * 3700)
    expect(backlog.ageMs).toBeLessThan(2 * 4200)
  })

  it('is full when records wait too long at any stage, and not when they have been read', async () => {
    const { until } = watched()
    const stuck = (group: string, endMs: number) => (group === 'detect' ? 1000 : endMs)
    expect(await until(5500, stuck)).toBe(false)
    expect(await until(6500, stuck)).toBe(true)
    expect(await until(30_000, stuck)).toBe(true)
    expect(await until(30_300, (_group, endMs) => endMs)).toBe(false)
  })

  it('that nobody has asked about for a while keeps nobody out', async () => {
    const { backlog, until, pass } = watched()
    expect(await until(20_000, () => 0)).toBe(true)
    pass(60_000)
    expect(backlog.isFull()).toBe(false)
  })

  it('adds up over the stages that a record passes', async () => {
    const { until } = watched()
    const slow = (_group: string, endMs: number) => Math.max(0, endMs - 3000)
    expect(await until(20_000, slow)).toBe(true)
  })

  it('is not what waits for other systems', async () => {
    const { until } = watched()
    expect(await until(60_000, (group, endMs) => (group === 'write' ? 0 : endMs))).toBe(false)
  })

  it('is caught up with while little waits, whoever it waits for that is not judging', async () => {
    const { backlog, until } = watched()
    await until(50, (group) => (group === 'write' ? -1e6 : 0))
    await backlog.caughtUp()
  })

  it('keeps nobody waiting when the bus cannot tell: what is appended is durable all the same', async () => {
    const lag = () => Promise.reject(new Error('the bus is closed'))
    const backlog = watchBacklog({ lag, groups: ['assemble'], limitMs: 5000, now: () => 0 })
    await backlog.caughtUp()
    expect(backlog.isFull()).toBe(false)
  })

  it('keeps who would catch up waiting until the stages have, but not for ever', async () => {
    const { backlog, pass, until } = watched()
    await until(10_000, () => 0)
    let isCaughtUp = false
    const caughtUp = backlog.caughtUp().then(() => {
      isCaughtUp = true
    })
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(isCaughtUp).toBe(false)
    await until(10_050, (_group, endMs) => endMs)
    await caughtUp

    await until(20_000, () => 10_000)
    const never = backlog.caughtUp()
    pass(1001)
    await never
  })
})
