/** The logarithm of the gamma function, on which the tails of discrete distributions rest. */

// Lanczos approximation, g = 7 and nine terms (Godfrey 2001, as in Numerical Recipes 3rd ed. 6.1): relative error
// below 1e-13 for positive arguments.
const COEFFICIENTS = [
  0.9999999999998099, 676.5203681218851, -1259.1392167224028, 771.3234287776531, -176.6150291621406, 12.507343278686905,
  -0.13857109526572012, 9.984369578019572e-6, 1.5056327351493116e-7,
] as const
const HALF_LOG_TWO_PI = 0.9189385332046728

/** ln Γ(x) for x > 0. */
export function logGamma(x: number): number {
  if (x < 0.5) {
    // Reflection: the series is exact only to the right of one half.
    return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x)
  }
  const shifted = x - 1
  let sum: number = COEFFICIENTS[0]
  for (let index = 1; index < COEFFICIENTS.length; index += 1) {
    sum += (COEFFICIENTS[index] ?? 0) / (shifted + index)
  }
  const base = shifted + 7.5
  return HALF_LOG_TWO_PI + (shifted + 0.5) * Math.log(base) - base + Math.log(sum)
}

/** ln B(a, b) for a, b > 0. */
export function logBeta(a: number, b: number): number {
  return logGamma(a) + logGamma(b) - logGamma(a + b)
}
