import fc from 'fast-check'
import { quantile } from 'simple-statistics'
import { describe, expect, it } from 'vitest'
import { normal } from '../../bench/profiles/heavy-tails.ts'
import { seeded } from '../../bench/seeded.ts'
import {
  addToLogHistogram,
  decayLogHistogram,
  LOG_BINS,
  logHistogram,
  logHistogramCount,
  logHistogramQuantile,
  logPosition,
  mergeLogHistogram,
  valueAtLogPosition,
} from './log-histogram.ts'
import { type Memory, memoryOf } from './memory.ts'

const DAY_MS = 86_400_000
const START_MS = 20_000 * DAY_MS
const anything = fc.oneof(fc.double(), fc.double({ min: 0, max: 1e10 }), fc.constantFrom(0, -1, Number.NaN, 1e300))

describe('logPosition', () => {
  it('has a whole bin for each half octave, from one up', () => {
    expect([0, 0.99, 1, 1.4, 1.42, 2, 1024].map((value) => Math.floor(logPosition(value)))).toEqual([
      0, 0, 1, 1, 2, 3, 21,
    ])
  })

  it('stays in the bins whatever it is given, and finds its way back', () => {
    fc.assert(
      fc.property(anything, (value) => {
        const position = logPosition(value)
        expect(position).toBeGreaterThanOrEqual(0)
        expect(position).toBeLessThanOrEqual(LOG_BINS)
        if (value >= 1 && value < 3e9) {
          expect(valueAtLogPosition(position) / value).toBeCloseTo(1, 9)
        }
      }),
    )
  })
})

describe('addToLogHistogram', () => {
  it('knows quantiles to within 19 %', () => {
    const random = seeded(1)
    const values = Array.from({ length: 5000 }, () => Math.exp(8 + 1.2 * normal(random)))
    const memory = learned(values)
    for (const share of [0.05, 0.5, 0.95, 0.99]) {
      const ratio = (logHistogramQuantile(memory, 0, share) ?? 0) / quantile(values, share)
      expect(Math.abs(Math.log(ratio))).toBeLessThan(Math.log(1.19))
    }
    expect(logHistogramQuantile(empty(), 0, 0.5)).toBeUndefined()
  })

  it('counts what is enormous, nothing and negative, but nothing that is not a number', () => {
    const memory = learned([Number.POSITIVE_INFINITY, 1e300, 0, -5, Number.NaN])
    expect(logHistogramCount(memory, 0)).toBe(4)
    expect([memory.u16[0], memory.u16[LOG_BINS - 1]]).toEqual([2, 2])
  })

  it('halves all instead of overflowing', () => {
    const memory = learned(Array.from({ length: 1000 }, () => 4))
    for (let count = 0; count < 200_000; count += 1) {
      addToLogHistogram(memory, 0, 1000, START_MS)
    }
    const [small, large] = [memory.u16[5] ?? 0, memory.u16[20] ?? 0]
    expect(small).toBe(Math.floor(1000 / 2 ** 5))
    expect(large).toBeGreaterThan(0x7fff)
    expect(logHistogramCount(memory, 0)).toBe(small + large)
  })

  it('keeps to its block', () => {
    const memory = memoryOf(new ArrayBuffer(3 * logHistogram.bytes))
    addToLogHistogram(memory, logHistogram.bytes, 0, START_MS)
    addToLogHistogram(memory, logHistogram.bytes, 1e12, START_MS)
    decayLogHistogram(memory, logHistogram.bytes, START_MS + 40 * DAY_MS)
    const outside = [...memory.u8.subarray(0, logHistogram.bytes), ...memory.u8.subarray(2 * logHistogram.bytes)]
    expect(outside.every((byte) => byte === 0)).toBe(true)
    expect(logHistogramCount(memory, logHistogram.bytes)).toBe(1)
  })
})

