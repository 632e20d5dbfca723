import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { seeded } from '../../bench/seeded.ts'
import { type Memory, memoryOf } from './memory.ts'
import {
  LARGEST_SURPRISE_BITS,
  learnTransition,
  SESSION_START,
  surpriseBits,
  timesFollowed,
  timesLeft,
  transitions,
} from './transitions.ts'

const DAY_MS = 86_400_000
const START_MS = 20_000 * DAY_MS
const OFFSET = 8
const BYTES = transitions('tool-order').bytes
const [READ, SUM, SEND, DROP] = [1001, 1002, 1003, 1004]

const blank = () => memoryOf(new ArrayBuffer(OFFSET + BYTES + 8))
const followed = (memory: Memory, from: number, to: number) => timesFollowed(memory, OFFSET, from, to)
const left = (memory: Memory, from: number) => timesLeft(memory, OFFSET, from)
const surprise = (memory: Memory, from: number, to: number, share: number) =>
  surpriseBits(memory, OFFSET, from, to, share)

/** Learns a pair so many times. */
function learn(memory: Memory, from: number, to: number, times = 1, timeMs = START_MS): Memory {
  for (let time = 0; time < times; time += 1) {
    learnTransition(memory, OFFSET, from, to, timeMs)
  }
  return memory
}

describe('transitions', () => {
  it('lie in 1,280 bytes, and touch no others', () => {
    expect(transitions('tool-order')).toEqual({ name: 'tool-order', version: 1, bytes: 1280 })
    const [memory, random] = [blank(), seeded(1)]
    for (let pair = 0; pair < 5000; pair += 1) {
      learn(memory, Math.floor(random() * 60), Math.floor(random() * 60))
    }
    const outside = [...memory.u8.slice(0, OFFSET), ...memory.u8.slice(OFFSET + BYTES)]
    expect(outside.every((byte) => byte === 0)).toBe(true)
  })

  it('count pairs and what they left', () => {
    const pairs = fc.array(fc.tuple(fc.nat(4), fc.nat(4)), { maxLength: 200 })
    fc.assert(
      fc.property(pairs, (learned) => {
        const memory = blank()
        for (const [from, to] of learned) {
          learn(memory, from, to)
        }
        for (const [from, to] of learned) {
          const alike = learned.filter((pair) => pair[0] === from && pair[1] === to)
          expect(followed(memory, from, to)).toBe(alike.length)
          expect(left(memory, from)).toBe(learned.filter((pair) => pair[0] === from).length)
        }
      }),
    )
  })

  it('tell which came first', () => {
    const memory = learn(blank(), READ, SEND)
    expect(followed(memory, SEND, READ)).toBe(0)
  })

  it.each([
    [10, 0.01],
    [12, 0.05],
    [15, 0.2],
  ])('keep the pairs of an agent of %i tools apart, all but the share %f', (count, share) => {
    let wrong = 0
    for (let agent = 0; agent < 20; agent += 1) {
      const [memory, random] = [blank(), seeded(agent)]
      const tools = Array.from({ length: count }, () => Math.floor(random() * 2 ** 32))
      for (const from of tools) {
        for (const to of tools) {
          learn(memory, from, to, 3)
        }
      }
      wrong += tools.flatMap((from) => tools.filter((to) => followed(memory, from, to) !== 3)).length
    }
    expect(wrong / (20 * count * count)).toBeLessThanOrEqual(share)
  })
})

