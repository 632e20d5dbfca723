import fc from 'fast-check'
import { expect, it } from 'vitest'
import { identityIndexOf } from './identity-index.ts'

it('finds what a map would, however identities crowd', () => {
  // Sixteen slots: low halves meet in them, wrap around their end, and are the same for several identities.
  const identity = fc.tuple(fc.constantFrom(0, 1, 14, 15, 16, 31, 0xffffffff), fc.constantFrom(0, 1))
  const step = fc.tuple(fc.constantFrom('add', 'remove', 'replace'), identity)
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const highs = new Map<number, number>()
      const index = identityIndexOf(8, (record, high) => highs.get(record) === high)
      const records = new Map<string, number>()
      for (const [at, [what, [low, high]]] of steps.entries()) {
        const name = `${low} ${high}`
        const record = records.get(name)
        expect(index.find(low, high)).toBe(record ?? -1)
        if (record === undefined && what === 'add' && records.size < 8) {
          highs.set(at, high)
          index.add(low, at)
          records.set(name, at)
        } else if (record !== undefined && what === 'replace') {
          highs.set(at, high)
          index.replace(low, record, at)
          records.set(name, at)
        } else if (record !== undefined && what === 'remove') {
          index.remove(low, record)
          records.delete(name)
        }
        for (const [other, expected] of records) {
          const [otherLow = 0, otherHigh = 0] = other.split(' ').map(Number)
          expect(index.find(otherLow, otherHigh)).toBe(expected)
        }
      }
    }),
    { numRuns: 300 },
  )
})

it('says so when a record is not there', () => {
  expect(() => identityIndexOf(8, () => true).remove(3, 3)).toThrow('not in the index')
})
