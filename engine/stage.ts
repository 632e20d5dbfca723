/**
 * A stage: a pure function from records and state to records and state. `engine/loop.ts` runs every stage the
 * same way; replay calls the same functions without a bus.
 */
import type { BusRecord, StateEntry, StoredRecord, Topic } from './bus/bus.ts'

/** Counted ends of records, by name: `judged`, `duplicate`, `rejected:invalid-json`, ... */
export type OutcomeCounts = ReadonlyMap<string, number>

/** What a stage made of a batch. */
export interface StageResult {
  readonly outputs: readonly { readonly topic: Topic; readonly records: readonly BusRecord[] }[]
  /** Ends of the input records that went no further, and of those that stages made (`synthesized`). */
  readonly outcomes: OutcomeCounts
  /** Records that cannot be processed, with the reason; the loop dead-letters and counts them. */
  readonly poison: readonly { readonly record: StoredRecord; readonly reason: string }[]
}

/**
 * One partition of a stage. Deterministic: the same records in the same order give the same outputs and state,
 * however they are cut into batches.
 */
export interface StagePartition {
  apply(records: readonly StoredRecord[]): StageResult
  /**
   * State entries that changed since the last call. The loop persists them with the offset, and calls again at most once
   * before they are: the next call but one may write over their bytes.
   */
  changes(): readonly StateEntry[]
  /**
   * Asked when the partition has been idle until `nowMs`: a record to append to the stage's own input so that
   * stream time moves on (a tick), or `undefined` when nothing waits for time.
   */
  tick?(nowMs: number): BusRecord | undefined
}

export interface Stage {
  /** `assemble`, `detect`, `correlate`, ...; also the consumer group. */
  readonly id: string
  readonly input: Topic
  open(partition: number, state: Iterable<{ readonly key: string; readonly value: Uint8Array }>): StagePartition
}

/** Adds counts to a running total, in place. */
export function addOutcomes(total: Map<string, number>, more: OutcomeCounts): void {
  for (const [outcome, count] of more) {
    total.set(outcome, (total.get(outcome) ?? 0) + count)
  }
}
