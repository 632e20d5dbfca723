import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Memory, memoryOf } from './memory.ts'
import { addRisk, riskAt, riskBlock } from './risk.ts'

const DAY_MS = 24 * 3600 * 1000
const NOW_MS = 1_700_000_000_000
const OFFSET = 8

describe('risk', () => {
  it('sums evidence, and half is forgotten in a day', () => {
    const memory = fresh()
    expect(riskAt(memory, OFFSET, NOW_MS)).toBe(0)
    expect(addRisk(memory, OFFSET, NOW_MS, 3)).toBe(3)
    expect(addRisk(memory, OFFSET, NOW_MS, 1)).toBe(4)
    expect(riskAt(memory, OFFSET, NOW_MS + DAY_MS)).toBe(2)
    expect(addRisk(memory, OFFSET, NOW_MS + DAY_MS, 1)).toBe(3)
  })

  it('does not care in which order evidence arrives', () => {
    const evidence = fc.record({
      hour: fc.integer({ min: 0, max: 100 }),
      digits: fc.double({ min: 0, max: 6, noNaN: true }),
    })
    const signs = fc.array(evidence, { minLength: 1, maxLength: 20 })
    fc.assert(
      fc.property(signs, (some) => {
        const [one, other] = [some, [...some].reverse()].map((order) => {
          const memory = fresh()
          for (const { hour, digits } of order) {
            addRisk(memory, OFFSET, NOW_MS + hour * 3_600_000, digits)
          }
          return riskAt(memory, OFFSET, NOW_MS + 200 * 3_600_000)
        })
        expect(one).toBeCloseTo(other as number, 4)
      }),
    )
  })

  it('gains and loses nothing when time runs backwards', () => {
    const memory = fresh()
    addRisk(memory, OFFSET, NOW_MS, 4)
    expect(riskAt(memory, OFFSET, NOW_MS - DAY_MS)).toBe(4)
    expect(addRisk(memory, OFFSET, NOW_MS - DAY_MS, 2)).toBe(5)
  })

  it('stays a number whatever comes', () => {
    const memory = fresh()
    for (const evidence of [Number.NaN, -5, Number.POSITIVE_INFINITY, 1e308]) {
      addRisk(memory, OFFSET, NOW_MS, evidence)
    }
    addRisk(memory, OFFSET, Number.NaN, 1)
    expect(riskAt(memory, OFFSET, NOW_MS)).toBe(1e6)
  })

  it('touches its own bytes only', () => {
    const memory = fresh()
    addRisk(memory, OFFSET, NOW_MS, 4)
    expect(
      [...memory.u8.slice(0, OFFSET), ...memory.u8.slice(OFFSET + riskBlock.bytes)].every((byte) => byte === 0),
    ).toBe(true)
  })
})

function fresh(): Memory {
  return memoryOf(new ArrayBuffer(OFFSET + riskBlock.bytes + 8))
}
