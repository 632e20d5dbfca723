/**
 * `node dist/bench/profiles/online-fdr.js`: alerts of LORD++ at a false discovery rate of 0.1 in streams of 200,000
 * tests, of which a share are signals, averaged over several streams; and what merging alerts long past costs, against
 * keeping them all. The p of a signal is 10^-e with e normal of mean 5 and deviation 2; of the others p is uniform.
 */
import { memoryOf } from '../../detectors/profile/memory.ts'
import { gamma, isDiscovery, onlineFdrBlock } from '../../detectors/profile/online-fdr.ts'
import { seeded } from '../seeded.ts'
import { normal } from './synthetic-calls.ts'

const TESTS = 200_000
const STREAMS = 10
/** Alerts are rare where there are no signals: more streams are needed to see any. */
const STREAMS_WITHOUT = 100
const SHARES = [0, 1e-3, 1e-2]

interface Tally {
  readonly alerts: number
  readonly falseShare: number
  readonly power: number
}

/** One stream, judged test by test. */
function judge(share: number, seed: number, discovers: (p: number) => boolean): Tally {
  const next = seeded(seed)
  let signals = 0
  let found = 0
  let alerts = 0
  for (let test = 0; test < TESTS; test += 1) {
    const isSignal = next() < share
    const p = isSignal ? Math.min(1, 10 ** -(5 + 2 * normal(next))) : next()
    const isAlert = discovers(p)
    signals += isSignal ? 1 : 0
    alerts += isAlert ? 1 : 0
    found += isSignal && isAlert ? 1 : 0
  }
  return { alerts, falseShare: (alerts - found) / Math.max(1, alerts), power: found / Math.max(1, signals) }
}

function bounded(): (p: number) => boolean {
  const memory = memoryOf(new ArrayBuffer(onlineFdrBlock.bytes))
  return (p) => isDiscovery(memory, 0, p)
}

/** LORD++ as written, every alert kept. */
function unbounded(): (p: number) => boolean {
  const dates: number[] = []
  let test = 0
  return (p) => {
    test += 1
    if (p > 0.1) {
      return false
    }
    const earned = dates.reduce((sum, date, index) => sum + (index === 0 ? 0.05 : 0.1) * gamma(test - date), 0)
    const isAlert = p <= 0.05 * gamma(test) + earned
    if (isAlert) {
      dates.push(test)
    }
    return isAlert
  }
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length

console.log('signals     alerts    FDP  power   alerts, all dates kept    FDP  power')
for (const share of SHARES) {
  const columns = [bounded, unbounded].map((kind) => {
    const tallies = Array.from({ length: share === 0 ? STREAMS_WITHOUT : STREAMS }, (_, seed) =>
      judge(share, seed + 1, kind()),
    )
    const alerts = mean(tallies.map((tally) => tally.alerts)).toFixed(2)
    const falseShare = mean(tallies.map((tally) => tally.falseShare)).toFixed(3)
    return { alerts, falseShare, power: mean(tallies.map((tally) => tally.power)).toFixed(2) }
  })
  const [kept, all] = columns.map(({ alerts, falseShare, power }) => [alerts, falseShare, power])
  console.log(`${String(share).padEnd(8)}${kept?.join('  ').padStart(22)}${all?.join('  ').padStart(40)}`)
}
