/** Event time as statistics keep it: whole seconds, in 32 bits. */
const LAST_SECOND = 0xffff_ffff

/** The second of a time since the epoch; 0 for what is no time, or before the first second, and the last one for what is later. */
export function secondOf(timeMs: number): number {
  return timeMs >= 1000 ? Math.min(LAST_SECOND, Math.floor(timeMs / 1000)) : 0
}
