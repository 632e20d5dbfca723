/** How often the rates of benign synthetic agents alarm, after so many windows learned. */
import { memoryOf } from '../../detectors/profile/memory.ts'
import { callsTail, countCall, rateBlock, WINDOW_MS } from '../../detectors/profile/rate.ts'
import { seeded } from '../seeded.ts'
import { type Calling, callsIn } from './synthetic-calls.ts'

const MONDAY_MS = 1_700_438_400_000
const WEEK_WINDOWS = 2016

/**
 * False alarms as multiples of each nominal p, among the windows that were judged at all. Agents begin at any hour of
 * the week; of the window after the last learned, several are drawn.
 */
export function falseAlarms(
  calling: Calling,
  windows: number,
  nominal: readonly number[],
  agents: number,
  draws: number,
): number[] {
  const next = seeded(windows)
  const alarms = nominal.map(() => 0)
  let judged = 0
  for (let agent = 0; agent < agents; agent += 1) {
    const startMs = MONDAY_MS + Math.floor(next() * WEEK_WINDOWS) * WINDOW_MS
    const memory = memoryOf(new ArrayBuffer(rateBlock.bytes))
    for (let window = 0; window <= windows; window += 1) {
      const timeMs = startMs + window * WINDOW_MS
      // The window after those learned closes them.
      for (let calls = window < windows ? callsIn(next, timeMs, calling) : 1; calls > 0; calls -= 1) {
        countCall(memory, 0, timeMs, true)
      }
    }
    const timeMs = startMs + windows * WINDOW_MS
    for (let draw = 0; draw < draws; draw += 1) {
      const tail = callsTail(memory, 0, timeMs, callsIn(next, timeMs, calling)) ?? Number.NaN
      judged += Number.isNaN(tail) ? 0 : 1
      for (const [index, p] of nominal.entries()) {
        alarms[index] = (alarms[index] ?? 0) + (tail <= p ? 1 : 0)
      }
    }
  }
  return nominal.map((p, index) => (alarms[index] ?? 0) / (judged * p))
}
