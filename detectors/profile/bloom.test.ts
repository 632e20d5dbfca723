import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { seeded } from '../../bench/seeded.ts'
import { bloom, bloomAdd, bloomBits, bloomFalsePositives, bloomHas, bloomThings } from './bloom.ts'
import { memoryOf } from './memory.ts'

const hashes = fc.array(fc.nat(0xffffffff), { maxLength: 300 })
const OFFSET = 8
const memory = () => memoryOf(new ArrayBuffer(OFFSET + bloom('seen').bytes + 8))

describe('a Bloom filter', () => {
  it('is named by who keeps it', () => {
    expect(bloom('seen-tools')).toEqual({ name: 'seen-tools', version: 1, bytes: 512 })
  })

  it('knows everything that was added, and nothing before', () => {
    fc.assert(
      fc.property(hashes, (added) => {
        const filter = memory()
        for (const hash of added.slice(0, 1)) {
          expect(bloomHas(filter, OFFSET, hash)).toBe(false)
        }
        for (const hash of added) {
          bloomAdd(filter, OFFSET, hash)
        }
        expect(added.every((hash) => bloomHas(filter, OFFSET, hash))).toBe(true)
      }),
    )
  })

  it('touches its own bytes only', () => {
    const filter = memory()
    for (let hash = 0; hash < 3000; hash += 1) {
      bloomAdd(filter, OFFSET, hash)
    }
    const [before, after] = [filter.u8.slice(0, OFFSET), filter.u8.slice(OFFSET + 512)]
    expect([...before, ...after].every((byte) => byte === 0)).toBe(true)
  })

  it.each([
    [100, 0.0004],
    [300, 0.0077],
    [500, 0.0285],
    [1000, 0.14],
  ])('takes new things for known as the docstring says after %i things', (things, expected) => {
    const [random, share] = [seeded(things), 200_000]
    let wrong = 0
    for (let filter = 0; filter < 10; filter += 1) {
      const bits = memory()
      for (let thing = 0; thing < things; thing += 1) {
        bloomAdd(bits, OFFSET, Math.floor(random() * 2 ** 32))
      }
      for (let asked = 0; asked < share / 10; asked += 1) {
        wrong += bloomHas(bits, OFFSET, Math.floor(random() * 2 ** 32)) ? 1 : 0
      }
    }
    expect(wrong / share).toBeGreaterThan(expected * 0.8)
    expect(wrong / share).toBeLessThan(expected * 1.25)
  })

  it('spreads hashes that are small numbers as well as random ones', () => {
    const filter = memory()
    let wrong = 0
    for (let hash = 0; hash < 300; hash += 1) {
      bloomAdd(filter, OFFSET, hash)
    }
    for (let hash = 300; hash < 50_300; hash += 1) {
      wrong += bloomHas(filter, OFFSET, hash) ? 1 : 0
    }
    expect(wrong / 50_000).toBeLessThan(0.01)
  })

  it('says how full it is', () => {
    const filter = memory()
    expect([bloomBits(filter, OFFSET), bloomFalsePositives(filter, OFFSET), bloomThings(filter, OFFSET)]).toEqual([
      0, 0, -0,
    ])
    bloomAdd(filter, OFFSET, 77)
    expect(bloomBits(filter, OFFSET)).toBe(3)
    bloomAdd(filter, OFFSET, 77)
    expect(bloomBits(filter, OFFSET)).toBe(3)
    for (let hash = 0; hash < 300; hash += 1) {
      bloomAdd(filter, OFFSET, hash * 7919)
    }
    expect(bloomThings(filter, OFFSET)).toBeGreaterThan(285)
    expect(bloomThings(filter, OFFSET)).toBeLessThan(315)
    expect(bloomFalsePositives(filter, OFFSET)).toBeCloseTo(0.0077, 2)
    filter.u8.fill(0xff, OFFSET, OFFSET + 512)
    expect(bloomBits(filter, OFFSET)).toBe(4096)
    expect(bloomFalsePositives(filter, OFFSET)).toBe(1)
    expect(bloomThings(filter, OFFSET)).toBe(Number.POSITIVE_INFINITY)
  })
})
