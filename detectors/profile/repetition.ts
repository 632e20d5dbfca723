/**
 * Repetition: how probable it is that a call comes again and again, or that two take turns, from how often they did.
 *
 * A call goes on with probability rho, known only as Beta(1 + self, 1 + other) from its transitions: r times in a row with
 * E[rho^r] = B(1 + self + r, 1 + other) / B(1 + self, 1 + other), which has the doubt about rho in it. Two calls that take
 * turns go on with the two probabilities of their transitions. Runs differ more between sessions than one rho allows, so
 * self and other together count for five trials at most, whatever was learned.
 *
 * Measured (`bench/profiles/sequences.ts`, tau-bench airline, 30 sessions learned, sessions of other tasks judged): a call
 * repeated eight times has an AUC of 0.95 (order-1 surprise 0.65). Of unchanged sessions of at least four calls 23 % have
 * some p below 0.1, 4.8 % below 0.01, 1.2 % below 0.001. The five was chosen on these sessions.
 *
 * Misses: runs of some three calls, which five trials never make improbable; an agent that always loops; one that loops in
 * a few sessions of many without harm has p too small in those.
 */
import { logBeta } from './log-gamma.ts'
import type { Memory } from './memory.ts'
import { timesFollowed, timesLeft } from './transitions.ts'

/** With all that was learned, 11.2 % of the sessions had a p below 0.01, and 4.2 % below 0.001. */
const MOST_TRIALS = 5

/** P(it goes on `times` times), when it did `self` times and went to something else `other` times. All at least 0. */
export function goingOn(times: number, self: number, other: number): number {
  const weight = Math.min(1, MOST_TRIALS / Math.max(1, self + other))
  const [a, b] = [1 + weight * self, 1 + weight * other]
  return Math.exp(logBeta(a + times, b) - logBeta(a, b))
}

/**
 * The tail probability of a call repeated so often (`repetitions` of a window). `offset` is that of transitions; `learned`
 * how many of these repetitions they have learned already, which must not speak for themselves.
 */
export function repeatTail(memory: Memory, offset: number, call: number, repeated: number, learned: number): number {
  const self = timesFollowed(memory, offset, call, call)
  const other = Math.max(0, timesLeft(memory, offset, call) - self)
  return goingOn(repeated, Math.max(0, self - learned), other)
}

/**
 * The tail probability of two calls taking so many turns (`turns` of a window), the last of them to `to` after `from`.
 * `learned`: how many of these turns the transitions have learned already.
 */
export function turnTail(
  memory: Memory,
  offset: number,
  from: number,
  to: number,
  taken: number,
  learned: number,
): number {
  // The last turn was to `to`, the one before it to `from`.
  return (
    turnsOf(memory, offset, from, to, Math.ceil(taken / 2), Math.ceil(learned / 2)) *
    turnsOf(memory, offset, to, from, Math.floor(taken / 2), Math.floor(learned / 2))
  )
}

function turnsOf(memory: Memory, offset: number, from: number, to: number, taken: number, learned: number): number {
  const went = timesFollowed(memory, offset, from, to)
  const other = Math.max(0, timesLeft(memory, offset, from) - went)
  return goingOn(taken, Math.max(0, went - learned), other)
}
