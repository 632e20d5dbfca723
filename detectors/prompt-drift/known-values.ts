/**
 * The values that one aspect of one agent version has had, and whether a new one would be news.
 *
 * By the rule of succession a value that was not among the last n observations is the next one with probability
 * 1/(n + 2): after `SETTLED` of them without a new value, a new value is worth telling. Agents that alternate between a
 * few values settle on them; where new values keep coming, the aspect never settles and nothing is told of it, but that
 * it moves.
 */

/** Observations without a new value, after which one is news. */
export const SETTLED = 30
/** The most values remembered of one aspect; the one not seen for longest makes room. */
const VALUES_LIMIT = 8
/** An aspect that has not settled in so many observations is said to move. */
const MOVING = 120
/** News of one aspect that are told in earnest within `TOLD_MS`; what changes more often is expected to change. */
const NEWS_LIMIT = 3
const TOLD_MS = 30 * 24 * 3_600_000
/** `lastMs` is brought up to date this often, so that most events change nothing. */
const TOUCH_MS = 3_600_000

export interface KnownValue {
  readonly value: string
  readonly shape?: string
  readonly firstMs: number
  lastMs: number
}

export interface KnownValues {
  values: KnownValue[]
  /** Observations since the last new value, up to `SETTLED`; negative is never. */
  settled: number
  /** Observations, up to `MOVING`. */
  seen: number
  /** When the latest new values were told, at most `NEWS_LIMIT`. */
  toldMs: readonly number[]
  isMoving: boolean
}

export function noValues(): KnownValues {
  return { values: [], settled: 0, seen: 0, toldMs: [], isMoving: false }
}

/** `changed`: news. `often`: news of what changes often. `moves`: it never settles, said once. */
export type News = 'changed' | 'often' | 'moves'

/** Whether an observation is news. Changes nothing. */
export function newsOf(known: KnownValues, value: string, shape: string | undefined, timeMs: number): News | undefined {
  if (find(known, value, shape) !== undefined) {
    return undefined
  }
  if (known.settled >= SETTLED) {
    return toldLately(known, timeMs) < NEWS_LIMIT ? 'changed' : 'often'
  }
  return known.seen >= MOVING && !known.isMoving && known.values.length >= VALUES_LIMIT ? 'moves' : undefined
}

/** How many new values were told in the thirty days before an event, at most `NEWS_LIMIT`. */
export function toldLately({ toldMs }: KnownValues, timeMs: number): number {
  return toldMs.filter((each) => timeMs - each < TOLD_MS).length
}

/** Takes an observation in, told or not. @returns whether anything worth writing has changed. */
export function observe(known: KnownValues, value: string, shape: string | undefined, timeMs: number): boolean {
  const news = newsOf(known, value, shape, timeMs)
  const found = find(known, value, shape)
  if (news === undefined && found !== undefined) {
    return touch(known, found, timeMs)
  }
  if (news === 'changed' || news === 'often') {
    known.toldMs = [...known.toldMs, timeMs].slice(-NEWS_LIMIT)
  }
  known.isMoving ||= news === 'moves'
  known.settled = 0
  known.seen = Math.min(known.seen + 1, MOVING)
  if (known.values.length >= VALUES_LIMIT) {
    const oldest = known.values.reduce((one, other) => (other.lastMs < one.lastMs ? other : one))
    known.values = known.values.filter((each) => each !== oldest)
  }
  known.values.push({ value, ...(shape === undefined ? {} : { shape }), firstMs: timeMs, lastMs: timeMs })
  return true
}

function touch(known: KnownValues, found: KnownValue, timeMs: number): boolean {
  const counts = known.settled < SETTLED || known.seen < MOVING
  known.settled = Math.min(known.settled + 1, SETTLED)
  known.seen = Math.min(known.seen + 1, MOVING)
  if (timeMs - found.lastMs < TOUCH_MS) {
    return counts
  }
  found.lastMs = timeMs
  return true
}

function find(known: KnownValues, value: string, shape: string | undefined): KnownValue | undefined {
  return known.values.find((each) => each.value === value || (shape !== undefined && each.shape === shape))
}

/** The value seen last before an event; `undefined` when there is none. */
export function latest(known: KnownValues): KnownValue | undefined {
  return known.values.reduce<KnownValue | undefined>(
    (one, other) => (one === undefined || other.lastMs > one.lastMs ? other : one),
    undefined,
  )
}
