import { expect, it } from 'vitest'
import { mix32 } from './mix.ts'

it('changes half of the bits when one bit of the hash changes', () => {
  let changed = 0
  for (let hash = 0; hash < 1000; hash += 1) {
    for (let bit = 0; bit < 32; bit += 1) {
      changed += bitsOf((mix32(hash) ^ mix32(hash ^ (1 << bit))) >>> 0)
    }
  }
  expect(changed / 32_000).toBeCloseTo(16, 0)
})

it('gives numbers of 32 bits, no two the same, and survives what is no number', () => {
  const mixed = new Set(Array.from({ length: 10_000 }, (_, hash) => mix32(hash)))
  expect(mixed.size).toBe(10_000)
  expect(Math.min(...mixed)).toBeGreaterThanOrEqual(0)
  expect(mix32(Number.NaN)).toBe(mix32(0))
})

const bitsOf = (word: number) => word.toString(2).replaceAll('0', '').length
