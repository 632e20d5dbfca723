/**
 * How unusual a size is for an agent: tail probabilities over its histogram, with those of its peers as the prior, moved
 * to the agent's own median. So ten values are enough to judge by, and the more there are the less the peers matter.
 *
 *   p = (own + w peers) / (n + w),   w = 15, but at least 1 / peers where own / n < peers
 *
 * `own` counts the values in bins as far out as the value's; `peers` is the share of theirs as far from their median as
 * the value is from the agent's, with the doubt about a median of n values. It is the prior of a Dirichlet process
 * (Ferguson 1973, Annals of Statistics 1) that weighs 15 values; but where the agent has less than its peers, as many as
 * promise one: that a hundred calls were small says nothing of one in a thousand, and with a fixed weight the quiet start
 * of an agent would count as proof that it never sends more (3.2 to 3.8 times the false alarms promised at n = 100 and
 * p = 0.001, 4 to 9 times at 0.0001 from n = 100 to 300). What lies beyond all own values is judged by a generalized
 * Pareto tail over the outermost thirty, if those are no more than a tenth (peaks over threshold as in Siffer et al. 2017,
 * KDD, but on logarithms, where a power law is exponential).
 *
 * Measured (bench/profiles/bytes-per-call.ts; calls 100 times as large, found at 0.1 % false alarms, and false alarms per
 * 1,000 at the nominal 1):
 *
 *   n      z of bytes    z of logarithms   own histogram   peers by level   this
 *   10     69 % / 62     35 % / 22         0 % / 0         25 % / 1.2       93 % / 0.7
 *   30     82 % / 39     60 % / 13         0 % / 0         41 % / 0.7       95 % / 0.7
 *   100    94 % / 31     82 % / 9.3        0 % / 0         64 % / 0.6       96 % / 0.5
 *   500    96 % / 28     89 % / 7.3        95 % / 0.1      85 % / 0.4       96 % / 0.1
 *   2000   97 % / 27     92 % / 7.7        97 % / 0.3      97 % / 0.2       97 % / 0.4
 *
 * False alarms of sizes too large are 0.57 to 1.24 times those promised at p = 0.01 and 0.43 to 1.45 times at 0.001, from
 * n = 10 to 3,000, for log-normal, two-moded and Pareto sizes; at 0.0001 at most 1.5 times.
 *
 * Misses: what hides in the agent's own habit (an agent that often sends a megabyte may always send one); many small
 * values instead of a large one (sums of a window are another histogram, slow ramps are `anchored-cusum.ts`); sizes too
 * small where the usual ones have a hard lower bound, as anything just below it shares their bin (false alarms there are
 * near none). Peers of another form than the agent's cost false alarms until it has some hundred values.
 */
import { generalizedParetoTail } from './generalized-pareto.ts'
import { LOG_BINS, logHistogramCount, logPosition, quantilePosition } from './log-histogram.ts'
import type { Memory } from './memory.ts'

/** Which tail: as large as the value or larger, or as small or smaller. */
export type Side = 'upper' | 'lower'

/** As many own values the peers weigh as much as, where values are common. */
const PEER_WEIGHT = 15
/** Hosking and Wallis need no fewer for a stable shape. */
const LEAST_EXCESSES = 30
/** What is more than a tenth of the values is not their tail. */
const MOST_EXCESSES = 0.1

/** The standard error of a median of n values is this over sqrt(n), in bins, where sizes vary e-fold (1.25 times 2.9). */
const MEDIAN_DOUBT = 3.6

/** Where histograms of peers are centred, a position: the middle bin. */
const PEER_MEDIAN = LOG_BINS / 2

/**
 * By how many bins to move an agent's histogram when it is merged into that of its peers, so that all medians meet: what
 * they share is the form, not the level. For `mergeLogHistogram`.
 */
export function peerShift(memory: Memory, at: number): number {
  return Math.round(PEER_MEDIAN - quantilePosition(memory, at, 0.5))
}

