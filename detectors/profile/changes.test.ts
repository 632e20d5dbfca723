import fc from 'fast-check'
import { expect, it } from 'vitest'
import { type Changes, changesOf } from './changes.ts'
import { type Slabs, slabsOf } from './slab.ts'

it('copies what changed as it was when the checkpoint began, whatever happens meanwhile', () => {
  const write = fc.tuple(fc.constantFrom('write' as const, 'free' as const), fc.nat(5))
  const writes = fc.array(write, { maxLength: 12 })
  fc.assert(
    fc.property(writes, writes, fc.integer({ min: 4, max: 16 }), fc.nat(4), (before, during, sliceBytes, taken) => {
      const records = recordsOf(6)
      apply(records, before, 1)
      const expected = [...records.used]
        .filter((index) => wordOf(records, index) !== 0)
        .map((index) => wordOf(records, index))
      const slices = records.changes.take(sliceBytes)[Symbol.iterator]()
      const found: number[] = []
      for (const [step, one] of during.entries()) {
        if (step % (taken + 1) === 0) {
          found.push(...wordsOf(slices.next().value))
        }
        apply(records, [one], 100 + step)
      }
      for (let slice = slices.next(); slice.done !== true; slice = slices.next()) {
        expect(slice.value.length).toBeLessThanOrEqual(sliceBytes)
        found.push(...wordsOf(slice.value))
      }
      expect(found.toSorted((a, b) => a - b)).toEqual(expected.toSorted((a, b) => a - b))
    }),
  )
})

it('hands out a change once, and what an abandoned checkpoint did not hand out with the next', () => {
  const records = recordsOf(6)
  apply(
    records,
    [0, 1, 2].map((index) => ['write', index] as const),
    7,
  )
  const abandoned = records.changes.take(4)[Symbol.iterator]()
  expect(wordsOf(abandoned.next().value)).toEqual([7])
  apply(records, [['write', 1]], 20)
  const next = records.changes.take(4)
  expect([...next].flatMap(wordsOf)).toEqual([21, 9])
  expect([...records.changes.take(4)]).toEqual([])
  expect(() => abandoned.next()).toThrow('another checkpoint')
})

interface Written {
  readonly slabs: Slabs
  readonly changes: Changes
  readonly used: Set<number>
}

function recordsOf(count: number): Written {
  const slabs = slabsOf(4)
  const used = new Set(Array.from({ length: count }, () => slabs.allocate()))
  return { slabs, used, changes: changesOf(slabs, count) }
}

/** Each writes a number of its own, or frees the record; what is freed is not used again. */
function apply(
  { slabs, changes, used }: Written,
  writes: readonly (readonly ['write' | 'free', number])[],
  value: number,
) {
  for (const [what, index] of writes) {
    if (!used.has(index)) {
      continue
    }
    if (what === 'free') {
      changes.forget(index)
      slabs.free(index)
      used.delete(index)
    } else {
      changes.mark(index)
      slabs.memory(index).u32[index] = value + index
    }
  }
}

function wordOf({ slabs }: Written, index: number): number {
  return slabs.memory(index).u32[index] ?? Number.NaN
}

function wordsOf(slice: Uint8Array | undefined): number[] {
  return slice === undefined ? [] : [...new Uint32Array(slice.slice().buffer)]
}
