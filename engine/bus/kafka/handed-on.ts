/**
 * What this process appends and soon reads again is handed on as it was before it was encoded: the reader is spared the
 * parsing and the checks of what a stranger may have written. What comes back before the broker has said where it is, or
 * long after, is parsed like everything else.
 */
import type { BusRecord } from '../bus.ts'

/** Of one partition, as encoded; beyond, whoever reads is far behind, and keeping them would only cost memory. */
const MAX_BYTES = 4 * 1024 * 1024

interface Kept {
  readonly decoded: object
  readonly bytes: number
}

interface KeptOfPartition {
  readonly objects: Map<number, Kept>
  bytes: number
}

export class HandedOn {
  readonly #byPartition = new Map<number, KeptOfPartition>()

  /** Begins to keep what is appended to a partition that is read here; forgets what was kept before. */
  open(partition: number): void {
    this.#byPartition.set(partition, { objects: new Map(), bytes: 0 })
  }

  close(partition: number): void {
    this.#byPartition.delete(partition)
  }

  /** @param base the offset of the first record. */
  keep(partition: number, base: number, records: readonly BusRecord[]): void {
    const kept = this.#byPartition.get(partition)
    if (kept === undefined) {
      return
    }
    for (const [index, { decoded, value }] of records.entries()) {
      if (decoded !== undefined && kept.bytes < MAX_BYTES) {
        kept.objects.set(base + index, { decoded, bytes: value.length })
        kept.bytes += value.length
      }
    }
  }

  /** Once. Offsets are asked for in order: what lies before is given up. */
  take(partition: number, offset: number): object | undefined {
    const kept = this.#byPartition.get(partition)
    if (kept === undefined || kept.objects.size === 0) {
      return undefined
    }
    const found = kept.objects.get(offset)?.decoded
    for (const [at, { bytes }] of kept.objects) {
      if (at > offset) {
        break
      }
      kept.objects.delete(at)
      kept.bytes -= bytes
    }
    return found
  }
}
