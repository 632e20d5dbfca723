import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { closedSet, measureNovelty, openEnded } from '../../bench/profiles/novelty.ts'
import { seeded } from '../../bench/seeded.ts'
import { type Memory, memoryOf } from './memory.ts'
import {
  carryNovelty,
  discount,
  eventsSeen,
  holdsSlot,
  isOpenEnded,
  learnNovelty,
  newTail,
  novelty,
  seenRarity,
  seenTail,
  shareOf,
  timesSeen,
} from './novelty.ts'

const DAY_MS = 86_400_000
const START_MS = 20_000 * DAY_MS
const SLOTS = 8
const OFFSET = 12
const block = novelty('tools', SLOTS)

/** Memory that has learned these, one after the other. */
function learned(hashes: readonly number[], timeMs = START_MS, memory = blank()): Memory {
  for (const hash of hashes) {
    learnNovelty(memory, OFFSET, SLOTS, hash, timeMs, false)
  }
  return memory
}
const blank = () => memoryOf(new ArrayBuffer(OFFSET + block.bytes + 12))
const times = (count: number, hash: number) => Array<number>(count).fill(hash)
const chanceOfNew = (memory: Memory, timeMs = START_MS) => newTail(memory, OFFSET, timeMs, 1)
const seen = (memory: Memory, hash: number, timeMs = START_MS) => timesSeen(memory, OFFSET, SLOTS, hash, timeMs)

describe('a block of novelty', () => {
  it('has twelve bytes for a slot', () => {
    expect(novelty('tools', 48)).toEqual({ name: 'tools', version: 1, bytes: 592, slots: 48 })
  })

  it('touches its own bytes only', () => {
    const memory = learned(Array.from({ length: 100 }, (_, hash) => hash))
    const outside = [...memory.u8.slice(0, OFFSET), ...memory.u8.slice(OFFSET + block.bytes)]
    expect(outside.every((byte) => byte === 0)).toBe(true)
  })

  it('is carried over into one with more slots', () => {
    const small = learned([1, 1, 2, 3, 3, 3])
    const large = novelty('tools', 48)
    const memory = memoryOf(new ArrayBuffer(large.bytes))
    carryNovelty(small, OFFSET, block, memory, 0, large)
    expect(timesSeen(memory, 0, 48, 3, START_MS)).toBe(3)
    expect(newTail(memory, 0, START_MS, 1)).toBe(chanceOfNew(small))
    learnNovelty(memory, 0, 48, 4, START_MS, false)
    expect(timesSeen(memory, 0, 48, 4, START_MS)).toBe(1)
    expect(() => carryNovelty(memory, 0, large, small, OFFSET, block)).toThrow('48 slots of tools do not fit into 8')
  })
})

describe('newTail', () => {
  it('is certain of something new where nothing was seen', () => {
    expect(chanceOfNew(blank())).toBe(1)
  })

  it('is small for an agent that uses the same tools again and again', () => {
    expect(chanceOfNew(learned([...times(500, 1), ...times(499, 2)]))).toBeCloseTo(1 / 1000, 9)
  })

  it('is large for an agent that sees something new all the time', () => {
    const memory = learned([1, 2, 3, 4, 5, 6, 7, 7])
    expect(chanceOfNew(memory)).toBeCloseTo((1 + 6) / (1 + 8), 6)
  })

  it('is (1 + d K) / (1 + n) of what was counted', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(SLOTS - 1), { maxLength: 60 }), (hashes) => {
        const counts = new Map<number, number>()
        for (const hash of hashes) {
          // Hash 0 is kept as 1, so they are told apart from there.
          counts.set(hash + 1, (counts.get(hash + 1) ?? 0) + 1)
        }
        const once = [...counts.values()].filter((count) => count === 1).length
        const d = counts.size === 0 ? 0 : Math.min(0.9, once / counts.size)
        const memory = learned(hashes.map((hash) => hash + 1))
        expect(chanceOfNew(memory)).toBeCloseTo(Math.min(1, (1 + d * counts.size) / (1 + hashes.length)), 5)
        expect(discount(memory, OFFSET)).toBeCloseTo(d, 5)
      }),
    )
  })

  it('is smaller by how rare it is among peers, and survives what is no share', () => {
    const memory = learned(times(99, 1))
    expect(newTail(memory, OFFSET, START_MS, 0.1)).toBeCloseTo(0.001, 9)
    for (const peerRarity of [Number.NaN, -1, 7]) {
      expect(newTail(memory, OFFSET, START_MS, peerRarity)).toBeCloseTo(0.01, 9)
    }
  })

  it.each([
    ['a closed set', closedSet(40)],
    ['an open-ended set', openEnded(1.7)],
  ])('says of %s how often new things come', (_, source) => {
    for (const ratio of measureNovelty(100, source, true, 3).calibration) {
      expect(ratio).toBeGreaterThan(0.3)
      expect(ratio).toBeLessThan(1.5)
    }
  })
})