describe('decayLogHistogram', () => {
  it('forgets half in 30 days, and no more of what is rare', () => {
    const values = Array.from({ length: 64 }, (_, index) => 2 ** (index / 2))
    const memory = learned(values)
    decayLogHistogram(memory, 0, START_MS + 29 * DAY_MS)
    expect(logHistogramCount(memory, 0)).toBe(64)
    decayLogHistogram(memory, 0, START_MS + 30 * DAY_MS)
    expect(logHistogramCount(memory, 0)).toBe(32)
    decayLogHistogram(memory, 0, START_MS + 90 * DAY_MS)
    expect(logHistogramCount(memory, 0)).toBe(8)
    expect((logHistogramQuantile(memory, 0, 0.5) ?? 0) / quantile(values, 0.5)).toBeCloseTo(1, 0)
  })

  it('does not care how often it is called', () => {
    const days = fc.array(fc.nat(400), { maxLength: 30 }).map((list) => list.sort((one, other) => one - other))
    fc.assert(
      fc.property(days, days, fc.nat(400), (adding, touching, last) => {
        const [seldom, often] = [empty(), empty()]
        for (const day of adding) {
          addToLogHistogram(seldom, 0, day * day, START_MS + day * DAY_MS)
        }
        for (const day of [
          ...adding.map((at) => [at, true] as const),
          ...touching.map((at) => [at, false] as const),
        ].sort(([one], [other]) => one - other)) {
          if (day[1]) {
            addToLogHistogram(often, 0, day[0] * day[0], START_MS + day[0] * DAY_MS)
          } else {
            decayLogHistogram(often, 0, START_MS + day[0] * DAY_MS)
          }
        }
        const end = START_MS + (400 + last) * DAY_MS
        decayLogHistogram(seldom, 0, end)
        decayLogHistogram(often, 0, end)
        expect(often.u8).toEqual(seldom.u8)
      }),
    )
  })

  it('takes nothing when time runs backwards or is no time at all', () => {
    const memory = learned([5, 50, 500])
    for (const timeMs of [START_MS - 1e12, 0, -1, Number.NaN, Number.NEGATIVE_INFINITY]) {
      decayLogHistogram(memory, 0, timeMs)
      addToLogHistogram(memory, 0, 5, timeMs)
    }
    expect(logHistogramCount(memory, 0)).toBe(8)
    decayLogHistogram(memory, 0, Number.POSITIVE_INFINITY)
    expect(logHistogramCount(memory, 0)).toBe(0)
  })

  it('never loses count, whatever comes', () => {
    const step = fc.tuple(
      anything,
      fc.oneof(
        fc.double(),
        fc.nat(2 ** 31).map((seconds) => seconds * 1000),
      ),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 50 }), (steps) => {
        const memory = empty()
        for (const [value, timeMs] of steps) {
          addToLogHistogram(memory, 0, value, timeMs)
        }
        expect(logHistogramCount(memory, 0)).toBe(sumOf(memory))
      }),
    )
  })
})

describe('mergeLogHistogram', () => {
  it('is the histogram of all values', () => {
    const values = fc.array(fc.double({ min: 0, max: 1e9, noNaN: true }), { maxLength: 60 })
    fc.assert(
      fc.property(values, values, (some, others) => {
        const merged = learned(some)
        mergeLogHistogram(merged, 0, learned(others), 0, 0, 1000)
        expect(merged.u16.subarray(0, LOG_BINS)).toEqual(learned([...some, ...others]).u16.subarray(0, LOG_BINS))
        expect(logHistogramCount(merged, 0)).toBe(some.length + others.length)
      }),
    )
  })

  it('lets no agent count for more than its share, in the same form', () => {
    const peers = empty()
    mergeLogHistogram(peers, 0, learned(Array.from({ length: 1000 }, (_, index) => index + 1)), 0, 0, 100)
    expect(logHistogramCount(peers, 0)).toBe(100)
    expect((logHistogramQuantile(peers, 0, 0.5) ?? 0) / 500).toBeCloseTo(1, 0)
  })

  it('moves by bins, up to the ends', () => {
    const peers = empty()
    mergeLogHistogram(peers, 0, learned([4, 1e9]), 0, 6, 100)
    expect(logHistogramQuantile(peers, 0, 0.5)).toBeCloseTo(4 * 2 ** 3.5)
    expect(peers.u16[LOG_BINS - 1]).toBe(1)
    mergeLogHistogram(peers, 0, learned([4]), 0, -60, 100)
    expect(peers.u16[0]).toBe(1)
  })

  it('halves all instead of overflowing', () => {
    const peers = empty()
    const many = learned(Array.from({ length: 60_000 }, () => 4))
    mergeLogHistogram(peers, 0, many, 0, 20, 60_000)
    for (let agent = 0; agent < 3; agent += 1) {
      mergeLogHistogram(peers, 0, many, 0, 0, 60_000)
    }
    expect([peers.u16[5], peers.u16[25]]).toEqual([60_000, 15_000])
    expect(logHistogramCount(peers, 0)).toBe(sumOf(peers))
  })
})

function empty(): Memory {
  return memoryOf(new ArrayBuffer(logHistogram.bytes))
}

function learned(values: readonly number[]): Memory {
  const memory = empty()
  for (const value of values) {
    addToLogHistogram(memory, 0, value, START_MS)
  }
  return memory
}

function sumOf(memory: Memory): number {
  return memory.u16.subarray(0, LOG_BINS).reduce((sum, count) => sum + count, 0)
}
