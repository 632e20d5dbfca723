/**
 * The generalized Pareto distribution, to which the excesses over a high threshold tend whatever they come from
 * (Pickands 1975, Annals of Statistics 3), fitted by probability-weighted moments in closed form (Hosking and Wallis 1987,
 * Technometrics 29, section 3: better than maximum likelihood below 500 excesses, and never without a solution).
 *
 * Misses: a second mode beyond all that was seen; and it cannot tell a bounded tail from one that thins fast.
 */

/** Shapes outside are more likely an accident of few excesses: a thicker tail has hardly a mean, a thinner one an end. */
const LEAST_SHAPE = -0.1
const MOST_SHAPE = 0.5
/** Nothing that was never seen is impossible. */
const LEAST_TAIL = 1e-12

/**
 * P(X > excess) of the distribution with the moments a0 = E[X], the integral of its survival function S, and
 * a1 = E[X S(X)], half the integral of S². Excesses and moments are in one unit, from 0 up; without moments (a0 = 0)
 * nothing is said: 1. At least 1e-12. In the terms of Hosking and Wallis the shape is -k, k = a0 / (a0 - 2 a1) - 2.
 */
export function generalizedParetoTail(excess: number, a0: number, a1: number): number {
  if (!(excess > 0) || !(a0 > 0)) {
    return 1
  }
  const shape = Math.min(MOST_SHAPE, Math.max(LEAST_SHAPE, 2 - a0 / (a0 - 2 * a1)))
  // From the mean, a0 = scale / (1 - shape), which stays true when the shape has been held.
  const scaled = excess / (a0 * (1 - shape))
  const tail = Math.abs(shape) < 1e-6 ? Math.exp(-scaled) : Math.max(0, 1 + shape * scaled) ** (-1 / shape)
  return Math.max(LEAST_TAIL, tail)
}
