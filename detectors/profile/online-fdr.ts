/**
 * How small a p-value must be to alert, one test after another, so that of all alerts at most a share `FDR` is false:
 * LORD++ (Ramdas, Yang, Wainwright and Jordan 2017, "Online control of the false discovery rate with decaying memory",
 * eq. 8; gamma sequence of Javanmard and Montanari 2018, Annals of Statistics 46, eq. 31):
 *
 *     level_t = w0 gamma_t + (FDR - w0) gamma_(t - tau_1) + FDR sum_(j >= 2) gamma_(t - tau_j)
 *
 * where tau_j is the test that raised the j-th alert: each alert earns the right to more. One block a tenant.
 *
 * State is bounded: of alerts long past neighbours are merged and dated by the older. As gamma falls, levels are only
 * lower for that, and lower levels keep the guarantee (the estimate of false discoveries stays below FDR).
 *
 * Misses: the rate holds on average and for valid, independent p-values; conservative ones cost power, too small ones
 * break it (`calibration.ts` watches that). Without signals levels sink, so the first attack after a long
 * quiet must be plain: 7e-9 at the 200,000th test. How many alerts a day people can read is another limit.
 *
 * Measured (`bench/profiles/online-fdr.ts`; streams of 200,000 tests, signals of 10^-5 give or take two digits): without
 * signals 5 alerts in 100 streams; of one signal in 1000, 103 alerts, 4.8 % false, half of the signals found; of one in
 * 100, 1596, 4.4 %, 76 %. With all dates kept: the same, but for 8 more of the 1596.
 */
import type { Block, Memory } from './memory.ts'

/** The share of false alerts allowed. */
const FDR = 0.1
/** What may be spent before the first alert. */
const FIRST_WEALTH = FDR / 2
/** Makes the sequence sum to one at most: 0.47 of it is spent in the first 200,000 tests. */
const GAMMA_SCALE = 0.07720838
const DATES = 32
const MOST_TESTS = 2 ** 32 - 1

const TESTS = 0
const ALERTS = 1
const HELD = 2
const FIRST = 3

/** u32 tests, u32 alerts, u32 dates held, then `DATES` of {u32 test, f32 what it earns}, oldest first. */
export const onlineFdrBlock: Block = { name: 'online-fdr', version: 1, bytes: 4 * (FIRST + 2 * DATES) }

/** Whether a p-value is an alert. The test counts whatever comes of it; a p that is no number is no alert. */
export function isDiscovery(memory: Memory, at: number, p: number): boolean {
  const index = at >> 2
  const test = Math.min((memory.u32[index + TESTS] as number) + 1, MOST_TESTS)
  memory.u32[index + TESTS] = test
  // No level is above FDR: most tests need no more than this.
  if (!(p <= FDR) || p > levelAt(memory, index, test)) {
    return false
  }
  remember(memory, index, test)
  return true
}

/** The level that the next test will have to meet. */
export function nextLevel(memory: Memory, at: number): number {
  return levelAt(memory, at >> 2, Math.min((memory.u32[at >> 2] as number) + 1, MOST_TESTS))
}

/** gamma_j: how what may be spent is spread over the tests to come, j = 1, 2, ... */
export function gamma(j: number): number {
  return (GAMMA_SCALE * Math.log(Math.max(j, 2))) / (j * Math.exp(Math.sqrt(Math.log(j))))
}

function levelAt(memory: Memory, index: number, test: number): number {
  let level = FIRST_WEALTH * gamma(test)
  const end = index + FIRST + 2 * (memory.u32[index + HELD] as number)
  for (let date = index + FIRST; date < end; date += 2) {
    level += (memory.f32[date + 1] as number) * gamma(Math.max(1, test - (memory.u32[date] as number)))
  }
  return level
}

function remember(memory: Memory, index: number, test: number): void {
  if (memory.u32[index + HELD] === DATES) {
    mergeClosest(memory, index, test)
  }
  const held = memory.u32[index + HELD] as number
  const alerts = memory.u32[index + ALERTS] as number
  memory.u32[index + FIRST + 2 * held] = test
  memory.f32[index + FIRST + 2 * held + 1] = alerts === 0 ? FDR - FIRST_WEALTH : FDR
  memory.u32[index + HELD] = held + 1
  memory.u32[index + ALERTS] = Math.min(alerts + 1, MOST_TESTS)
}

/** Merges the two neighbours whose ages differ least in proportion: what they earn differs least. */
function mergeClosest(memory: Memory, index: number, test: number): void {
  const { u32, f32 } = memory
  const end = index + FIRST + 2 * DATES
  let closest = index + FIRST
  let most = -1
  for (let date = closest; date < end - 2; date += 2) {
    const closeness = (test - (u32[date + 2] as number)) / Math.max(1, test - (u32[date] as number))
    if (closeness > most) {
      most = closeness
      closest = date
    }
  }
  f32[closest + 1] = (f32[closest + 1] as number) + (f32[closest + 3] as number)
  u32.copyWithin(closest + 2, closest + 4, end)
  u32[index + HELD] = DATES - 1
}
