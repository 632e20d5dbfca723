/**
 * From the tail probabilities of a session to one of it. Tests are grouped in families that look at different things
 * (novelty, sequence, volume, errors, rate...). Within a family tests are dependent: the least p counts, times how
 * many there were (Bonferroni). Across families Fisher's X = -2 sum ln p is chi-squared with two degrees of freedom a
 * family (Fisher 1925, Statistical Methods for Research Workers, 21.1). Where families are correlated after all,
 * `fisher-correction.ts` mends what comes out.
 *
 * One block a session. A family that was never tested (its statistics abstained) is not among the degrees of freedom.
 *
 * Misses: one weak sign in many tests of its family (Bonferroni), and one sign among many families that are as
 * usual: Fisher wants agreement. A strong single sign alerts by rules of its own.
 */
import type { Block, Memory } from './memory.ts'

/** Families that a session has room for. */
export const FAMILIES = 8
/** No baseline of thousands of points can tell how rare anything rarer is: 10^-6. */
export const MOST_EVIDENCE = 6
/** What f32 can hold, far below what counts. */
const LEAST_TAIL = 1e-30
const MOST_TESTS = 2 ** 32 - 1

/** A family's f32 least p and u32 tests, for each of `FAMILIES`. */
export const evidenceBlock: Block = { name: 'evidence', version: 1, bytes: 8 * FAMILIES }

/** Takes a p-value of a test of a family, 0 <= family < FAMILIES. What is not in [0, 1] is no test. */
export function addTail(memory: Memory, at: number, family: number, p: number): void {
  if (!(p >= 0 && p <= 1)) {
    return
  }
  const index = (at >> 2) + 2 * family
  const tests = memory.u32[index + 1] as number
  const least = tests === 0 ? 1 : (memory.f32[index] as number)
  memory.f32[index] = Math.min(least, Math.max(p, LEAST_TAIL))
  memory.u32[index + 1] = Math.min(tests + 1, MOST_TESTS)
}

/** What a family says, in decimal digits: -log10 of its Bonferroni p, 0 to `MOST_EVIDENCE`. */
export function familyEvidence(memory: Memory, at: number, family: number): number {
  const index = (at >> 2) + 2 * family
  const tests = memory.u32[index + 1] as number
  return tests === 0 ? 0 : evidenceOf((memory.f32[index] as number) * tests)
}

/** How many families were tested at all. */
export function testedFamilies(memory: Memory, at: number): number {
  let tested = 0
  for (let index = (at >> 2) + 1; index < (at >> 2) + 2 * FAMILIES; index += 2) {
    tested += memory.u32[index] === 0 ? 0 : 1
  }
  return tested
}

/** The tail probability of the session if its families are independent; 1 if nothing was tested. */
export function sessionTail(memory: Memory, at: number): number {
  let sum = 0
  for (let family = 0; family < FAMILIES; family += 1) {
    sum += familyEvidence(memory, at, family)
  }
  return chiSquaredTail(2 * Math.LN10 * sum, testedFamilies(memory, at))
}

/** A p-value in decimal digits, 0 to `MOST_EVIDENCE`; p = 0 is the most there is. */
export function evidenceOf(p: number): number {
  return p > 0 ? Math.min(MOST_EVIDENCE, Math.max(0, -Math.log10(p))) : MOST_EVIDENCE
}

/** P(chi-squared of 2 `pairs` degrees >= x) = exp(-x/2) sum_(k < pairs) (x/2)^k / k!: exact, for x >= 0. */
export function chiSquaredTail(x: number, pairs: number): number {
  let term = Math.exp(-x / 2)
  let tail = pairs === 0 ? 1 : 0
  for (let k = 0; k < pairs; k += 1) {
    tail += term
    term *= x / 2 / (k + 1)
  }
  return Math.min(1, tail)
}
