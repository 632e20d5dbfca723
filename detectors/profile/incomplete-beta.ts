/**
 * The regularized incomplete beta function: the tails of the negative binomial and of Student's t are values of it.
 *
 * By Lentz's continued fraction (Numerical Recipes, 3rd ed., 6.4): relative error about 1e-12, in the far tail too, in
 * some sqrt(max(a, b)) steps.
 */
import { logBeta } from './log-gamma.ts'

const MOST_STEPS = 10_000
const PRECISION = 1e-14
/** Stands in for a denominator of zero. */
const TINY = 1e-300

/** I_x(a, b), the probability that a Beta(a, b) variable is at most x: a and b positive, 0 <= x <= 1. */
export function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0 || x >= 1) {
    return x <= 0 ? 0 : 1
  }
  const front = Math.exp(a * Math.log(x) + b * Math.log1p(-x) - logBeta(a, b))
  // The fraction converges fast only to the left of the mean.
  return x < (a + 1) / (a + b + 2) ? (front * fraction(x, a, b)) / a : 1 - (front * fraction(1 - x, b, a)) / b
}

function fraction(x: number, a: number, b: number): number {
  let c = 1
  let d = 1 / awayFromZero(1 - ((a + b) * x) / (a + 1))
  let value = d
  for (let m = 1; m <= MOST_STEPS; m += 1) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m))
    d = 1 / awayFromZero(1 + even * d)
    c = awayFromZero(1 + even / c)
    value *= d * c
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1))
    d = 1 / awayFromZero(1 + odd * d)
    c = awayFromZero(1 + odd / c)
    value *= d * c
    if (Math.abs(d * c - 1) < PRECISION) {
      break
    }
  }
  return value
}

function awayFromZero(value: number): number {
  return Math.abs(value) < TINY ? TINY : value
}
