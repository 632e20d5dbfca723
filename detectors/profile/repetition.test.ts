import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { seeded } from '../../bench/seeded.ts'
import { memoryOf } from './memory.ts'
import { goingOn, repeatTail, turnTail } from './repetition.ts'
import { learnTransition, transitions } from './transitions.ts'

const count = fc.nat(70_000)
const [READ, SEND, LIST] = [1, 2, 3]

/** Transitions that learned each pair so many times. */
function learned(...pairs: readonly (readonly [from: number, to: number, times: number])[]) {
  const memory = memoryOf(new ArrayBuffer(transitions('tool-order').bytes))
  for (const [from, to, times] of pairs) {
    for (let time = 0; time < times; time += 1) {
      learnTransition(memory, 0, from, to, 0)
    }
  }
  return memory
}

describe('goingOn', () => {
  it('is one in two, one in three, one in four where nothing is known', () => {
    expect([0, 1, 2, 3].map((times) => goingOn(times, 0, 0))).toEqual(
      [1, 1 / 2, 1 / 3, 1 / 4].map((p) => expect.closeTo(p, 9)),
    )
  })

  it('is the product of going on each time, as a Beta rate learns', () => {
    // Beta(1 + 1, 1 + 3): 2/6, then 3/7, then 4/8.
    expect(goingOn(3, 1, 3)).toBeCloseTo((2 / 6) * (3 / 7) * (4 / 8), 9)
  })

  it('counts what was learned as five trials at most', () => {
    expect(goingOn(6, 4000, 6000)).toBeCloseTo(goingOn(6, 2, 3), 9)
    expect(goingOn(6, 0, 10_000)).toBeCloseTo(goingOn(6, 0, 5), 9)
  })

  it('is a probability that falls with every time', () => {
    fc.assert(
      fc.property(count, count, count, (times, self, other) => {
        const p = goingOn(times, self, other)
        expect(p).toBeGreaterThan(0)
        expect(p).toBeLessThanOrEqual(1 + 1e-9)
        expect(goingOn(times + 1, self, other)).toBeLessThanOrEqual(p * (1 + 1e-9))
      }),
    )
  })

  it('is how often sessions, each of which has a rate of its own, go on that long', () => {
    const random = seeded(9)
    const lasted = Array<number>(12).fill(0)
    // Rates are Beta(1, 4), as the least of four uniform numbers is: a fifth of all calls go on.
    for (let session = 0; session < 50_000; session += 1) {
      const rate = Math.min(random(), random(), random(), random())
      for (let times = 0; times < lasted.length; times += 1) {
        lasted[times] = (lasted[times] as number) + 1
        if (random() >= rate) {
          break
        }
      }
    }
    for (const [times, sessions] of lasted.entries()) {
      const p = goingOn(times, 1000, 4000)
      expect(sessions / 50_000).toBeLessThan(p * 1.5)
      expect(sessions / 50_000).toBeGreaterThan(p * 0.3)
    }
  })
})

describe('repeatTail', () => {
  it('finds a loop in what seldom repeats, and none in what always does', () => {
    const memory = learned([READ, SEND, 40], [LIST, LIST, 40], [READ, READ, 1])
    expect(repeatTail(memory, 0, READ, 8, 0)).toBeLessThan(0.001)
    expect(repeatTail(memory, 0, LIST, 8, 0)).toBeGreaterThan(0.3)
  })

  it('does not let a run speak for itself', () => {
    const before = learned([READ, SEND, 3])
    const during = learned([READ, SEND, 3], [READ, READ, 7])
    expect(repeatTail(during, 0, READ, 8, 7)).toBeCloseTo(repeatTail(before, 0, READ, 8, 0), 9)
    expect(repeatTail(during, 0, READ, 8, 0)).toBeGreaterThan(repeatTail(before, 0, READ, 8, 0))
    expect(repeatTail(before, 0, READ, 8, 99)).toBeCloseTo(repeatTail(before, 0, READ, 8, 0), 9)
  })
})

describe('turnTail', () => {
  it('finds two calls that seldom take turns, and not two that do', () => {
    const memory = learned([READ, SEND, 5], [SEND, READ, 1], [SEND, LIST, 30], [LIST, READ, 20], [READ, LIST, 20])
    expect(turnTail(memory, 0, READ, SEND, 10, 0)).toBeLessThan(0.001)
    expect(turnTail(memory, 0, READ, LIST, 4, 0)).toBeGreaterThan(0.01)
  })

  it('takes both ways for the turns that went them, the last one to the last call', () => {
    const memory = learned([READ, SEND, 2], [READ, LIST, 1], [SEND, READ, 1], [SEND, LIST, 3])
    expect(turnTail(memory, 0, READ, SEND, 3, 0)).toBeCloseTo(goingOn(2, 2, 1) * goingOn(1, 1, 3), 9)
  })

  it('does not let turns speak for themselves', () => {
    const before = learned([READ, LIST, 2], [SEND, LIST, 2])
    const during = learned([READ, LIST, 2], [SEND, LIST, 2], [READ, SEND, 2], [SEND, READ, 1])
    expect(turnTail(during, 0, READ, SEND, 4, 3)).toBeCloseTo(turnTail(before, 0, READ, SEND, 4, 0), 9)
  })
})
