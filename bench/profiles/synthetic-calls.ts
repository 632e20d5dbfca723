/**
 * Synthetic agents' calls in windows of five minutes, the same every time: for the measure and the calibration of
 * rates.
 */

/** A standard normal number (Box and Muller). */
export function normal(next: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next())
}

/** A gamma number of mean 1 and variance 1 / shape (Marsaglia and Tsang 2000). */
function gammaNumber(next: () => number, shape: number): number {
  if (shape < 1) {
    return (gammaNumber(next, shape + 1) * (shape + 1) * next() ** (1 / shape)) / shape
  }
  const d = shape - 1 / 3
  for (;;) {
    const x = normal(next)
    const v = (1 + x / Math.sqrt(9 * d)) ** 3
    if (v > 0 && Math.log(1 - next()) < 0.5 * x * x + d - d * v + d * Math.log(v)) {
      return (d * v) / shape
    }
  }
}

/** A Poisson number: of great means by a normal one. */
function poisson(next: () => number, mean: number): number {
  if (mean > 200) {
    return Math.max(0, Math.round(mean + Math.sqrt(mean) * normal(next)))
  }
  const limit = Math.exp(-mean)
  let count = 0
  for (let product = next(); product > limit; product *= next()) {
    count += 1
  }
  return count
}

/** How an agent calls. */
export interface Calling {
  /** Calls a window, over the whole week. */
  readonly mean: number
  /** 1/r of the counts around their mean; 0 is Poisson. */
  readonly dispersion: number
  /**
   * How far the day swings, 0 to 1: the mean of an hour is (1 + swing cos) times that of the week, the peak at 14:00
   * UTC.
   */
  readonly swing: number
}

/** Calls in the window that begins at `timeMs`. */
export function callsIn(next: () => number, timeMs: number, calling: Calling): number {
  const mean = meanAt(timeMs, calling)
  return poisson(next, calling.dispersion === 0 ? mean : mean * gammaNumber(next, 1 / calling.dispersion))
}

/** The true mean of the window that begins at `timeMs`. */
export function meanAt(timeMs: number, { mean, swing }: Calling): number {
  const hour = (timeMs % 86_400_000) / 3_600_000
  return mean * (1 + swing * Math.cos(((hour - 14) / 12) * Math.PI))
}
