import type { Assignment, Bus, Commit } from '../engine/bus/bus.ts'

/** The bus, with another way to commit: one that is slow, or refuses. */
export function committing(bus: Bus, commit: (assignment: Assignment, commit: Commit) => Promise<void>): Bus {
  return {
    append: (topic, records) => bus.append(topic, records),
    lag: () => bus.lag(),
    close: () => bus.close(),
    consume: (options, own, signal) =>
      bus.consume(
        options,
        (assignment, owned) => {
          const { topic, partition, epoch, start } = assignment
          const changed: Assignment = {
            topic,
            partition,
            epoch,
            start,
            restore: () => assignment.restore(),
            read: (limits) => assignment.read(limits),
            append: (to, records) => assignment.append(to, records),
            commit: (what) => commit(assignment, what),
          }
          return own(changed, owned)
        },
        signal,
      ),
  }
}