describe('surpriseBits', () => {
  it('is the share of the call where nothing was learned', () => {
    expect(surprise(blank(), SESSION_START, READ, 0.25)).toBeCloseTo(2, 9)
  })

  it('is Witten and Bell', () => {
    const memory = learn(learn(blank(), READ, SUM, 6), READ, SEND, 2)
    // Two distinct calls came after eight.
    expect(surprise(memory, READ, SUM, 0.3)).toBeCloseTo(-Math.log2((6 + 2 * 0.3) / 10), 9)
    expect(surprise(memory, READ, DROP, 0.01)).toBeCloseTo(-Math.log2((2 * 0.01) / 10), 9)
  })

  it('makes all that may follow sum to one', () => {
    const memory = learn(learn(learn(blank(), READ, SUM, 6), READ, SEND, 2), READ, READ, 1)
    const shares = [0.5, 0.3, 0.15, 0.05]
    const sum = [READ, SUM, SEND, DROP].reduce(
      (total, to, index) => total + 2 ** -surprise(memory, READ, to, shares[index] as number),
      0,
    )
    expect(sum).toBeCloseTo(1, 9)
  })

  it('is a number between 0 and 20 whatever the share', () => {
    const memory = learn(blank(), READ, SUM, 60_000)
    for (const share of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, 1e-300, 1]) {
      for (const to of [SUM, SEND]) {
        const bits = surprise(memory, READ, to, share)
        expect(bits).toBeGreaterThanOrEqual(0)
        expect(bits).toBeLessThanOrEqual(LARGEST_SURPRISE_BITS)
      }
    }
    expect(surprise(memory, READ, SEND, 0)).toBe(LARGEST_SURPRISE_BITS)
    expect(surprise(memory, READ, SUM, Number.NaN)).toBeLessThan(0.01)
    expect(surprise(memory, READ, SEND, 7)).toBe(surprise(memory, READ, SEND, 1))
  })
})

describe('forgetting', () => {
  it('halves every 30 days, and keeps what came once', () => {
    const memory = learn(learn(blank(), READ, SUM, 100), SUM, SEND)
    learn(memory, DROP, DROP, 1, START_MS + 29 * DAY_MS)
    expect(followed(memory, READ, SUM)).toBe(100)
    learn(memory, DROP, DROP, 1, START_MS + 30 * DAY_MS)
    expect([followed(memory, READ, SUM), left(memory, READ), followed(memory, SUM, SEND)]).toEqual([50, 50, 1])
    learn(memory, DROP, DROP, 1, START_MS + 90 * DAY_MS)
    expect(followed(memory, READ, SUM)).toBe(13)
  })

  it('keeps a call that was followed by many at least as often left as it was followed', () => {
    const memory = blank()
    for (let to = 0; to < 10; to += 1) {
      learn(memory, READ, to)
    }
    learn(memory, SUM, SUM, 1, START_MS + 60 * DAY_MS)
    expect(left(memory, READ)).toBe(10)
    expect(surprise(memory, READ, 3, 0.1)).toBeCloseTo(-Math.log2((1 + 10 * 0.1) / 20), 9)
  })

  it('takes nothing when time runs backwards or is none, and survives time far ahead', () => {
    for (const timeMs of [START_MS - 900 * DAY_MS, 0, -1, Number.NaN, Number.NEGATIVE_INFINITY]) {
      const memory = learn(blank(), READ, SUM, 8)
      learn(memory, READ, SUM, 1, timeMs)
      expect(followed(memory, READ, SUM)).toBe(9)
      learn(memory, READ, SUM, 1, START_MS + 30 * DAY_MS)
      expect(followed(memory, READ, SUM)).toBe(6)
    }
    const memory = learn(blank(), READ, SUM, 8)
    learn(memory, READ, SUM, 1, Number.POSITIVE_INFINITY)
    expect(followed(memory, READ, SUM)).toBe(2)
    learn(memory, READ, SUM, 1, START_MS)
    learn(memory, READ, SUM, 1, START_MS + 60 * DAY_MS)
    expect(followed(memory, READ, SUM)).toBe(4)
  })

  it('begins with the first time that is one', () => {
    for (const timeMs of [Number.NaN, -1]) {
      const memory = learn(blank(), READ, SUM, 8, timeMs)
      learn(memory, READ, SUM, 2, START_MS)
      expect(followed(memory, READ, SUM)).toBe(10)
      learn(memory, READ, SUM, 1, START_MS + 30 * DAY_MS)
      expect(followed(memory, READ, SUM)).toBe(6)
    }
  })

  it('halves every 30 days of those that passed, not 30 days after it last did', () => {
    const memory = learn(blank(), READ, SUM, 40)
    learn(memory, DROP, DROP, 1, START_MS + 45 * DAY_MS)
    learn(memory, DROP, DROP, 1, START_MS + 60 * DAY_MS)
    expect(followed(memory, READ, SUM)).toBe(10)
  })

  it('halves all together when a count is full', () => {
    const memory = learn(learn(blank(), READ, SUM, 65_535), SUM, SEND, 10)
    expect(followed(memory, READ, SUM)).toBe(65_535)
    learn(memory, READ, SUM)
    // The pair is full, and is halved with its total before both count one more.
    expect([followed(memory, READ, SUM), left(memory, READ)]).toEqual([32_769, 32_769])
    expect(followed(memory, SUM, SEND)).toBe(5)
  })
})

