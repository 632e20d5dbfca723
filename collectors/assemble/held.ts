/** What waits for time, told apart by a number that rises with when it began to wait. */
export interface Waiting {
  readonly deadline_ms?: number | undefined
  readonly armed?: number | undefined
}

interface Due<W> {
  /** In order of `armed`; what has changed its deadline meanwhile is passed over. */
  readonly waiting: { readonly item: W; readonly armed: number }[]
  head: number
  live: number
}

/** What waits for time: ordered by deadline, then by when it began to wait. */
export class Deadlines<W extends Waiting> {
  readonly #due = new Map<number, Due<W>>()
  /** Distinct deadlines, ascending. Fragments of one request share theirs, so there are few. */
  readonly #order: number[] = []

  /** Takes up an item that has its deadline and number. */
  add(item: W): void {
    const { deadline_ms: deadlineMs, armed } = item as { readonly deadline_ms: number; readonly armed: number }
    let due = this.#due.get(deadlineMs)
    if (due === undefined) {
      due = { waiting: [], head: 0, live: 0 }
      this.#due.set(deadlineMs, due)
      this.#order.splice(this.#place(deadlineMs), 0, deadlineMs)
    }
    due.waiting.push({ item, armed })
    due.live += 1
  }

  /** Call before the item loses its deadline or gets another. */
  remove({ deadline_ms: deadlineMs }: W): void {
    const due = deadlineMs === undefined ? undefined : this.#due.get(deadlineMs)
    if (deadlineMs === undefined || due === undefined) {
      return
    }
    due.live -= 1
    if (due.live === 0) {
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
    const due = this.#due.get(this.#order[0] as number)
    if (due === undefined) {
      return undefined
    }
    for (; due.head < due.waiting.length; due.head += 1) {
      const { item, armed } = due.waiting[due.head] as Due<W>['waiting'][number]
      if (item.armed === armed) {
        return item
      }
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
