import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { callWindow, meanSurpriseBits, previousCall, pushCall, repetitions, turns } from './call-window.ts'
import { memoryOf } from './memory.ts'
import { SESSION_START } from './transitions.ts'

const OFFSET = 8
const [A, B, C] = [11, 12, 0]

/** A window that these calls were pushed to, each with its surprise. */
function pushed(calls: readonly number[], surprises: readonly number[] = []) {
  const memory = memoryOf(new ArrayBuffer(OFFSET + callWindow.bytes + 8))
  for (const [index, call] of calls.entries()) {
    pushCall(memory, OFFSET, call, surprises[index] ?? 1)
  }
  return memory
}
const repeated = (...calls: number[]) => repetitions(pushed(calls), OFFSET)
const taken = (...calls: number[]) => turns(pushed(calls), OFFSET)
const mean = (...surprises: number[]) => meanSurpriseBits(pushed(surprises, surprises), OFFSET)

describe('a window of calls', () => {
  it('begins at the start of a session', () => {
    expect(previousCall(pushed([]), OFFSET)).toBe(SESSION_START)
    expect(previousCall(pushed([A, B]), OFFSET)).toBe(B)
    expect(previousCall(pushed([C]), OFFSET)).toBe(C)
  })

  it('averages the surprise of the last four calls, or of all there are', () => {
    expect(mean()).toBe(0)
    expect(mean(6)).toBe(6)
    expect(mean(6, 2)).toBe(4)
    expect(mean(9, 9, 1, 2, 3, 6)).toBe(3)
  })

  it('keeps no surprise that is none', () => {
    expect(mean(Number.NaN, 2)).toBe(1)
    expect(mean(-3, 2)).toBe(1)
  })

  it('counts repetitions of the last call, and begins anew with another', () => {
    expect(repeated(A)).toBe(0)
    expect(repeated(A, A, A)).toBe(2)
    expect(repeated(A, A, B)).toBe(0)
    expect(repeated(C)).toBe(0)
    expect(repeated(C, C)).toBe(1)
  })

  it('counts turns of two calls, of which repetitions are none', () => {
    expect(taken(A, B)).toBe(0)
    expect(taken(A, B, A)).toBe(1)
    expect(taken(A, B, A, B, A)).toBe(3)
    expect(taken(A, B, A, A)).toBe(0)
    expect(taken(A, A, A, A)).toBe(0)
    expect(taken(A, C)).toBe(0)
    expect(taken(A, B, A, B, 13)).toBe(0)
  })

  it('goes on when it has counted as far as it can', () => {
    const memory = pushed([])
    for (let call = 0; call < 70_001; call += 1) {
      pushCall(memory, OFFSET, A, call % 4)
    }
    expect(repetitions(memory, OFFSET)).toBe(65_535)
    expect(meanSurpriseBits(memory, OFFSET)).toBe(1.5)
    for (const surprise of [8, 8, 8, 8]) {
      pushCall(memory, OFFSET, B, surprise)
    }
    expect(meanSurpriseBits(memory, OFFSET)).toBe(8)
    for (let call = 0; call < 70_000; call += 1) {
      pushCall(memory, OFFSET, call % 2, 1)
    }
    expect(turns(memory, OFFSET)).toBe(65_535)
  })

  it('averages the last four however many came before, and touches its own bytes only', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 4, maxLength: 40 }), (surprises) => {
        const memory = pushed(surprises, surprises)
        const last = surprises.slice(-4).reduce((sum, surprise) => sum + surprise, 0)
        expect(meanSurpriseBits(memory, OFFSET)).toBeCloseTo(last / 4, 6)
        const outside = [...memory.u8.slice(0, OFFSET), ...memory.u8.slice(OFFSET + callWindow.bytes)]
        expect(outside.every((byte) => byte === 0)).toBe(true)
      }),
    )
  })
})
