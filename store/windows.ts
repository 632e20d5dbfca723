/**
 * Spans to look through for the newest rows, newest first. A page is nearly always found in the first minutes; asking
 * for all time at once would read all of it.
 */
import type { TimeSpan } from './store.ts'

const FIRST_MS = 5 * 60 * 1000
const GROWTH = 6
/** Beyond this the rest is one span: there are few rows left to find, or the filter is narrow. */
const LARGEST_MS = 60 * 24 * 3_600_000

/**
 * Spans that together are exactly `span`, without overlap.
 *
 * @param nowMs where most rows end; later ones are in the first span.
 */
export function* windows(span: TimeSpan, nowMs: number): Generator<TimeSpan> {
  const floorMs = span.fromMs ?? 0
  let toMs = span.toMs
  let sizeMs = FIRST_MS
  let fromMs = Math.min(toMs ?? nowMs, nowMs) - sizeMs
  while (fromMs > floorMs && sizeMs <= LARGEST_MS) {
    yield toMs === undefined ? { fromMs } : { fromMs, toMs }
    toMs = fromMs
    sizeMs *= GROWTH
    fromMs -= sizeMs
  }
  yield { ...(span.fromMs === undefined ? {} : { fromMs: span.fromMs }), ...(toMs === undefined ? {} : { toMs }) }
}
