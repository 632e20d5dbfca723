/** Agents whose calls have sizes of heavy tails, the same every time: for measures and tests of what judges sizes. */

export type HeavyTail = 'log-normal' | 'two modes' | 'pareto'

export const HEAVY_TAILS: readonly HeavyTail[] = ['log-normal', 'two modes', 'pareto']

/** A number of the standard normal distribution (Box and Muller). */
export function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}

/**
 * An agent of its own level (log-normal, a factor of 4.5 either way) and width, as a source of the bytes of its calls.
 * `two modes` is log-normal with 5 % of calls about ten times as large.
 */
export function sizesOf(kind: HeavyTail, random: () => number): () => number {
  const level = 8 + 1.5 * normal(random)
  const own = random()
  if (kind === 'pareto') {
    return () => Math.exp(level) * (1 - random()) ** (-1 / (1 + own))
  }
  if (kind === 'log-normal') {
    return () => Math.exp(level + (0.8 + 0.8 * own) * normal(random))
  }
  const second = level + 2 + 0.6 * random()
  return () => Math.exp(random() < 0.05 ? second + 0.4 * normal(random) : level + (0.5 + 0.5 * own) * normal(random))
}
