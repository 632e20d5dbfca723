import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { layoutOf, migrate } from './layout.ts'
import type { Block } from './memory.ts'

const rate: Block = { name: 'rate', version: 1, bytes: 8 }
const histogram: Block = { name: 'log-histogram', version: 3, bytes: 16 }

describe('layoutOf', () => {
  it('lays parts out in their order, the same statistic as often as wanted', () => {
    const layout = layoutOf(
      [
        ['calls', rate],
        ['bytes-in', histogram],
        ['bytes-out', histogram],
      ],
      40,
    )
    expect(layout).toEqual({
      bytes: 40,
      offsets: { calls: 0, 'bytes-in': 8, 'bytes-out': 24 },
      description: 'calls=rate@1:8 bytes-in=log-histogram@3:16 bytes-out=log-histogram@3:16',
    })
  })

  it('refuses what does not fit, and says what takes how much', () => {
    expect(() => layoutOf([['calls', rate]], 4)).toThrow('a record of 8 bytes, of at most 4: calls 8')
    expect(() => layoutOf([], 4)).toThrow('0 bytes')
  })

  it('refuses names and blocks that no description could hold', () => {
    const twice = [
      ['calls', rate],
      ['calls', histogram],
    ] as const
    expect(() => layoutOf(twice, 99)).toThrow('twice')
    for (const name of ['Calls', 'a b', 'a=b', '', '7']) {
      expect(() => layoutOf([[name, rate]], 99)).toThrow('kebab-case')
    }
    for (const bytes of [0, 6, -4, 4.5, Number.NaN]) {
      expect(() => layoutOf([['calls', { ...rate, bytes }]], 99)).toThrow('whole words')
    }
    expect(() => layoutOf([['calls', { ...rate, version: 0 }]], 99)).toThrow('whole words')
  })
})

describe('migrate', () => {
  it('carries over what means the same, wherever it lies now, and begins the rest anew', () => {
    fc.assert(
      fc.property(someParts, someParts, fc.integer({ min: 0, max: 3 }), (before, after, count) => {
        const [from, to] = [layoutOf(before, 4096), layoutOf(after, 4096)]
        const bytes = Uint8Array.from({ length: count * from.bytes }, (_, at) => (at % 255) + 1)
        const migrated = migrate(bytes, from.description, to)
        expect(migrated.length).toBe(count * to.bytes)
        for (let record = 0; record < count; record += 1) {
          for (const [name, block] of after) {
            const same = before.find(([old, { name: n, version, bytes: b }]) => {
              return old === name && n === block.name && version === block.version && b === block.bytes
            })
            const found = partOf(migrated, record, to, name, block.bytes)
            expect(found).toEqual(same ? partOf(bytes, record, from, name, block.bytes) : Array(block.bytes).fill(0))
          }
        }
      }),
    )
  })

  it('refuses bytes that are not what the description says', () => {
    const layout = layoutOf([['calls', rate]], 8)
    expect(() => migrate(new Uint8Array(12), layout.description, layout)).toThrow('whole number of records')
    for (const description of ['', 'calls', 'calls=rate@1:0', 'calls=rate@1:8,', 'calls=rate@1:1e3']) {
      expect(() => migrate(new Uint8Array(8), description, layout)).toThrow('a layout cannot have')
    }
  })
})

const someParts = fc.uniqueArray(
  fc.tuple(
    fc.constantFrom('calls', 'bytes-in', 'bytes-out', 'tools', 'errors'),
    fc.record({
      name: fc.constantFrom('rate', 'log-histogram'),
      version: fc.integer({ min: 1, max: 2 }),
      bytes: fc.constantFrom(4, 8),
    }),
  ),
  { minLength: 1, selector: ([name]) => name },
)

function partOf(
  bytes: Uint8Array,
  record: number,
  layout: ReturnType<typeof layoutOf>,
  name: string,
  size: number,
): number[] {
  const start = record * layout.bytes + (layout.offsets[name] ?? Number.NaN)
  return [...bytes.subarray(start, start + size)]
}
