import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { normal } from '../../bench/profiles/synthetic-calls.ts'
import { seeded } from '../../bench/seeded.ts'
import { type Memory, memoryOf } from './memory.ts'
import { observeRun, silenceBlock, silenceTail, usualPeriodMs } from './silence.ts'

const OFFSET = 4
const START_MS = 1_700_000_000_000
const HOUR_MS = 3_600_000
const hourly = (runs: number) => Array.from({ length: runs }, () => 1)

describe('silenceTail', () => {
  it('is nothing until a run is missed, and then as unlikely as its misses were', () => {
    const { memory, lastMs } = ran(hourly(101))
    const later = (hours: number) => silenceTail(memory, OFFSET, lastMs + hours * HOUR_MS) as number
    expect([0, 1, 1.2].map(later)).toEqual([1, 1, 1])
    expect(later(1.3)).toBeLessThan(0.01)
    expect(later(2.3)).toBeLessThan(1e-3)
    expect(later(4.3)).toBeLessThan(1e-6)
    expect(usualPeriodMs(memory, OFFSET) / HOUR_MS).toBeCloseTo(1, 3)
  })

  it('does not care for a miss in agents that miss some', () => {
    const { memory, lastMs } = ran(Array.from({ length: 120 }, (_, run) => (run % 4 === 0 ? 2 : 1)))
    expect(silenceTail(memory, OFFSET, lastMs + 1.5 * HOUR_MS)).toBeGreaterThan(0.1)
  })

  it('takes calls close to each other for one run', () => {
    const memory = fresh()
    for (let run = 0; run < 30; run += 1) {
      for (let call = 0; call < 10; call += 1) {
        observeRun(memory, OFFSET, START_MS + run * HOUR_MS + call * 60_000, true)
      }
    }
    expect(usualPeriodMs(memory, OFFSET) / HOUR_MS).toBeCloseTo(1, 3)
  })

  it('abstains below ten runs, and in agents without a period', () => {
    const early = ran(hourly(10))
    expect(silenceTail(early.memory, OFFSET, early.lastMs + 9 * HOUR_MS)).toBeUndefined()
    const next = seeded(2)
    const people = ran(Array.from({ length: 300 }, () => 0.1 - Math.log(1 - next())))
    expect(silenceTail(people.memory, OFFSET, people.lastMs + 100 * HOUR_MS)).toBeUndefined()
    expect(silenceTail(early.memory, OFFSET, Number.NaN)).toBeUndefined()
  })

  it('alarms as often as it says, whether runs are never missed or often', () => {
    for (const misses of [0.02, 0.1, 0.3]) {
      const next = seeded(7)
      const { first, second } = missedRuns(misses, next)
      expect(first / misses).toBeGreaterThan(0.3)
      expect(first / misses).toBeLessThan(3)
      expect(second / misses ** 2).toBeLessThan(3)
    }
  })

  it('follows an agent to another schedule', () => {
    const { memory } = ran([...hourly(40), ...Array.from({ length: 200 }, () => 0.25)])
    expect(usualPeriodMs(memory, OFFSET) / HOUR_MS).toBeCloseTo(0.25, 2)
  })
})

describe('observeRun', () => {
  it('gives and takes nothing when time runs backwards', () => {
    const { memory, lastMs } = ran(hourly(20))
    const before = memory.u8.slice()
    observeRun(memory, OFFSET, lastMs - 5 * HOUR_MS, true)
    observeRun(memory, OFFSET, Number.NaN, true)
    expect(memory.u8).toEqual(before)
  })

  it('learns nothing when told so', () => {
    const { memory, lastMs } = ran(hourly(20))
    const tail = silenceTail(memory, OFFSET, lastMs + 3 * HOUR_MS)
    observeRun(memory, OFFSET, lastMs + 7.5 * HOUR_MS, false)
    expect(silenceTail(memory, OFFSET, lastMs + 10.5 * HOUR_MS)).toBe(tail)
  })

  it('keeps numbers, in its own bytes, whenever calls come', () => {
    const times = fc.array(fc.double({ min: -1e15, max: 1e15, noNaN: true }), { maxLength: 60 })
    fc.assert(
      fc.property(times, fc.boolean(), (some, sorted) => {
        const memory = fresh()
        for (const timeMs of sorted ? some.sort((a, b) => a - b) : some) {
          observeRun(memory, OFFSET, timeMs, true)
        }
        const tail = silenceTail(memory, OFFSET, 1e15) ?? 1
        expect(tail).toBeGreaterThanOrEqual(0)
        expect(tail).toBeLessThanOrEqual(1)
        expect([...memory.f32.slice(1, 5)].every(Number.isFinite)).toBe(true)
        expect([memory.u32[0], memory.u32.at(-1)]).toEqual([0, 0])
      }),
    )
  })
})

/** Runs that follow each other by so many hours. */
function ran(hours: readonly number[]): { memory: Memory; lastMs: number } {
  const memory = fresh()
  let lastMs = START_MS
  for (const wait of hours) {
    lastMs += wait * HOUR_MS
    observeRun(memory, OFFSET, lastMs, true)
  }
  return { memory, lastMs }
}

/** How often a tail said that as many runs as were missed are as unlikely as one, and as two, of agents of 10 to 60 runs. */
function missedRuns(misses: number, next: () => number): { first: number; second: number } {
  const shares = { first: 0, second: 0 }
  const agents = 2000
  for (let agent = 0; agent < agents; agent += 1) {
    const waits = Array.from(
      { length: 12 + Math.floor(next() * 50) },
      () => missed(misses, next) + 1 + 0.05 * normal(next),
    )
    const { memory, lastMs } = ran(waits)
    const tail = silenceTail(memory, OFFSET, lastMs + (missed(misses, next) + 0.5) * HOUR_MS) ?? 1
    shares.first += tail <= misses ? 1 / agents : 0
    shares.second += tail <= misses ** 2 ? 1 / agents : 0
  }
  return shares
}

function missed(misses: number, next: () => number): number {
  return next() < misses ? 1 + missed(misses, next) : 0
}

function fresh(): Memory {
  return memoryOf(new ArrayBuffer(OFFSET + silenceBlock.bytes + 4))
}
