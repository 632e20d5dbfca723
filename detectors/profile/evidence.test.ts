import fc from 'fast-check'
import { chiSquaredDistributionTable } from 'simple-statistics'
import { describe, expect, it } from 'vitest'
import { seeded } from '../../bench/seeded.ts'
import {
  addTail,
  chiSquaredTail,
  evidenceBlock,
  evidenceOf,
  FAMILIES,
  familyEvidence,
  sessionTail,
  testedFamilies,
} from './evidence.ts'
import { type Memory, memoryOf } from './memory.ts'

const OFFSET = 4

describe('familyEvidence', () => {
  it('is the least p of a family, times its tests', () => {
    const memory = tested([
      [2, 0.5],
      [2, 0.001],
      [2, 0.3],
    ])
    expect(familyEvidence(memory, OFFSET, 2)).toBeCloseTo(-Math.log10(3 * 0.001), 6)
    expect(familyEvidence(memory, OFFSET, 3)).toBe(0)
  })

  it('is never more than six digits, never less than none', () => {
    expect(familyEvidence(tested([[0, 0]]), OFFSET, 0)).toBe(6)
    const many = Array.from({ length: 5 }, () => [0, 0.9] as const)
    expect(familyEvidence(tested(many), OFFSET, 0)).toBe(0)
    expect([evidenceOf(1), evidenceOf(2), evidenceOf(0.01), evidenceOf(0)]).toEqual([0, 0, 2, 6])
  })

  it('takes what is no p-value for no test, and counts as far as it can', () => {
    const memory = tested([
      [7, Number.NaN],
      [7, -1],
      [7, 1.5],
    ])
    expect(testedFamilies(memory, OFFSET)).toBe(0)
    addTail(memory, OFFSET, 7, 1e-12)
    memory.u32[OFFSET / 4 + 15] = 2 ** 32 - 1
    addTail(memory, OFFSET, 7, 0.5)
    expect(memory.u32[OFFSET / 4 + 15]).toBe(2 ** 32 - 1)
    expect(familyEvidence(memory, OFFSET, 7)).toBeCloseTo(12 - Math.log10(2 ** 32), 4)
    expect([memory.u32[0], memory.u32.at(-1)]).toEqual([0, 0])
  })
})

describe('sessionTail', () => {
  it('combines families as Fisher did', () => {
    const memory = tested([
      [0, 0.01],
      [4, 0.05],
    ])
    const product = 0.01 * 0.05
    expect(sessionTail(memory, OFFSET)).toBeCloseTo(product * (1 - Math.log(product)), 8)
    expect(sessionTail(tested([]), OFFSET)).toBe(1)
    expect(sessionTail(tested([[5, 0.02]]), OFFSET)).toBeCloseTo(0.02, 6)
  })

  it('needs agreement: six digits in one of eight families are fewer in all', () => {
    const alone = tested(Array.from({ length: FAMILIES }, (_, family) => [family, family === 0 ? 1e-6 : 0.5]))
    const agreed = tested(Array.from({ length: FAMILIES }, (_, family) => [family, 0.01]))
    expect(sessionTail(alone, OFFSET)).toBeGreaterThan(1e-4)
    expect(sessionTail(agreed, OFFSET)).toBeLessThan(1e-8)
  })

  it('is small as often as it says, for independent families of any number of tests', () => {
    const next = seeded(8)
    const sessions = 20_000
    const tails = Array.from({ length: sessions }, () => {
      const families = 1 + Math.floor(next() * 4)
      const tails = Array.from({ length: families }, (_, family) =>
        Array.from({ length: 1 + Math.floor(next() * 3) }, () => [family, next()] as const),
      )
      return sessionTail(tested(tails.flat()), OFFSET)
    })
    for (const nominal of [0.1, 0.01, 0.001]) {
      const share = tails.filter((p) => p <= nominal).length / sessions
      expect(share).toBeGreaterThan(0.5 * nominal)
      expect(share).toBeLessThan(1.5 * nominal)
    }
  })
})

describe('chiSquaredTail', () => {
  it('is what tables say', () => {
    for (const degrees of [2, 4, 10, 20] as const) {
      for (const [p, x] of Object.entries<number>({ ...chiSquaredDistributionTable[degrees] })) {
        // The tables have x to two decimals.
        expect(Math.abs(chiSquaredTail(x, degrees / 2) - Number(p))).toBeLessThan(0.0025)
      }
    }
  })

  it('is never above one', () => {
    const tails = Array.from({ length: 2000 }, (_, thousandth) => chiSquaredTail(thousandth / 1000, FAMILIES))
    expect(Math.max(...tails)).toBe(1)
  })

  it('falls with what was seen and rises with degrees of freedom', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 400, noNaN: true }), fc.integer({ min: 1, max: 8 }), (x, pairs) => {
        expect(chiSquaredTail(x + 1, pairs)).toBeLessThan(chiSquaredTail(x, pairs))
        expect(chiSquaredTail(x, pairs + 1)).toBeGreaterThanOrEqual(chiSquaredTail(x, pairs))
      }),
    )
  })
})

function tested(tails: readonly (readonly [family: number, p: number])[]): Memory {
  const memory = memoryOf(new ArrayBuffer(OFFSET + evidenceBlock.bytes + 4))
  for (const [family, p] of tails) {
    addTail(memory, OFFSET, family, p)
  }
  return memory
}
