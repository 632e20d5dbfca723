import fc from 'fast-check'
import { expect, it } from 'vitest'
import { type Slabs, slabsOf } from './slab.ts'

// Four to a slab, so that few records fill several.
const RECORD_BYTES = 16 * 1024 * 1024

it('gives out zeros, and keeps what is written in each record apart from the others', () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.nat(30)), { maxLength: 60 }), (steps) => {
      const slabs = slabsOf(64)
      const used = new Map<number, number>()
      for (const [step, free] of steps.entries()) {
        const index = [...used.keys()][free ?? Number.NaN]
        if (index !== undefined) {
          slabs.free(index)
          used.delete(index)
          continue
        }
        const fresh = slabs.allocate()
        expect(used.has(fresh)).toBe(false)
        expect(recordOf(slabs, fresh).every((byte) => byte === 0)).toBe(true)
        recordOf(slabs, fresh).fill(step + 1)
        used.set(fresh, step + 1)
        expect(fresh).toBeLessThan(steps.length)
      }
      for (const [index, value] of used) {
        expect(recordOf(slabs, index).every((byte) => byte === value)).toBe(true)
      }
    }),
  )
})

it('makes slabs of at most 64 MiB as they are needed', () => {
  const slabs = slabsOf(RECORD_BYTES)
  const indexes = Array.from({ length: 5 }, () => slabs.allocate())
  expect(indexes).toEqual([0, 1, 2, 3, 4])
  expect(slabs.memory(0).u8.length).toBe(64 * 1024 * 1024)
  expect(slabs.memory(3) === slabs.memory(0)).toBe(true)
  expect(slabs.offset(3)).toBe(3 * RECORD_BYTES)
  expect(slabs.memory(4) === slabs.memory(0)).toBe(false)
  expect(slabs.offset(4)).toBe(0)
  expect(() => slabs.memory(8)).toThrow('no record 8')
})

it('takes the record freed last, and sizes that no power of two divides', () => {
  const slabs = slabsOf(3900)
  const [first, second] = [slabs.allocate(), slabs.allocate()]
  expect(slabs.offset(second)).toBe(3900)
  expect(slabs.memory(0).u8.length).toBe(2 ** 14 * 3900)
  slabs.free(first)
  slabs.free(second)
  expect([slabs.allocate(), slabs.allocate(), slabs.allocate()]).toEqual([second, first, 2])
})

function recordOf(slabs: Slabs, index: number): Uint8Array {
  return slabs.memory(index).u8.subarray(slabs.offset(index), slabs.offset(index) + slabs.recordBytes)
}
