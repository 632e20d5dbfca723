/**
 * The Bernoulli CUSUM: notices that a rate of failure has risen, one trial at a time, soonest among all methods with
 * the same false alarms (Moustakides 1986; for Bernoulli trials Reynolds and Stoumbos 1999, J. Quality Technology 31).
 *
 * The sum is a log likelihood ratio that starts over at zero. At any trial fixed in advance, and while the rate is p0,
 * P(sum >= s) <= exp(-s): read backwards, the sum is the largest of the ratios of all stretches that end now, and
 * Ville's inequality bounds it. So exp(-sum) is a valid, somewhat conservative tail probability.
 */

/** The rates between which a CUSUM decides. 0 < usual < risen < 1. */
export interface Rates {
  readonly usual: number
  readonly risen: number
}

const LEAST_RISEN = 0.2
const LEAST_USUAL = 0.002

/** From the usual rate to the rate worth noticing: three times as much, at least one in five, never certainty. */
export function ratesFrom(mean: number): Rates {
  const usual = Math.min(Math.max(mean, LEAST_USUAL), 0.98)
  const risen = Math.max(3 * usual, LEAST_RISEN)
  return { usual, risen: risen < 0.9 ? risen : Math.max(0.9, (1 + usual) / 2) }
}

/** The sum after one more trial. */
export function cusumStep(sum: number, failed: boolean, { usual, risen }: Rates): number {
  const step = failed ? Math.log(risen / usual) : Math.log((1 - risen) / (1 - usual))
  return Math.max(0, sum + step)
}

/** The tail probability of a sum. `dispersion` is how much more than independent trials the counts vary; at least 1. */
export function cusumTail(sum: number, dispersion: number): number {
  return Math.exp(-sum / Math.max(1, dispersion))
}
