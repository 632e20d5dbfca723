/**
 * The negative binomial distribution by its mean and dispersion: counts that come in bursts, of variance mean +
 * dispersion * mean^2 (Hilbe, Negative Binomial Regression, 2nd ed., 8; "NB2"). It is a Poisson count whose rate is
 * itself drawn from a gamma distribution of shape 1 / dispersion.
 *
 * Misses: tails heavier than a gamma's (rates that now and then rise a hundredfold), and that a burst spans windows.
 */
import { incompleteBeta } from './incomplete-beta.ts'
import { logGamma } from './log-gamma.ts'

/** Below this a negative binomial is a Poisson distribution to six digits, and takes many steps to compute. */
const LEAST_DISPERSION = 1e-6

/** P(X >= count): count a whole number, mean > 0, dispersion 1/r >= 0. */
export function negativeBinomialTail(count: number, mean: number, dispersion: number): number {
  if (count <= 0) {
    return 1
  }
  const shape = 1 / Math.max(dispersion, LEAST_DISPERSION)
  return incompleteBeta(mean / (mean + shape), count, shape)
}

/** ln P(X = count): by which two ways of expecting are compared. */
export function negativeBinomialLogMass(count: number, mean: number, dispersion: number): number {
  const shape = 1 / Math.max(dispersion, LEAST_DISPERSION)
  if (count === 0) {
    // Most windows of most agents: worth the shorter way.
    return -shape * Math.log1p(mean / shape)
  }
  return (
    logGamma(count + shape) -
    logGamma(shape) -
    logGamma(count + 1) -
    shape * Math.log1p(mean / shape) -
    count * Math.log1p(shape / mean)
  )
}
