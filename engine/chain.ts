/**
 * The stages joined in memory, without a bus: what replay, benchmarks and quality measurements drive. The stages
 * are the very ones that run live; only who hands them their records differs.
 */
import type { BusRecord, StoredRecord, Topic } from './bus/bus.ts'
import { addOutcomes, type Stage, type StagePartition } from './stage.ts'

export interface ChainOptions {
  readonly stages: readonly Stage[]
  /** Sees every record that any stage writes, before the next stage reads it; returns the record to pass on. */
  readonly onRecord?: (topic: Topic, record: BusRecord) => BusRecord
  readonly onPoison?: (stage: string, record: StoredRecord, reason: string) => void
}

export interface Chain {
  /** Runs records of a topic through every stage below it. */
  push(topic: Topic, records: readonly BusRecord[]): void
  /** Says that no more input comes: whatever waits for time goes on now. */
  end(): void
  /** Counted ends of records so far, by stage. */
  readonly outcomes: ReadonlyMap<string, ReadonlyMap<string, number>>
}

interface Link {
  readonly stage: Stage
  readonly partition: StagePartition
  readonly outcomes: Map<string, number>
  offset: number
}

export function chain(options: ChainOptions): Chain {
  const links: Link[] = options.stages.map((stage) => ({
    stage,
    partition: stage.open(0, []),
    outcomes: new Map(),
    offset: 0,
  }))

  const run = (link: Link, records: readonly BusRecord[]): void => {
    const stored = records.map((record) => {
      link.offset += 1
      return { ...record, offset: link.offset - 1 }
    })
    const result = link.partition.apply(stored)
    // Nothing is persisted here, but stages collect their changes until asked.
    link.partition.changes()
    addOutcomes(link.outcomes, result.outcomes)
    for (const { record, reason } of result.poison) {
      addOutcomes(link.outcomes, new Map([[`rejected:${reason}`, 1]]))
      options.onPoison?.(link.stage.id, record, reason)
    }
    for (const output of result.outputs) {
      push(output.topic, output.records)
    }
  }

  const push = (topic: Topic, records: readonly BusRecord[]): void => {
    const { onRecord } = options
    const passed = onRecord === undefined ? records : records.map((record) => onRecord(topic, record))
    for (const link of links) {
      if (link.stage.input === topic) {
        run(link, passed)
      }
    }
  }

  return {
    push,
    end: () => {
      for (const link of links) {
        const tick = link.partition.tick?.(Number.MAX_SAFE_INTEGER)
        if (tick !== undefined) {
          run(link, [tick])
        }
      }
    },
    get outcomes() {
      return new Map(links.map((link) => [link.stage.id, link.outcomes]))
    },
  }
}
