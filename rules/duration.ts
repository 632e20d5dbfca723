/** Durations as policies write them. */

const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Milliseconds of a `Duration` (`schema/policy/words.ts`), which the schema has checked: `30s`, `10m`, `1h`, `7d`. */
export function durationMs(written: string): number {
  return Number(written.slice(0, -1)) * (UNIT_MS[written.slice(-1)] ?? 0)
}

/** A span of time in words: the largest unit that leaves nothing important out. `90000` gives `90 s`, `7200000` `2 h`. */
export function describeDuration(ms: number): string {
  const units = [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['min', 60_000],
  ] as const
  const [unit, size] = units.find(([, size]) => ms >= 2 * size || (ms >= size && ms % size === 0)) ?? ['s', 1000]
  return `${Math.round((ms / size) * 10) / 10} ${unit}`
}

/** A duration of at least that long, as policies write it: for the change that a finding proposes. */
export function writeDuration(ms: number): string {
  const [unit, size] = (
    [
      ['s', 1000],
      ['m', 60_000],
      ['h', 3_600_000],
    ] as const
  ).find(([, each]) => ms <= 120 * each) ?? ['d', 86_400_000]
  return `${Math.ceil(ms / size)}${unit}`
}
