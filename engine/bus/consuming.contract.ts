/** What the bus contract and the tests of its members share: short ways to be a consumer, and to make records. */
import type { Assignment, Bus, BusRecord, Commit, ConsumeOptions, StateEntry, StoredRecord, Topic } from './bus.ts'

/** Long enough for a broker to hand over a partition. */
export const PATIENCE_MS = 60_000

/** The buses of one contract run: opened by name, closed after each test. */
export interface Buses {
  open(options?: { readonly name?: string; readonly partitions?: number }): Promise<Bus>
  close(bus: Bus): Promise<void>
  uniqueName(): string
}

/** Runs `work` as the first owner of partition 0 and gives up ownership when it returns. */
export async function owning<Result>(
  bus: Bus,
  options: ConsumeOptions,
  work: (assignment: Assignment) => Promise<Result>,
): Promise<Result> {
  const stop = new AbortController()
  let result: { readonly value: Result } | undefined
  await bus.consume(
    options,
    async (assignment, signal) => {
      if (assignment.partition === 0) {
        result = { value: await work(assignment) }
        stop.abort()
      } else {
        await aborted(signal)
      }
    },
    stop.signal,
  )
  if (result === undefined) {
    throw new Error('partition 0 was never assigned')
  }
  return result.value
}

/** Reads `count` records over all partitions, committing each batch, then gives up ownership. */
export async function drain(
  bus: Bus,
  options: ConsumeOptions,
  count: number,
  see: (record: StoredRecord, partition: number) => void = () => undefined,
  limits: { readonly maxBytes?: number } = {},
): Promise<readonly StoredRecord[]> {
  const records: StoredRecord[] = []
  const stop = new AbortController()
  await bus.consume(
    options,
    async (assignment, signal) => {
      while (!signal.aborted) {
        const batch = await assignment.read({ maxRecords: 100, waitMs: 1000, ...limits })
        for (const read of batch) {
          records.push(read)
          see(read, assignment.partition)
        }
        if (batch.length > 0) {
          await assignment.commit(emptyCommit(offsetAfter(batch.at(-1))))
        }
        if (records.length >= count) {
          stop.abort()
        }
      }
    },
    stop.signal,
  )
  return records
}

export async function readSome(assignment: Assignment, maxRecords = 10): Promise<readonly StoredRecord[]> {
  return assignment.read({ maxRecords, waitMs: PATIENCE_MS })
}

export async function stateOf(assignment: Assignment): Promise<Map<string, string>> {
  const state = new Map<string, string>()
  for await (const { key, value } of assignment.restore()) {
    state.set(key, text(value))
  }
  return state
}

export function restored(
  bus: Bus,
  options: { readonly group: string; readonly topic: Topic },
): Promise<Map<string, string>> {
  return owning(bus, options, stateOf)
}

export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve()
    }
    signal.addEventListener('abort', () => resolve())
  })
}

export function record(key: string, value: string): BusRecord {
  return { key, value: Buffer.from(value) }
}

export function numbered(count: number): readonly BusRecord[] {
  return Array.from({ length: count }, (_, index) => record('k', `${index}`))
}

export function entry(key: string, value: string): StateEntry {
  return { key, value: Buffer.from(value) }
}

export function text(value: Uint8Array): string {
  return Buffer.from(value).toString()
}

export function emptyCommit(next: number): Commit {
  return { next, outputs: [], state: [] }
}

export function offsetAfter(record: StoredRecord | undefined): number {
  if (record === undefined) {
    throw new Error('nothing was read')
  }
  return record.offset + 1
}
