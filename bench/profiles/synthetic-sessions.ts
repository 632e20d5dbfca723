/**
 * Synthetic sessions whose families see the same thing in part: for the measure and the calibration of combined
 * evidence.
 */
import { chiSquaredTail } from '../../detectors/profile/evidence.ts'
import { seeded } from '../seeded.ts'
import { normal } from './synthetic-calls.ts'

const FAMILIES = 4

/** Fisher's p of benign sessions of four families: tails of normal numbers of that correlation. */
export function sessions(correlation: number, count: number, seed: number): number[] {
  const next = seeded(seed)
  return Array.from({ length: count }, () => {
    const common = Math.sqrt(correlation) * normal(next)
    let sum = 0
    for (let family = 0; family < FAMILIES; family += 1) {
      sum -= 2 * Math.log(normalTail(common + Math.sqrt(1 - correlation) * normal(next)))
    }
    return chiSquaredTail(sum, FAMILIES)
  })
}

/** P(normal >= z): Numerical Recipes' erfc, relative error 1e-7. */
function normalTail(z: number): number {
  const x = Math.abs(z) / Math.SQRT2
  const t = 1 / (1 + 0.5 * x)
  const terms = [
    -1.26551223, 1.00002368, 0.37409196, 0.09678418, -0.18628806, 0.27886807, -1.13520398, 1.48851587, -0.82215223,
    0.17087277,
  ]
  const tail = 0.5 * t * Math.exp(-x * x + terms.reduceRight((sum, term) => sum * t + term, 0))
  return z >= 0 ? tail : 1 - tail
}
