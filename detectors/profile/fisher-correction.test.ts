import { describe, expect, it } from 'vitest'
import { sessions } from '../../bench/profiles/synthetic-sessions.ts'
import { correctedTail, countSession, fisherCorrectionBlock } from './fisher-correction.ts'
import { type Memory, memoryOf } from './memory.ts'

const OFFSET = 4

describe('correctedTail', () => {
  it('takes the word of Fisher until it has seen sessions', () => {
    const memory = counted([])
    expect(correctedTail(memory, OFFSET, 1e-5)).toBe(1e-5)
    expect(correctedTail(counted(sessions(0.9, 150, 1)), OFFSET, 1e-5)).toBe(1e-5)
  })

  it('leaves sound sessions alone, near enough', () => {
    const memory = counted(sessions(0, 5000, 1))
    for (const p of [0.05, 1e-3, 1e-6]) {
      expect(correctedTail(memory, OFFSET, p)).toBeGreaterThanOrEqual(p)
      expect(Math.log10(correctedTail(memory, OFFSET, p) / p)).toBeLessThan(0.7)
    }
  })

  it('makes p-values of correlated families what they claim', () => {
    for (const correlation of [0.3, 0.5, 0.8]) {
      const memory = counted(sessions(correlation, 20_000, 2))
      const tails = sessions(correlation, 40_000, 3)
      const corrected = tails.map((p) => correctedTail(memory, OFFSET, p))
      expect(below(tails, 0.001) / 0.001).toBeGreaterThan(3)
      for (const nominal of [0.05, 0.01, 0.001]) {
        expect(below(corrected, nominal) / nominal).toBeGreaterThan(0.3)
        expect(below(corrected, nominal) / nominal).toBeLessThan(2)
      }
    }
  })

  it('is barely moved by a few attacks', () => {
    const sound = sessions(0, 20_000, 4)
    const attacked = sound.map((p, index) => (index % 1000 === 0 ? 1e-9 : p))
    expect(correctedTail(counted(attacked), OFFSET, 1e-7)).toBeLessThan(5e-7)
  })

  it('keeps the order of sessions', () => {
    const memory = counted(sessions(0.5, 5000, 5))
    const digits = Array.from({ length: 120 }, (_, tenth) => correctedTail(memory, OFFSET, 10 ** -(tenth / 10)))
    expect(digits.every((p, index) => index === 0 || p <= (digits[index - 1] as number))).toBe(true)
  })

  it('takes p-values only, and forgets by halves', () => {
    const memory = counted([Number.NaN, -1, 2])
    expect(memory.u32.every((count) => count === 0)).toBe(true)
    memory.u32[OFFSET / 4] = 99_999
    countSession(memory, OFFSET, 0)
    expect(memory.u32[OFFSET / 4]).toBe(49_999)
    expect(correctedTail(memory, OFFSET, 0)).toBeLessThan(1e-100)
    expect([memory.u32[0], memory.u32.at(-1)]).toEqual([0, 0])
  })
})

function below(tails: readonly number[], nominal: number): number {
  return tails.filter((p) => p <= nominal).length / tails.length
}

function counted(tails: readonly number[]): Memory {
  const memory = memoryOf(new ArrayBuffer(OFFSET + fisherCorrectionBlock.bytes + 4))
  for (const p of tails) {
    countSession(memory, OFFSET, p)
  }
  return memory
}
