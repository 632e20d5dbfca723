import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { assignSticky, type Member } from './sticky.ts'

const fresh = (id: string): Member => ({ id, owned: [], generation: -1 })

/** What members say of themselves after they were dealt this. */
function claiming(dealt: ReadonlyMap<string, readonly number[]>, generation: number): Member[] {
  return [...dealt].map(([id, owned]) => ({ id, owned, generation }))
}

function loads(dealt: ReadonlyMap<string, readonly number[]>): number[] {
  return [...dealt.values()].map((owned) => owned.length)
}

function kept(before: readonly Member[], after: ReadonlyMap<string, readonly number[]>): number {
  return before.flatMap(({ id, owned }) => owned.filter((each) => after.get(id)?.includes(each))).length
}

const partitions = fc.integer({ min: 1, max: 40 })
const ids = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 8 })
/** Whatever members may claim: partitions that others claim, that are claimed twice, that do not exist. */
const anyMembers = ids.chain((names) =>
  fc.tuple(
    ...names.map((id) =>
      fc.record({
        id: fc.constant(id),
        owned: fc.array(fc.oneof(fc.nat(45), fc.constant(Number.MAX_SAFE_INTEGER)), { maxLength: 60 }),
        generation: fc.integer({ min: -1, max: 3 }),
      }),
    ),
  ),
)

describe('assignSticky', () => {
  it('deals every partition exactly once, and evenly, whatever is claimed', () => {
    fc.assert(
      fc.property(anyMembers, partitions, (members, count) => {
        const dealt = assignSticky(members, count)
        expect([...dealt.keys()].sort()).toEqual(members.map(({ id }) => id).sort())
        expect([...dealt.values()].flat().sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, at) => at))
        expect(Math.max(...loads(dealt)) - Math.min(...loads(dealt))).toBeLessThanOrEqual(1)
      }),
    )
  })

  it('deals the same to the same members in any order', () => {
    const twoOrders = anyMembers.chain((members) =>
      fc.tuple(fc.constant(members), fc.shuffledSubarray(members, { minLength: members.length })),
    )
    fc.assert(
      fc.property(twoOrders, partitions, ([members, shuffled], count) => {
        const one = assignSticky(members, count)
        const other = assignSticky(shuffled, count)
        for (const { id } of members) {
          expect(other.get(id)).toEqual(one.get(id))
        }
      }),
    )
  })

  it('moves nothing when nobody came or went', () => {
    fc.assert(
      fc.property(anyMembers, partitions, (members, count) => {
        const before = claiming(assignSticky(members, count), 5)
        expect(kept(before, assignSticky(before, count))).toBe(count)
      }),
    )
  })

  it('moves only the share of one that joins', () => {
    fc.assert(
      fc.property(ids, partitions, (names, count) => {
        const before = claiming(assignSticky(names.map(fresh), count), 1)
        const after = assignSticky([...before, fresh('one that joins')], count)
        const share = after.get('one that joins')?.length ?? 0
        expect(kept(before, after)).toBe(count - share)
      }),
    )
  })

  it('moves only what one that leaves had', () => {
    const some = ids.filter((names) => names.length > 1)
    fc.assert(
      fc.property(some, partitions, (names, count) => {
        const before = claiming(assignSticky(names.map(fresh), count), 1)
        const staying = before.slice(1)
        const held = staying.reduce((sum, { owned }) => sum + owned.length, 0)
        expect(kept(staying, assignSticky(staying, count))).toBe(held)
      }),
    )
  })

  it('believes the later generation when two claim the same', () => {
    const early = { id: 'a', owned: [0, 1], generation: 3 }
    const late = { id: 'b', owned: [0, 1], generation: 4 }
    expect(assignSticky([early, late, fresh('c')], 4).get('b')).toEqual(expect.arrayContaining([0, 1]))
    expect(assignSticky([{ ...early, generation: 5 }, late], 2).get('a')).toEqual([0])
  })

  it('deals one member everything', () => {
    expect(assignSticky([fresh('a')], 3)).toEqual(new Map([['a', [0, 1, 2]]]))
  })

  it('gives some nothing when there are more members than partitions', () => {
    expect(loads(assignSticky(['a', 'b', 'c'].map(fresh), 2)).sort()).toEqual([0, 1, 1])
  })
})
