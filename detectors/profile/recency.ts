/**
 * Which records were used least recently: a doubly linked list in one array, 8 bytes a record, beside the records so that
 * moving one in the list touches nothing of its neighbours' bytes.
 */

/** An order of record indexes below a capacity. Every call takes the same short time. */
export interface Recency {
  /** How many records are in the order. */
  readonly count: number
  /** Puts a record last, whether it was in the order or not. */
  use(index: number): void
  /** Takes a record, which is in the order, out of it. */
  remove(index: number): void
  /** The record used least recently; -1 when there is none. */
  oldest(): number
}

/** No records yet; indexes are below `capacity`. The array is there from the start, but takes memory only where used. */
export function recencyOf(capacity: number): Recency {
  // Of node n, links[2n] is the next newer and links[2n + 1] the next older node. Node 0 closes the ring, so that an array
  // of zeros is the empty order; record i is node i + 1, and not in the order while both its links are 0 and it is not alone.
  const links = new Uint32Array(2 * (capacity + 1))
  let count = 0

  function unlink(node: number): void {
    const newer = links[2 * node] ?? 0
    const older = links[2 * node + 1] ?? 0
    links[2 * newer + 1] = older
    links[2 * older] = newer
    links[2 * node] = 0
    links[2 * node + 1] = 0
    count -= 1
  }

  function isIn(node: number): boolean {
    return links[2 * node] !== 0 || links[2 * node + 1] !== 0 || links[0] === node
  }

  return {
    get count() {
      return count
    },
    use: (index) => {
      const node = index + 1
      const newest = links[1] ?? 0
      if (newest === node) {
        return
      }
      if (isIn(node)) {
        unlink(node)
      }
      const before = links[1] ?? 0
      links[2 * before] = node
      links[2 * node + 1] = before
      links[1] = node
      count += 1
    },
    remove: (index) => unlink(index + 1),
    oldest: () => (links[0] ?? 0) - 1,
  }
}