/**
 * The probability of a value as extreme as this one, to be asked before the value is added; above 0, at most 1. Both
 * histograms are as decayed as they are to be. `peers` has been merged with `peerShift` and may be empty: then the
 * probability is (own + 1) / (n + 1), as valid as the values are exchangeable (Vovk et al. 2005, conformal prediction),
 * and deeper only by the fitted tail. An agent without any values gets 1: judge it by the levels of its peers, that is,
 * with a histogram of theirs that was merged unmoved in the place of its own.
 */
export function logHistogramTail(
  own: Memory,
  ownAt: number,
  peers: Memory,
  peersAt: number,
  value: number,
  side: Side,
): number {
  const count = logHistogramCount(own, ownAt)
  if (count === 0 || Number.isNaN(value)) {
    return 1
  }
  const position = logPosition(value)
  const bin = Math.min(LOG_BINS - 1, Math.floor(position))
  // Whole bins: what has the same size every time must not look rare for where in its bin it lies.
  const edge = side === 'upper' ? bin : bin + 1
  const seen = countBeyond(own, ownAt, edge, side)
  const beyond = seen > 0 ? seen : Math.min(1, count * fittedTail(own, ownAt, position, side, count))
  const peerCount = logHistogramCount(peers, peersAt)
  if (peerCount === 0) {
    return seen === 0 && beyond > 0 ? Math.min(beyond / count, 1 / (count + 1)) : (beyond + 1) / (count + 1)
  }
  const apart = quantilePosition(own, ownAt, 0.5) - quantilePosition(peers, peersAt, 0.5)
  const doubt = MEDIAN_DOUBT / Math.sqrt(count)
  const nearer = countBeyond(peers, peersAt, position - apart - doubt, side)
  const farther = countBeyond(peers, peersAt, position - apart + doubt, side)
  const prior = ((nearer + farther) / 2 + 1) / (peerCount + 1)
  // A mean of the own share and the prior: the more weight, the closer to the prior.
  const weight = beyond < prior * count ? Math.max(PEER_WEIGHT, 1 / prior) : PEER_WEIGHT
  return (beyond + weight * prior) / (count + weight)
}

/** How many values lie beyond a position, spread evenly over the bin that it cuts. */
function countBeyond(memory: Memory, at: number, position: number, side: Side): number {
  const edge = Math.min(LOG_BINS, Math.max(0, position))
  const cut = Math.floor(edge)
  const first = at / 2
  const { u16 } = memory
  const upper = side === 'upper'
  const end = first + (upper ? LOG_BINS : cut)
  let count = 0
  for (let index = first + (upper ? cut + 1 : 0); index < end; index += 1) {
    count += u16[index] ?? 0
  }
  const share = upper ? 1 - (edge - cut) : edge - cut
  return cut < LOG_BINS ? count + share * (u16[first + cut] ?? 0) : count
}

/**
 * The tail at a position by the outermost bins that together hold thirty values or more; 0 when they are too many to be
 * a tail. Values lie evenly within a bin, so survival is a chain of straight lines and its integrals are sums.
 */
function fittedTail(memory: Memory, at: number, position: number, side: Side, count: number): number {
  // Steps from the last bin of the side inwards, for either side.
  const outermost = at / 2 + (side === 'upper' ? LOG_BINS - 1 : 0)
  const inwards = side === 'upper' ? -1 : 1
  let excesses = 0
  let depth = 0
  while (excesses < LEAST_EXCESSES && depth < LOG_BINS) {
    excesses += memory.u16[outermost + depth * inwards] ?? 0
    depth += 1
  }
  if (excesses < LEAST_EXCESSES || excesses > MOST_EXCESSES * count) {
    return 0
  }
  let survival = 1
  let a0 = 0
  let a1 = 0
  for (let step = depth - 1; step >= 0; step -= 1) {
    const next = survival - (memory.u16[outermost + step * inwards] ?? 0) / excesses
    a0 += (survival + next) / 2
    a1 += (survival * survival + survival * next + next * next) / 6
    survival = next
  }
  const threshold = side === 'upper' ? LOG_BINS - depth : depth
  return (excesses / count) * generalizedParetoTail(Math.abs(position - threshold), a0, a1)
}
