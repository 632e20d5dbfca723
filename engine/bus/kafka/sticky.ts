/** Who gets which partitions: everybody as many, and whoever has one keeps it if it can. Pure. */

export interface Member {
  readonly id: string
  /** What it owned, in which generation of the group. Of two that claim the same, the later generation is right. */
  readonly owned: readonly number[]
  readonly generation: number
}

/**
 * Deals out partitions 0 to `partitions` - 1. The same members with the same claims are dealt the same, in any order.
 */
export function assignSticky(members: readonly Member[], partitions: number): ReadonlyMap<string, readonly number[]> {
  const owners = new Map<number, Member>()
  for (const member of [...members].sort(byId)) {
    for (const partition of member.owned) {
      const other = owners.get(partition)
      if (partition < partitions && (other === undefined || other.generation < member.generation)) {
        owners.set(partition, member)
      }
    }
  }
  const kept = new Map<string, number[]>(members.map(({ id }) => [id, []]))
  for (const [partition, { id }] of [...owners].sort(([a], [b]) => a - b)) {
    kept.get(id)?.push(partition)
  }
  // Whoever has most may have one more than the others.
  const ranked = [...kept].sort(([a, own], [b, others]) => others.length - own.length || (a < b ? -1 : 1))
  const share = Math.floor(partitions / members.length)
  const withOneMore = partitions % members.length
  const dealt = new Map<string, number[]>()
  ranked.forEach(([id, own], rank) => {
    dealt.set(id, own.slice(0, share + (rank < withOneMore ? 1 : 0)))
  })
  const taken = new Set([...dealt.values()].flat())
  const free = Array.from({ length: partitions }, (_, partition) => partition).filter((each) => !taken.has(each))
  ranked.forEach(([id], rank) => {
    const own = dealt.get(id) ?? []
    own.push(...free.splice(0, share + (rank < withOneMore ? 1 : 0) - own.length))
  })
  return dealt
}

function byId(a: Member, b: Member): number {
  return a.id < b.id ? -1 : 1
}
