/** Forgetting by half-lives of event time. */

/**
 * What remains of a count after some time. Time that runs backwards (late events) takes nothing away and gives
 * nothing back.
 */
export function remaining(count: number, elapsedMs: number, halfLifeMs: number): number {
  return elapsedMs <= 0 ? count : count * 2 ** (-elapsedMs / halfLifeMs)
}
