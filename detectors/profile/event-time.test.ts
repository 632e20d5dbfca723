import { expect, it } from 'vitest'
import { secondOf } from './event-time.ts'

it.each([
  [1_790_000_000_999, 1_790_000_000],
  [1000, 1],
  [999, 0],
  [-1, 0],
  [Number.NaN, 0],
  [Number.POSITIVE_INFINITY, 2 ** 32 - 1],
])('%d ms are in second %d, which fits 32 bits', (timeMs, second) => {
  expect(secondOf(timeMs)).toBe(second)
  expect(new Uint32Array([second])[0]).toBe(second)
})
