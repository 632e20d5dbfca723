/**
 * The newest records of a partition, kept as they were appended: whoever reads along at the end needs no disk, and gets
 * the very byte arrays that were appended. Bounded in bytes; what is older is read from disk.
 */
import type { BusRecord, StoredRecord } from '../bus.ts'
import { recordBytes } from '../record-bytes.ts'

interface Run {
  readonly base: number
  readonly records: readonly BusRecord[]
  readonly bytes: number
}

export class Tail {
  readonly #limitBytes: number
  #runs: Run[] = []
  #bytes = 0

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes
  }

  /** Takes what was appended at `base`, once it is durable. */
  push(base: number, records: readonly BusRecord[]): void {
    let bytes = 0
    for (const record of records) {
      bytes += recordBytes(record)
    }
    this.#runs.push({ base, records, bytes })
    this.#bytes += bytes
    while (this.#bytes > this.#limitBytes) {
      this.#bytes -= this.#runs.shift()?.bytes ?? 0
    }
  }

  /** Nobody here will read what lies before `offset` again. */
  forget(offset: number): void {
    for (let oldest = this.#runs[0]; oldest !== undefined && oldest.base + oldest.records.length <= offset; ) {
      this.#bytes -= oldest.bytes
      this.#runs.shift()
      oldest = this.#runs[0]
    }
  }

  /** A reader that begins at `offset`, or `undefined` when that is no longer here. */
  readerAt(offset: number): RunReader | undefined {
    const run = this.#runs.findLast(({ base }) => base <= offset)
    return run === undefined || offset >= run.base + run.records.length ? undefined : new RunReader(run, offset)
  }
}

/** Reads the records of one run, once, in order; like `ChunkReader`. */
export class RunReader {
  position: number
  readonly end: number
  readonly #run: Run

  constructor(run: Run, offset: number) {
    this.#run = run
    this.position = offset
    this.end = run.base + run.records.length
  }

  nextBytes(): number {
    return recordBytes(this.#run.records[this.position - this.#run.base] as BusRecord)
  }

  next(): StoredRecord {
    const record = this.#run.records[this.position - this.#run.base] as BusRecord
    const offset = this.position
    this.position += 1
    return { offset, ...record }
  }
}