describe('isOpenEnded', () => {
  it('holds when most of what comes, comes once', () => {
    expect(isOpenEnded(learned([1, 2, 3, 4, 5, 6, 7]), OFFSET)).toBe(true)
    expect(isOpenEnded(learned([1, 1, 2, 2, 3, 3, 4]), OFFSET)).toBe(false)
    expect(isOpenEnded(blank(), OFFSET)).toBe(false)
  })
})

describe('what was seen', () => {
  it('is rare by how often it came', () => {
    const memory = learned([...times(989, 1), ...times(10, 2)])
    expect(seenRarity(memory, OFFSET, SLOTS, 2, START_MS)).toBeCloseTo(0.01, 9)
    expect(seenTail(memory, OFFSET, SLOTS, 2, START_MS)).toBeCloseTo(11 / 1000, 9)
    expect(seenTail(memory, OFFSET, SLOTS, 1, START_MS)).toBe(1)
  })

  it('counts as seen once when it has faded', () => {
    const memory = learned([...times(98, 1), 2])
    const later = START_MS + 300 * DAY_MS
    learned(times(99, 1), later, memory)
    const [n, d] = [eventsSeen(memory, OFFSET, later), discount(memory, OFFSET)]
    expect(seenRarity(memory, OFFSET, SLOTS, 2, later)).toBeCloseTo((1 - d) / (n + 1), 9)
  })

  it('is no more often than what came no more often, less the share of what stays alone', () => {
    const memory = learned([1, 1, 1, 2, 2, 3])
    expect(seenTail(memory, OFFSET, SLOTS, 2, START_MS)).toBeCloseTo((1 + 3 + 1 / 3) / 7, 6)
  })

  it('is not rare among many that are', () => {
    const memory = learned([...times(93, 9), 1, 2, 3, 4, 5, 6, 7])
    expect(seenRarity(memory, OFFSET, SLOTS, 3, START_MS)).toBeLessThan(0.01)
    expect(seenTail(memory, OFFSET, SLOTS, 3, START_MS)).toBeGreaterThan(0.07)
  })

  it('is as rare as its tail says, no more often than that', () => {
    const next = closedSet(30)(seeded(11))
    const at: [number, number][] = [0.3, 0.1, 0.03, 0.01].map((level) => [level, 0])
    const memory = memoryOf(new ArrayBuffer(novelty('tools', 48).bytes))
    for (let event = 0; event < 20_000; event += 1) {
      const hash = next()
      const p = holdsSlot(memory, 0, 48, hash)
        ? seenTail(memory, 0, 48, hash, START_MS)
        : newTail(memory, 0, START_MS, 1)
      for (const level of at) {
        level[1] += p <= level[0] ? 1 : 0
      }
      learnNovelty(memory, 0, 48, hash, START_MS, false)
    }
    for (const [level, rarer] of at) {
      expect(rarer / 20_000).toBeLessThan(level * 1.3)
      expect(rarer / 20_000).toBeGreaterThan(level * 0.3)
    }
  })

  it('shares what comes next with what peers do, all shares being one', () => {
    const memory = learned([1, 1, 1, 2, 2, 3])
    const peers = new Map([1, 2, 3, 4, 5].map((hash) => [hash, hash / 15]))
    const share = (hash: number) => shareOf(memory, OFFSET, SLOTS, hash, START_MS, peers.get(hash) ?? 0)
    expect([...peers.keys()].reduce((sum, hash) => sum + share(hash), 0)).toBeCloseTo(1, 6)
    expect(share(4)).toBeCloseTo(chanceOfNew(memory) * (4 / 15), 6)
    for (const peerShare of [0, -1, Number.NaN]) {
      const unheard = shareOf(memory, OFFSET, SLOTS, 4, START_MS, peerShare)
      expect(unheard).toBeGreaterThan(0)
      expect(unheard).toBeLessThan(1e-5)
    }
  })
})

describe('forgetting', () => {
  it('halves all that is remembered in 30 days', () => {
    const memory = learned([...times(60, 1), ...times(40, 2)])
    const later = START_MS + 30 * DAY_MS
    expect(seen(memory, 1, later)).toBeCloseTo(30, 5)
    expect(eventsSeen(memory, OFFSET, later)).toBeCloseTo(50, 5)
    learned([1], later, memory)
    expect(seen(memory, 1, later)).toBeCloseTo(31, 5)
    expect(seen(memory, 2, later)).toBeCloseTo(20, 5)
    expect(eventsSeen(memory, OFFSET, later)).toBeCloseTo(51, 5)
  })

  it('keeps what came alone a discovery while it fades, until it comes again', () => {
    const memory = learned([...times(90, 1), 2])
    const later = START_MS + 30 * DAY_MS
    learned([1], later, memory)
    expect(discount(memory, OFFSET)).toBeCloseTo(0.5, 5)
    learned([3, 2], later, memory)
    // Of three discoveries, two half forgotten, one is alone.
    expect(discount(memory, OFFSET)).toBeCloseTo(1 / 2, 5)
  })

  it('fades what was discovered as what was seen', () => {
    const memory = learned([...times(7, 1), 2, 3, 4])
    const fading = (1 + 1.5) / (1 + 5)
    expect(chanceOfNew(memory, START_MS + 30 * DAY_MS)).toBeCloseTo(fading, 5)
  })

  it('takes and gives nothing when time runs backwards or is none', () => {
    const before = learned(times(10, 1))
    for (const timeMs of [START_MS - 90 * DAY_MS, 0, -1, Number.NaN, Number.NEGATIVE_INFINITY]) {
      expect(seen(before, 1, timeMs)).toBe(10)
      const memory = learned([...times(10, 1), 2])
      learned([2], timeMs, memory)
      expect(seen(memory, 1)).toBe(10)
      expect(seen(memory, 2)).toBe(2)
      expect(eventsSeen(memory, OFFSET, START_MS)).toBe(12)
    }
  })

  it('forgets all, but is not broken, when time is far ahead', () => {
    const memory = learned(times(10, 1))
    learned([1, 2], Number.POSITIVE_INFINITY, memory)
    expect(eventsSeen(memory, OFFSET, Number.POSITIVE_INFINITY)).toBe(2)
    expect(seen(memory, 1, START_MS)).toBe(1)
    expect(chanceOfNew(memory)).toBeLessThan(1)
  })
})