describe('a full table', () => {
  /** An agent of forty tools: 1,600 pairs, each seen once or twice, over one that is often seen. */
  function crowded(): Memory {
    const memory = learn(blank(), READ, SUM, 5000)
    for (let from = 0; from < 40; from += 1) {
      for (let to = 0; to < 40; to += 1) {
        learn(memory, from, to, 1 + (to % 2))
      }
    }
    return memory
  }

  it('keeps what is often seen, and how often each call was left', () => {
    const memory = crowded()
    expect(followed(memory, READ, SUM)).toBeGreaterThan(4900)
    const kept = Array.from({ length: 40 }, (_, from) => left(memory, from)).filter((count) => count >= 59)
    expect(kept.length).toBeGreaterThan(35)
  })

  it('keeps what it counts of a call, even if that came once', () => {
    const memory = blank()
    for (let from = 0; from < 40; from += 1) {
      learn(memory, from, SUM)
    }
    for (let to = 0; to < 3000; to += 1) {
      learn(memory, READ, to)
    }
    expect(Array.from({ length: 40 }, (_, from) => left(memory, from)).every((count) => count === 1)).toBe(true)
  })

  it('does not give the place of a pair seen often to one seen once', () => {
    const memory = blank()
    for (let to = 0; to < 300; to += 1) {
      learn(memory, READ, to, 50)
    }
    const before = Array.from({ length: 300 }, (_, to) => followed(memory, READ, to)).filter((count) => count > 20)
    for (let to = 300; to < 400; to += 1) {
      learn(memory, READ, to)
    }
    const after = Array.from({ length: 300 }, (_, to) => followed(memory, READ, to)).filter((count) => count > 10)
    expect(after.length).toBeGreaterThanOrEqual(before.length)
  })

  it('gives the place of pairs seen once to new ones', () => {
    const memory = blank()
    for (let to = 0; to < 3000; to += 1) {
      learn(memory, READ, to)
    }
    const recent = Array.from({ length: 100 }, (_, index) => followed(memory, READ, 2900 + index))
    expect(recent.filter((count) => count === 1).length).toBeGreaterThan(80)
  })

  it('wears down what is no longer seen, so that nothing holds its place for ever', () => {
    const memory = blank()
    for (let to = 0; to < 600; to += 1) {
      learn(memory, READ, to, 3)
    }
    for (let round = 0; round < 12; round += 1) {
      learn(memory, SUM, SEND, 1)
      for (let to = 1000; to < 1100; to += 1) {
        learn(memory, SUM, to)
      }
    }
    const held = Array.from({ length: 100 }, (_, index) => followed(memory, SUM, 1000 + index))
    expect(held.filter((count) => count > 0).length).toBeGreaterThan(60)
  })

  it('takes a pair never seen for another seldom', () => {
    const memory = crowded()
    let wrong = 0
    for (let pair = 0; pair < 100_000; pair += 1) {
      wrong += followed(memory, 1_000_000 + pair, SUM) > 0 ? 1 : 0
    }
    expect(wrong / 100_000).toBeLessThan(2 / 8000)
  })
})
