/**
 * How regularly an agent is heard of: the longest pause and the longest run of bare requests of each of the last weeks. In
 * whole minutes, so that a busy agent changes its state once a minute and no more.
 */

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000
const WEEK_MS = 7 * DAY_MS

/** Enough to have seen each day of the week. */
const REGULAR_MS = 8 * DAY_MS
const REGULAR_MINUTES = 40
/** Weeks that are remembered: what an agent did longer ago says little of it. */
const WEEKS = 4

interface Week {
  /** Weeks since the epoch. */
  readonly number: number
  readonly longestPauseMs: number
  /** Minutes with requests in a row, without telemetry between. */
  readonly longestRun: number
}

/** Plain JSON. */
export interface Rhythm {
  /** Event time of the first telemetry; 0 before it. */
  sinceMs: number
  /** Minutes in which there was telemetry. */
  minutes: number
  /** Event time of the last telemetry, within a minute. */
  lastMs: number
  weeks: readonly Week[]
  /** Minutes with requests since then, and the last of them. */
  run: number
  runMs: number
  /** Event time at which a run was told last; 0 before it. */
  toldMs: number
}

export function newRhythm(): Rhythm {
  return { sinceMs: 0, minutes: 0, lastMs: 0, weeks: [], run: 0, runMs: 0, toldMs: 0 }
}

/** Whether it was observed often enough, over enough days, to say what is unusual. */
export function isRegular({ sinceMs, lastMs, minutes }: Rhythm): boolean {
  return minutes >= REGULAR_MINUTES && lastMs - sinceMs >= REGULAR_MS
}

export function longestPauseMs({ weeks }: Rhythm): number {
  return weeks.reduce((longest, week) => Math.max(longest, week.longestPauseMs), 0)
}

export function longestRun({ weeks }: Rhythm): number {
  return weeks.reduce((longest, week) => Math.max(longest, week.longestRun), 0)
}

/** Whether a request at this time makes the run a minute longer; late records do not. */
export function isNewMinute(rhythm: Rhythm, timeMs: number): boolean {
  return rhythm.lastMs > 0 && timeMs - Math.max(rhythm.runMs, rhythm.lastMs) >= MINUTE_MS
}

/** Takes in telemetry of the agent; false when it changes nothing. */
export function heard(rhythm: Rhythm, timeMs: number): boolean {
  const pauseMs = timeMs - rhythm.lastMs
  if (rhythm.lastMs > 0 && pauseMs < MINUTE_MS && (rhythm.run === 0 || pauseMs < 0)) {
    return false
  }
  if (rhythm.lastMs === 0) {
    rhythm.sinceMs = timeMs
  } else {
    rhythm.weeks = withWeek(rhythm, timeMs, pauseMs)
  }
  rhythm.minutes += 1
  rhythm.lastMs = timeMs
  endRun(rhythm)
  return true
}

/** Takes in a bare request; false when it changes nothing. */
export function requested(rhythm: Rhythm, timeMs: number): boolean {
  if (!isNewMinute(rhythm, timeMs)) {
    return false
  }
  rhythm.run += 1
  rhythm.runMs = timeMs
  return true
}

/** Whether a run was told so lately that another one is no news: a job that runs every night is told once a week. */
export function isToldLately({ toldMs }: Rhythm, timeMs: number): boolean {
  return toldMs > 0 && timeMs - toldMs < WEEK_MS
}

/** Begins anew: what comes after a long silence may be another rhythm. */
export function beginAnew(rhythm: Rhythm, timeMs: number): void {
  Object.assign(rhythm, newRhythm())
  heard(rhythm, timeMs)
}

function endRun(rhythm: Rhythm): void {
  rhythm.run = 0
  rhythm.runMs = 0
}

function withWeek({ weeks, run, toldMs, lastMs }: Rhythm, timeMs: number, pauseMs: number): readonly Week[] {
  const number = Math.floor(timeMs / WEEK_MS)
  const known = weeks.find((week) => week.number === number)
  const week = {
    number,
    longestPauseMs: Math.max(known?.longestPauseMs ?? 0, pauseMs),
    // What was told is not learned from.
    longestRun: Math.max(known?.longestRun ?? 0, toldMs > lastMs ? 0 : run),
  }
  return [...weeks.filter((each) => each !== known && number - each.number < WEEKS), week].slice(-WEEKS)
}
