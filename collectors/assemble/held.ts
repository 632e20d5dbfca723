/** What waits for time: ordered by deadline, then by when it began to wait. */
export class Deadlines<W> {
  readonly #due = new Map<number, Set<W>>()
  /** Distinct deadlines, ascending. Fragments of one request share theirs, so there are few. */
  readonly #order: number[] = []

  add(waiting: W, deadlineMs: number): void {
    let due = this.#due.get(deadlineMs)
    if (due === undefined) {
      due = new Set()
      this.#due.set(deadlineMs, due)
      this.#order.splice(this.#place(deadlineMs), 0, deadlineMs)
    }
    due.add(waiting)
  }

  remove(waiting: W, deadlineMs: number): void {
    const due = this.#due.get(deadlineMs)
    if (due?.delete(waiting) && due.size === 0) {
      this.#due.delete(deadlineMs)
      this.#order.splice(this.#place(deadlineMs), 1)
    }
  }

  /** The earliest deadline. */
  next(): number | undefined {
    return this.#order[0]
  }

  /** What waits for the earliest deadline and began to wait first. */
  first(): W | undefined {
    const earliest = this.#order[0]
    for (const waiting of (earliest === undefined ? undefined : this.#due.get(earliest)) ?? []) {
      return waiting
    }
    return undefined
  }

  /** Where the deadline stands in the order, or would. */
  #place(deadlineMs: number): number {
    let low = 0
    let high = this.#order.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#order[middle] as number) < deadlineMs) {
        low = middle + 1
      } else {
        high = middle
      }
    }
    return low
  }
}
