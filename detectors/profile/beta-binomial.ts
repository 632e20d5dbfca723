/**
 * The beta-binomial distribution: how many of n trials fail when the rate of failure is itself only known to be
 * Beta(a, b). As posterior predictive of a rate learned from counts it says how surprising a window of calls is, with
 * the doubt about the rate included (Gelman et al., Bayesian Data Analysis, 3rd ed., 2.4).
 */
import { logBeta, logGamma } from './log-gamma.ts'

/**
 * P(X >= failures) of `trials` trials with a Beta(a, b) rate; a and b are positive reals. At most `trials` steps, and
 * fewer where the tail falls fast.
 */
export function betaBinomialTail(failures: number, trials: number, a: number, b: number): number {
  if (failures <= 0) {
    return 1
  }
  if (failures > trials) {
    return 0
  }
  const logChoose = logGamma(trials + 1) - logGamma(failures + 1) - logGamma(trials - failures + 1)
  let term = Math.exp(logChoose + logBeta(failures + a, trials - failures + b) - logBeta(a, b))
  let tail = term
  for (let k = failures; k < trials; k += 1) {
    const ratio = ((trials - k) / (k + 1)) * ((k + a) / (trials - k - 1 + b))
    term *= ratio
    tail += term
    // Ratios only fall from here when they are below one and the last step cannot jump (b >= 1).
    if (b >= 1 && ratio < 0.5 && term < tail * 1e-12) {
      break
    }
  }
  return Math.min(1, tail)
}

/** The mean rate. */
export function betaMean(a: number, b: number): number {
  return a / (a + b)
}

/**
 * The strength a + b of a Beta rate under which counts of `trials` trials vary `dispersion` times as much as
 * independent trials would: 1 + (n - 1) / (a + b + 1) = dispersion (Williams 1982, Applied Statistics 31). Infinite when
 * there is no more variation than that.
 */
export function strengthFor(dispersion: number, trials: number): number {
  return dispersion <= 1 ? Number.POSITIVE_INFINITY : Math.max(1, (trials - 1) / (dispersion - 1) - 1)
}
