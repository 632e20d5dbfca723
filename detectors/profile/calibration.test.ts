import { describe, expect, it } from 'vitest'
import { seeded } from '../../bench/seeded.ts'
import { calibrationBlock, countedTails, countTail, distanceFromUniform, temperOf } from './calibration.ts'
import { type Memory, memoryOf } from './memory.ts'

const OFFSET = 4

describe('distanceFromUniform', () => {
  it('is nothing where all bins are alike, and all where one has everything', () => {
    const flat = counted(Array.from({ length: 200 }, (_, index) => (index + 0.5) / 200))
    expect(distanceFromUniform(flat, OFFSET)).toBe(0)
    expect(distanceFromUniform(counted(Array.from({ length: 100 }, () => 0.01)), OFFSET)).toBeCloseTo(
      95 ** 2 / 5 + 19 * 5,
    )
    expect(distanceFromUniform(counted([]), OFFSET)).toBe(0)
  })

  it('is near its degrees of freedom for sound p-values', () => {
    const next = seeded(3)
    const distances = Array.from({ length: 50 }, () =>
      distanceFromUniform(counted(Array.from({ length: 500 }, next)), OFFSET),
    )
    expect(distances.reduce((sum, distance) => sum + distance, 0) / 50).toBeGreaterThan(17)
    expect(distances.reduce((sum, distance) => sum + distance, 0) / 50).toBeLessThan(21)
  })
})

describe('temperOf', () => {
  it('leaves sound p-values alone, at every look', () => {
    const next = seeded(9)
    for (let detector = 0; detector < 50; detector += 1) {
      const memory = counted([])
      for (let test = 0; test < 1000; test += 1) {
        countTail(memory, OFFSET, next())
        expect(temperOf(memory, OFFSET)).toBe(1)
      }
    }
  })

  it('leaves p-values alone that are too large', () => {
    const next = seeded(9)
    expect(temperOf(counted(Array.from({ length: 5000 }, () => Math.sqrt(next()))), OFFSET)).toBe(1)
  })

  it('makes p-values that are too small what they claim', () => {
    const next = seeded(5)
    const small = Array.from({ length: 20_000 }, () => next() ** 2)
    const kappa = temperOf(counted(small), OFFSET)
    expect(kappa).toBeCloseTo(0.5, 1)
    const tempered = small.filter((p) => p ** kappa < 0.01).length / small.length
    expect(small.filter((p) => p < 0.01).length / small.length).toBeGreaterThan(0.09)
    expect(tempered).toBeGreaterThan(0.007)
    expect(tempered).toBeLessThan(0.013)
  })
})

describe('countTail', () => {
  it('takes p-values only, and forgets by halves', () => {
    const memory = counted([Number.NaN, -0.1, 1.1, 0, 1, 0.5])
    expect(countedTails(memory, OFFSET)).toBe(3)
    memory.u32[OFFSET / 4] = 99_997
    countTail(memory, OFFSET, 0.7)
    expect(memory.u32[OFFSET / 4]).toBe(49_998)
    expect(countedTails(memory, OFFSET)).toBe(49_998)
    expect([memory.u32[0], memory.u32.at(-1)]).toEqual([0, 0])
  })
})

function counted(tails: readonly number[]): Memory {
  const memory = memoryOf(new ArrayBuffer(OFFSET + calibrationBlock.bytes + 4))
  for (const p of tails) {
    countTail(memory, OFFSET, p)
  }
  return memory
}
