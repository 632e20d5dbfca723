/**
 * Makes the tail probabilities of sessions be what they claim, from a kept histogram of them: families are not quite
 * independent, so Fisher's X is larger more often than chi-squared says. One block for the sessions of a group.
 *
 * Up to the point that a tenth of sessions pass, the share that passed it is p. Beyond, how fast the tail falls is
 * fitted: -log10 p falls off exponentially, at rate ln 10 if p is right, more slowly if families are correlated (peaks
 * over a threshold, Pickands 1975, with an exponential tail: X is sub-exponential; rate by maximum likelihood, censored
 * two digits on, so that attacks among the sessions, if less than a hundredth, barely move it). The correction never
 * makes a session more surprising than Fisher says.
 *
 * Misses: attacks that are more than some hundredth of the sessions become usual (sessions under suspicion should not
 * be counted until they are closed benign), and a tail that first gets heavy beyond one session in a thousand.
 *
 * Measured (`bench/profiles/fisher-correction.ts`; four families, 20,000 benign sessions counted; false alarms as a
 * multiple of nominal, by Fisher alone -> corrected):
 *
 *     correlation      p <= 0.01      p <= 0.001      p <= 0.0001
 *     0             0.99 -> 0.95    1.06 -> 1.02     1.25 -> 1.25
 *     0.3           3.35 -> 1.01    8.38 -> 1.36    23.05 -> 1.45
 *     0.5           4.90 -> 1.02   16.02 -> 1.41    56.05 -> 2.00
 *     0.8           6.90 -> 1.08   29.10 -> 1.50   127.35 -> 2.35
 */
import { evidenceOf } from './evidence.ts'
import type { Block, Memory } from './memory.ts'

const BINS = 64
const BINS_A_DIGIT = 10
/** Below so many sessions Fisher's word is taken. */
const ENOUGH = 200
/** Passed by this share of sessions at most. */
const TAIL_SHARE = 0.1
/** Tail beyond this many bins counts as this far. */
const CENSORED = 2 * BINS_A_DIGIT
/** Sessions, and digits of theirs, as if seen to fall off as Fisher says. */
const PRIOR = 10
/** At so many the histogram is halved. */
const MOST_COUNTED = 100_000

/** 64 counts u32 of -log10 p in tenths; the last holds all beyond. */
export const fisherCorrectionBlock: Block = { name: 'fisher-correction', version: 1, bytes: 4 * BINS }

/** Counts the uncorrected p of a session that ended (`sessionTail`). What is not in [0, 1] counts for nothing. */
export function countSession(memory: Memory, at: number, p: number): void {
  if (!(p >= 0 && p <= 1)) {
    return
  }
  const index = at >> 2
  const bin = index + Math.min(BINS - 1, Math.floor(evidenceOf(p) * BINS_A_DIGIT))
  memory.u32[bin] = (memory.u32[bin] as number) + 1
  if (countFrom(memory, index, 0) >= MOST_COUNTED) {
    for (let each = index; each < index + BINS; each += 1) {
      memory.u32[each] = (memory.u32[each] as number) >>> 1
    }
  }
}

/** The p of a session, as sessions have been: at least Fisher's p, 0 <= p <= 1. */
export function correctedTail(memory: Memory, at: number, p: number): number {
  const index = at >> 2
  const total = countFrom(memory, index, 0)
  if (total < ENOUGH) {
    return p
  }
  const start = tailStart(memory, index, total)
  const digits = -Math.log10(Math.max(p, Number.MIN_VALUE))
  const beyond = digits - start / BINS_A_DIGIT
  if (!(beyond > 0)) {
    return Math.max(p, countFrom(memory, index, Math.max(0, Math.floor(digits * BINS_A_DIGIT))) / total)
  }
  const share = countFrom(memory, index, start) / total
  return Math.max(p, share * Math.exp(-fallOff(memory, index, start) * beyond))
}

/** The first bin that at most `TAIL_SHARE` of sessions reach. */
function tailStart(memory: Memory, index: number, total: number): number {
  let start = BINS - 1
  let beyond = memory.u32[index + start] as number
  while (start > 1 && beyond + (memory.u32[index + start - 1] as number) <= TAIL_SHARE * total) {
    start -= 1
    beyond += memory.u32[index + start] as number
  }
  return start
}

/** The rate a digit at which sessions get fewer from `start` on; at most ln 10. */
function fallOff(memory: Memory, index: number, start: number): number {
  let digits = PRIOR / Math.LN10
  let ended = PRIOR
  for (let bin = start; bin < BINS; bin += 1) {
    const count = memory.u32[index + bin] as number
    const isCensored = bin - start >= CENSORED
    ended += isCensored ? 0 : count
    digits += (count * (isCensored ? CENSORED : bin - start + 0.5)) / BINS_A_DIGIT
  }
  return Math.min(Math.LN10, ended / digits)
}

function countFrom(memory: Memory, index: number, first: number): number {
  let count = 0
  for (let bin = index + first; bin < index + BINS; bin += 1) {
    count += memory.u32[bin] as number
  }
  return count
}
