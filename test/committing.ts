import type { Assignment, Bus, Commit } from '../engine/bus/bus.ts'
import { changedAssignments } from '../engine/changed-assignments.contract.ts'

/** The bus, with another way to commit: one that is slow, or refuses. */
export function committing(bus: Bus, commit: (assignment: Assignment, commit: Commit) => Promise<void>): Bus {
  return changedAssignments(bus, (assignment) => ({ commit: (what) => commit(assignment, what) }))
}