describe('slots', () => {
  it('give place to what is new: the least one does, and what it counted is doubt', () => {
    const memory = learned([1, 2, 3, 4, 5, 6, 7, 8].flatMap((hash) => times(hash + 1, hash)))
    learned([99], START_MS, memory)
    expect(holdsSlot(memory, OFFSET, SLOTS, 1)).toBe(false)
    expect(holdsSlot(memory, OFFSET, SLOTS, 99)).toBe(true)
    expect(seen(memory, 99)).toBe(1)
    expect(seen(memory, 8)).toBe(9)
  })

  it('never count more than came, and keep whatever came more often than its share of the slots', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(30), { maxLength: 300 }), (hashes) => {
        const memory = learned(hashes.map((hash) => hash + 1))
        for (let hash = 1; hash <= 31; hash += 1) {
          const came = hashes.filter((each) => each + 1 === hash).length
          expect(seen(memory, hash)).toBeLessThanOrEqual(came)
          if (came > hashes.length / SLOTS) {
            expect(holdsSlot(memory, OFFSET, SLOTS, hash)).toBe(true)
          }
        }
      }),
    )
  })

  it('make no discovery of what a longer memory knows', () => {
    const unknown = measureNovelty(20, closedSet(100, 0), false, 5)
    const known = measureNovelty(20, closedSet(100, 0), true, 5)
    expect(unknown.caught).toBe(0)
    expect(known.caught).toBe(20)
  })

  it('fade with the doubt they have', () => {
    const memory = learned([1, 2, 3, 4, 5, 6, 7, 8].flatMap((hash) => times(4, hash)))
    learned([99], START_MS, memory)
    const later = START_MS + 30 * DAY_MS
    learned([99], later, memory)
    expect(seen(memory, 99, later)).toBeCloseTo(1.5, 5)
  })

  it('doubt no more than they can say', () => {
    const memory = learned([1, 2, 3, 4, 5, 6, 7, 8])
    for (let slot = 0; slot < SLOTS; slot += 1) {
      memory.f32[OFFSET / 4 + 5 + 3 * slot] = 40_000
    }
    learned([99], START_MS, memory)
    expect(seen(memory, 99)).toBe(1)
  })

  it('take what is known and has lost its slot for one seen once, as likely as any', () => {
    const memory = learned([1, 2, 3, 3, 4, 4])
    const know = (hash: number) => learnNovelty(memory, OFFSET, SLOTS, hash, START_MS, true)
    know(9)
    expect(discount(memory, OFFSET)).toBeCloseTo(1.5 / 4, 5)
    know(9)
    expect(discount(memory, OFFSET)).toBeCloseTo(1.5 / 4, 5)
    learned([1, 2], START_MS, memory)
    expect(discount(memory, OFFSET)).toBe(0)
  })

  it('tell hash 0 from a free one', () => {
    const memory = blank()
    expect(holdsSlot(memory, OFFSET, SLOTS, 0)).toBe(false)
    learned([0, 0], START_MS, memory)
    expect(seen(memory, 0)).toBe(2)
  })

  it('saturate, and never hold NaN or what is infinite', () => {
    const memory = learned([1, 1])
    memory.f32.fill(2 ** 24, OFFSET / 4, OFFSET / 4 + 3)
    memory.f32[OFFSET / 4 + 5] = 2 ** 24
    learned([1, 1, 2], START_MS, memory)
    expect(seen(memory, 1)).toBe(2 ** 24)
    expect(eventsSeen(memory, OFFSET, START_MS)).toBe(2 ** 24)
    learned([3, 4, 5, 6, 7, 8, 9, 10], START_MS, memory)
    expect(chanceOfNew(memory)).toBeGreaterThan(0)
    memory.f32[OFFSET / 4 + 8] = 2 ** 24
    expect(seenTail(memory, OFFSET, SLOTS, 10, START_MS)).toBeGreaterThan(0)
    expect([...memory.f32].every(Number.isFinite)).toBe(true)
  })
})
