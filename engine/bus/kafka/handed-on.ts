/**
 * What this process appends and soon reads again is handed on as it was before it was encoded: the reader is spared the
 * parsing and the checks of what a stranger may have written. What comes back before the broker has said where it is, or
 * long after, is parsed like everything else.
 */
import type { BusRecord } from '../bus.ts'

/** Objects of one partition; beyond, whoever reads is far behind, and keeping them would only cost memory. */
const MAX_OBJECTS = 2000

export class HandedOn {
  readonly #byPartition = new Map<number, Map<number, object>>()

  /** Begins to keep what is appended to a partition that is read here. */
  open(partition: number): void {
    this.#byPartition.set(partition, new Map())
  }

  close(partition: number): void {
    this.#byPartition.delete(partition)
  }

  /** @param base the offset of the first record. */
  keep(partition: number, base: number, records: readonly BusRecord[]): void {
    const objects = this.#byPartition.get(partition)
    if (objects === undefined) {
      return
    }
    for (const [index, { decoded }] of records.entries()) {
      if (decoded !== undefined && objects.size < MAX_OBJECTS) {
        objects.set(base + index, decoded)
      }
    }
  }

  /** Once. Offsets are asked for in order: what lies before is given up. */
  take(partition: number, offset: number): object | undefined {
    const objects = this.#byPartition.get(partition)
    if (objects === undefined || objects.size === 0) {
      return undefined
    }
    const found = objects.get(offset)
    for (const kept of objects.keys()) {
      if (kept > offset) {
        break
      }
      objects.delete(kept)
    }
    return found
  }
}
