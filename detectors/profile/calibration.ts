/**
 * Whether the p-values of a detector are what they claim: where nothing is wrong they are uniform. Keeps a histogram of
 * 20 bins, tells how far it is from flat (Pearson's chi-squared), and where small p are too many, the power that would
 * make them as many as they claim to be: p <- p^kappa, 0 < kappa <= 1 (tempering: P(p^kappa <= u) = u for P(p <= t) =
 * t^kappa). One block for a detector and a tenant: published as a metric and applied before p-values are combined.
 *
 * Misses: a tail that goes wrong only below 1/20, where no bin shows it; p-values too large (they cost
 * power and break nothing, so they are left); and attacks: they are few, or they pull kappa down.
 */
import type { Block, Memory } from './memory.ts'

const BINS = 20
const LOWEST = 1 / BINS
/** At so many the histogram is halved: it speaks of the last few tens of thousands. */
const MOST_COUNTED = 100_000
/** Standard errors by which small p-values must be too many: 2 in 100,000 sound detectors are tempered at any look. */
const SURE = 4
const LEAST_KAPPA = 0.1

/** 20 counts u32, bin i of p in [i / 20, (i + 1) / 20). */
export const calibrationBlock: Block = { name: 'calibration', version: 1, bytes: 4 * BINS }

/** Counts a p-value, untempered. What is not in [0, 1] counts for nothing. */
export function countTail(memory: Memory, at: number, p: number): void {
  if (!(p >= 0 && p <= 1)) {
    return
  }
  const index = at >> 2
  const bin = index + Math.min(BINS - 1, Math.floor(p * BINS))
  memory.u32[bin] = (memory.u32[bin] as number) + 1
  if (countedTails(memory, at) >= MOST_COUNTED) {
    for (let each = index; each < index + BINS; each += 1) {
      memory.u32[each] = (memory.u32[each] as number) >>> 1
    }
  }
}

/** How many p-values the histogram holds. */
export function countedTails(memory: Memory, at: number): number {
  let total = 0
  for (let bin = at >> 2; bin < (at >> 2) + BINS; bin += 1) {
    total += memory.u32[bin] as number
  }
  return total
}

/** Pearson's chi-squared of the histogram against a flat one, of 19 degrees of freedom; 0 of nothing. */
export function distanceFromUniform(memory: Memory, at: number): number {
  const expected = countedTails(memory, at) / BINS
  let distance = 0
  for (let bin = at >> 2; bin < (at >> 2) + BINS && expected > 0; bin += 1) {
    distance += ((memory.u32[bin] as number) - expected) ** 2 / expected
  }
  return distance
}

/** The power kappa that makes small p-values as many as they claim; 1 unless they are surely too many. */
export function temperOf(memory: Memory, at: number): number {
  const total = countedTails(memory, at)
  const small = memory.u32[at >> 2] as number
  const spread = Math.sqrt(total * LOWEST * (1 - LOWEST))
  // The count of a few is skewed: one more standard error's worth of them is asked for.
  if (small - total * LOWEST <= SURE * spread + SURE) {
    return 1
  }
  return Math.max(LEAST_KAPPA, Math.log(small / total) / Math.log(LOWEST))
}
