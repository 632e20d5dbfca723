/**
 * `node dist/bench/profiles/bytes-per-call.js`: how well bytes per call are judged, by z of bytes and of their logarithm,
 * by the own histogram alone, with peers by level, and with peers moved to the own median. First calls a hundred times
 * as large as usual are found at equally many (0.1 %) false alarms, and false alarms are counted at the threshold that
 * promises 0.1 %; then the promises are compared with what happens, for kinds of tails.
 */
import { pathToFileURL } from 'node:url'
import {
  addToLogHistogram,
  logHistogram,
  logHistogramCount,
  mergeLogHistogram,
} from '../../detectors/profile/log-histogram.ts'
import { logHistogramTail, peerShift, type Side } from '../../detectors/profile/log-histogram-tail.ts'
import { type Memory, memoryOf } from '../../detectors/profile/memory.ts'
import { seeded } from '../seeded.ts'
import { HEAVY_TAILS, type HeavyTail, sizesOf } from './heavy-tails.ts'

const TIME_MS = Date.parse('2026-01-01')
const PEERS = 200
const PEER_CALLS = 300

/** A histogram of no values. */
export function histogram(): Memory {
  return memoryOf(new ArrayBuffer(logHistogram.bytes))
}

/** The histogram of many agents of one kind, their medians moved together or their levels kept. */
export function peersOf(kind: HeavyTail, alignment: 'median' | 'level', random: () => number): Memory {
  const peers = histogram()
  for (let peer = 0; peer < PEERS; peer += 1) {
    const one = learned(sizesOf(kind, random), PEER_CALLS)
    mergeLogHistogram(peers, 0, one, 0, alignment === 'median' ? peerShift(one, 0) : 0, PEER_CALLS)
  }
  return peers
}

/** The histogram after so many calls. */
export function learned(sizes: () => number, calls: number): Memory {
  const own = histogram()
  for (let call = 0; call < calls; call += 1) {
    addToLogHistogram(own, 0, sizes(), TIME_MS)
  }
  return own
}

/** How often p is at most `nominal`, relative to `nominal`: 1 when the promise is kept. */
export function falseAlarms(
  kind: HeavyTail,
  calls: number,
  nominal: readonly number[],
  side: Side,
  agents: number,
  tests: number,
): number[] {
  const random = seeded(calls)
  const peers = peersOf(kind, 'median', random)
  const alarms = nominal.map(() => 0)
  for (let agent = 0; agent < agents; agent += 1) {
    const sizes = sizesOf(kind, random)
    const own = learned(sizes, calls)
    for (let test = 0; test < tests; test += 1) {
      const p = logHistogramTail(own, 0, peers, 0, sizes(), side)
      nominal.forEach((level, index) => {
        alarms[index] = (alarms[index] ?? 0) + (p <= level ? 1 : 0)
      })
    }
  }
  return alarms.map((count, index) => count / (agents * tests * (nominal[index] ?? 1)))
}

/** Larger is stranger: z, or -log10 of a probability. */
type Judge = (value: number) => number

