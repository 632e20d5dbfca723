/**
 * The assemble stage: fragments in, events out. The cross-record rules are the assembler's
 * (`collectors/assemble`); here it only meets the bus.
 */
import type { Fragment } from '../schema/fragment.ts'
import type { Telemetry } from '../schema/telemetry.ts'
import type { BusRecord, StateEntry, StoredRecord } from './bus/bus.ts'
import { decodeRecord, eventRecord, fragmentRecord } from './records.ts'
import { addOutcomes, type Stage, type StagePartition, type StageResult } from './stage.ts'

/** What the stage needs of an assembler of one partition; `collectors/assemble` provides it. */
export interface AssemblerPort {
  /** `encoded` is the fragment as JSON; it may be persisted as it is by the next `changes`. */
  absorb(
    fragment: Fragment,
    encoded?: Uint8Array,
  ): {
    readonly events: readonly Telemetry[]
    readonly outcomes: ReadonlyMap<string, number>
  }
  changes(): readonly StateEntry[]
  /** Stream time at which something held must go on, or `undefined` when nothing is held. */
  nextDeadlineMs(): number | undefined
  /** A fragment that only moves stream time. */
  tick(nowMs: number): Fragment
}

export type OpenAssembler = (
  state: Iterable<{ readonly key: string; readonly value: Uint8Array }>,
  partition: number,
) => AssemblerPort

export function assembleStage(open: OpenAssembler): Stage {
  return {
    id: 'assemble',
    input: 'fragments',
    open: (partition, state) => assemblePartition(open(state, partition)),
  }
}

function assemblePartition(assembler: AssemblerPort): StagePartition {
  return {
    apply: (records) => apply(assembler, records),
    changes: () => assembler.changes(),
    tick: (nowMs) => tick(assembler, nowMs),
  }
}

function apply(assembler: AssemblerPort, records: readonly StoredRecord[]): StageResult {
  const events: BusRecord[] = []
  const outcomes = new Map<string, number>()
  const poison: { record: StoredRecord; reason: string }[] = []
  for (const record of records) {
    const fragment = decodeRecord<Fragment>(record, invalidFragment)
    if (fragment === undefined) {
      poison.push({ record, reason: 'invalid-fragment' })
      continue
    }
    const result = assembler.absorb(fragment, record.value)
    for (const event of result.events) {
      events.push(eventRecord(event))
    }
    addOutcomes(outcomes, result.outcomes)
  }
  return { outputs: events.length === 0 ? [] : [{ topic: 'events', records: events }], outcomes, poison }
}

/** What is not a fragment of this version is poison: somebody else writes here, or a newer Telltale. */
function invalidFragment(value: unknown): string | undefined {
  const fragment = (typeof value === 'object' ? value : undefined) as Partial<Fragment> | null | undefined
  const valid =
    fragment?.schema_version === '1' &&
    typeof fragment.fragment_id === 'string' &&
    typeof fragment.tenant_id === 'string' &&
    typeof fragment.join_key === 'string' &&
    typeof fragment.role === 'string' &&
    typeof fragment.time_ms === 'number' &&
    typeof fragment.observed_ms === 'number'
  return valid ? undefined : 'is not a fragment'
}

function tick(assembler: AssemblerPort, nowMs: number): BusRecord | undefined {
  const deadlineMs = assembler.nextDeadlineMs()
  return deadlineMs !== undefined && deadlineMs <= nowMs ? fragmentRecord(assembler.tick(nowMs)) : undefined
}
