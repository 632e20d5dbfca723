/**
 * `node dist/bench/profiles/slow-ramp.js`: how soon a slow rise of daily volume is found, how often one is found where
 * there is none, and what an attacker who knows all of the state gains by staying just under the alarm for 60 days.
 */
import { pathToFileURL } from 'node:url'
import {
  ANCHORED_ALARM,
  addToAnchoredCusum,
  anchorDeviation,
  anchoredCusum,
  anchoredFall,
  anchoredRise,
  anchorMean,
} from '../../detectors/profile/anchored-cusum.ts'
import { type Memory, memoryOf } from '../../detectors/profile/memory.ts'
import { seeded } from '../seeded.ts'
import { normal } from './heavy-tails.ts'

export type Noise = 'normal' | 'thick tails'

const DEVIATION = 0.35
const USUAL = 10
const DAY_MS = 86_400_000
const START_MS = Date.parse('2026-01-01')
const ANCHOR_DAYS = 28

/** Daily values as logarithms; thick tails are those of Student's t with 4 degrees of freedom. */
function noiseOf(noise: Noise, random: () => number): () => number {
  if (noise === 'normal') {
    return () => DEVIATION * normal(random)
  }
  return () => {
    const squares = [0, 0, 0, 0].reduce((sum) => sum + normal(random) ** 2, 0)
    return (DEVIATION * normal(random)) / Math.sqrt(squares / 4) / Math.SQRT2
  }
}

function newState(): Memory {
  return memoryOf(new ArrayBuffer(anchoredCusum.bytes))
}

function addDay(memory: Memory, day: number, value: number): void {
  addToAnchoredCusum(memory, 0, value, START_MS + day * DAY_MS)
}

/** Agents that alarm by themselves in a year, relative to all, for rises, and for either direction. */
export function falseAlarmsPerYear(noise: Noise, agents: number): { rise: number; either: number } {
  const next = noiseOf(noise, seeded(1))
  const count = { rise: 0, either: 0 }
  for (let agent = 0; agent < agents; agent += 1) {
    const memory = newState()
    let [risen, fallen] = [false, false]
    for (let day = 0; day < 365; day += 1) {
      addDay(memory, day, USUAL + next())
      risen ||= anchoredRise(memory, 0) >= ANCHORED_ALARM
      fallen ||= anchoredFall(memory, 0) >= ANCHORED_ALARM
    }
    count.rise += risen ? 1 / agents : 0
    count.either += risen || fallen ? 1 / agents : 0
  }
  return count
}

/** Days until a rise of so much a day is found, ascending, one of each agent; the rise begins after 60 usual days. */
export function daysToDetection(noise: Noise, dailyGrowth: number, agents: number): number[] {
  const next = noiseOf(noise, seeded(2))
  const delays: number[] = []
  while (delays.length < agents) {
    const memory = newState()
    let day = 0
    for (; day < 60; day += 1) {
      addDay(memory, day, USUAL + next())
    }
    // Agents that alarm before anything happens are the business of the other measure.
    if (anchoredRise(memory, 0) >= ANCHORED_ALARM) {
      continue
    }
    let delay = 0
    while (anchoredRise(memory, 0) < ANCHORED_ALARM && delay < 365) {
      delay += 1
      addDay(memory, day + delay, USUAL + next() + delay * Math.log1p(dailyGrowth))
    }
    delays.push(delay)
  }
  return delays.sort((one, other) => one - other)
}

/**
 * Sixty days of an attacker who sees the state and sends each day as much as keeps the sum just below the alarm on the last
 * of them, beginning once so many days are in the anchor: the volume relative to the usual (mean of the 60 days), and by
 * how much the sustained volume grew that is found within 30 days.
 */
export function gainUnderThreshold(anchoredDays: number, agents: number): { volume: number; detection: number } {
  const next = noiseOf('normal', seeded(3))
  let volume = 0
  let detection = 0
  for (let agent = 0; agent < agents; agent += 1) {
    const [attacked, left] = [newState(), newState()]
    let day = 0
    for (; day < anchoredDays; day += 1) {
      const value = USUAL + next()
      addDay(attacked, day, value)
      addDay(left, day, value)
    }
    for (let step = 0; step < 60; step += 1, day += 1) {
      addDay(left, day, USUAL + next())
      const allowance = 0.5 + 1.6 / Math.sqrt(Math.min(ANCHOR_DAYS, day))
      const room = ANCHORED_ALARM - 0.01 - anchoredRise(attacked, 0)
      const value = anchorMean(attacked, 0) + anchorDeviation(attacked, 0) * (allowance + room / (60 - step))
      volume += Math.exp(value - USUAL) / (60 * agents)
      addDay(attacked, day, value)
    }
    detection += Math.exp(leastFound(attacked) - leastFound(left)) / agents
  }
  return { volume, detection }
}

/** The steady daily value that raises the sum from nothing to the alarm within 30 days. */
function leastFound(memory: Memory): number {
  const allowance = 0.5 + 1.6 / Math.sqrt(ANCHOR_DAYS)
  return anchorMean(memory, 0) + anchorDeviation(memory, 0) * (allowance + ANCHORED_ALARM / 30)
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  console.log('Days until a rise is found: median (90 %), and agents that alarm by themselves in a year')
  const rows = (['normal', 'thick tails'] as const).map((noise) => {
    const shown = [0.005, 0.01, 0.02, 0.05].map((growth) => {
      const delays = daysToDetection(noise, growth, 2000)
      return [`${100 * growth} % a day`, `${delays[1000]} (${delays[1800]})`] as const
    })
    const { rise, either } = falseAlarmsPerYear(noise, 4000)
    return { noise, ...Object.fromEntries(shown), 'false rises': rise.toFixed(3), either: either.toFixed(3) }
  })
  console.table(rows)
  console.log('60 days just under the alarm: volume relative to the usual, and growth of what is found in 30 days')
  console.table(
    [14, 28].map((anchoredDays) => {
      const { volume, detection } = gainUnderThreshold(anchoredDays, 2000)
      return { 'days in the anchor before': anchoredDays, volume: volume.toFixed(2), detection: detection.toFixed(2) }
    }),
  )
}