/** The share found of calls a hundred times as large, and false alarms per thousand at the nominal threshold. */
function compare(calls: number, agents: number): Record<string, string> {
  const random = seeded(calls + 1)
  const aligned = peersOf('two modes', 'median', random)
  const level = peersOf('two modes', 'level', random)
  const scores = new Map<string, { usual: number[]; attack: number[]; threshold: number }>()
  for (let agent = 0; agent < agents; agent += 1) {
    const sizes = sizesOf('two modes', random)
    const values = Array.from({ length: calls }, sizes)
    const own = histogram()
    for (const value of values) {
      addToLogHistogram(own, 0, value, TIME_MS)
    }
    const p = (peers: Memory) => (value: number) => -Math.log10(logHistogramTail(own, 0, peers, 0, value, 'upper'))
    const judges: Record<string, [Judge, number]> = {
      'raw z': [zScore(values, (value) => value), 3.09],
      'log z': [zScore(values, Math.log), 3.09],
      own: [p(histogram()), 3],
      'peers by level': [(value) => -Math.log10(levelTail(own, level, value)), 3],
      'peers aligned': [p(aligned), 3],
    }
    const usual = Array.from({ length: 50 }, sizes)
    const attack = Array.from({ length: 10 }, () => 100 * sizes())
    for (const [name, [judge, threshold]] of Object.entries(judges)) {
      const kept = scores.get(name) ?? { usual: [], attack: [], threshold }
      scores.set(name, kept)
      kept.usual.push(...usual.map(judge))
      kept.attack.push(...attack.map(judge))
    }
  }
  const row: Record<string, string> = { calls: String(calls) }
  for (const [name, { usual, attack, threshold }] of scores) {
    const sorted = usual.toSorted((one, other) => other - one)
    const equal = sorted[Math.floor(sorted.length / 1000)] ?? 0
    const found = attack.filter((score) => score > equal).length / attack.length
    const alarms = usual.filter((score) => score >= threshold).length / usual.length
    row[name] = `${(100 * found).toFixed(0)} % / ${(1000 * alarms).toFixed(1)}`
  }
  return row
}

/** The same formula without moving the peers. */
function levelTail(own: Memory, peers: Memory, value: number): number {
  const count = logHistogramCount(own, 0)
  const none = histogram()
  const ownTail = logHistogramTail(own, 0, none, 0, value, 'upper') * (count + 1) - 1
  const prior = logHistogramTail(peers, 0, none, 0, value, 'upper')
  return (Math.max(0, ownTail) + 15 * prior) / (count + 15)
}

function zScore(values: readonly number[], scale: (value: number) => number): Judge {
  const scaled = values.map(scale)
  const mean = scaled.reduce((sum, value) => sum + value, 0) / scaled.length
  const variance = scaled.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (scaled.length - 1)
  return (value) => (scale(value) - mean) / Math.sqrt(variance)
}

function costNs(): { add: number; tail: number } {
  const random = seeded(9)
  const sizes = sizesOf('two modes', random)
  const values = Array.from({ length: 1024 }, sizes)
  const own = learned(sizes, 2000)
  const peers = peersOf('two modes', 'median', random)
  const rounds = 400_000
  const timed = (work: (value: number) => void) => {
    for (let warm = 0; warm < 2; warm += 1) {
      for (let round = 0; round < rounds / 4; round += 1) {
        work(values[round & 1023] ?? 0)
      }
    }
    const start = process.cpuUsage()
    for (let round = 0; round < rounds; round += 1) {
      work(values[round & 1023] ?? 0)
    }
    return Math.round((1000 * process.cpuUsage(start).user) / rounds)
  }
  let sum = 0
  const tail = timed((value) => {
    sum += logHistogramTail(own, 0, peers, 0, value, 'upper')
  })
  const add = timed((value) => addToLogHistogram(own, 0, value, TIME_MS))
  return { add, tail: sum > 0 ? tail : 0 }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  console.log('Calls 100 times as large: found at 0.1 % false alarms / false alarms per 1,000 calls at the nominal 1')
  console.table([10, 30, 100, 500, 2000].map((calls) => compare(calls, 1200)))
  console.log('False alarms relative to what is promised, peers aligned')
  const rows = HEAVY_TAILS.flatMap((kind) =>
    (['upper', 'lower'] as const).flatMap((side) =>
      [10, 30, 100, 300, 1000, 3000].map((calls) => {
        const [hundredth, thousandth, tenThousandth] = falseAlarms(kind, calls, [1e-2, 1e-3, 1e-4], side, 600, 500)
        const shown = (share: number | undefined) => share?.toFixed(2)
        return { kind, side, calls, '1e-2': shown(hundredth), '1e-3': shown(thousandth), '1e-4': shown(tenThousandth) }
      }),
    ),
  )
  console.table(rows)
  const { add, tail } = costNs()
  console.log(`${add} ns to add a value, ${tail} ns for a tail probability`)
}
