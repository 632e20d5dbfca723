/** A bus for tests in which partitions behave otherwise than they would. */
import type { Assignment, Bus } from './bus/bus.ts'

/** What is otherwise about a partition that is owned: some of its methods, or when it is taken away. */
export interface Change extends Partial<Assignment> {
  readonly signal?: AbortSignal
}

/** The bus, with each assignment changed before it is owned. */
export function changedAssignments(bus: Bus, change: (assignment: Assignment, signal: AbortSignal) => Change): Bus {
  return {
    append: (topic, records) => bus.append(topic, records),
    consume: (options, own, stopped) =>
      bus.consume(
        options,
        (assignment, owned) => {
          const { signal = owned, ...changed } = change(assignment, owned)
          return own({ ...plain(assignment), ...changed }, signal)
        },
        stopped,
      ),
    lag: () => bus.lag(),
    close: () => bus.close(),
  }
}

function plain(assignment: Assignment): Assignment {
  const { topic, partition, epoch, start } = assignment
  return {
    topic,
    partition,
    epoch,
    start,
    restore: () => assignment.restore(),
    read: (options) => assignment.read(options),
    commit: (commit) => assignment.commit(commit),
    append: (to, records) => assignment.append(to, records),
  }
}
