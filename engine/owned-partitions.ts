/** Which partitions this process owns, of every group: for health and metrics, and for who keeps something for each. */
import type { Bus, Topic } from './bus/bus.ts'

export interface OwnedPartition {
  readonly group: string
  readonly topic: Topic
  readonly partition: number
}

export interface OwnedPartitions {
  /** The bus to consume from; all else is handed through. */
  readonly bus: Bus
  list(): readonly OwnedPartition[]
}

/** @param lost told when a partition is not owned any more, before somebody else can own it again here. */
export function watchOwned(bus: Bus, lost: (partition: OwnedPartition) => void): OwnedPartitions {
  const owned = new Set<OwnedPartition>()
  return {
    list: () => [...owned],
    bus: {
      append: (topic, records) => bus.append(topic, records),
      lag: () => bus.lag(),
      close: () => bus.close(),
      consume: (options, own, signal) =>
        bus.consume(
          options,
          async (assignment, taken) => {
            const { topic, partition } = assignment
            const entry = { group: options.group, topic, partition }
            owned.add(entry)
            try {
              await own(assignment, taken)
            } finally {
              owned.delete(entry)
              lost(entry)
            }
          },
          signal,
        ),
    },
  }
}
