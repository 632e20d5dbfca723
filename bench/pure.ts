/** What each pure step costs on one core: decode, normalize, assemble, judge. No disk, no network. */
import { decodeOtlp } from '../collectors/otlp/decode.ts'
import type { BusRecord } from '../engine/bus/bus.ts'
import { chain } from '../engine/chain.ts'
import { fragmentRecord } from '../engine/records.ts'
import type { PolicySet } from '../rules/policy.ts'
import { pureStages } from '../wire.ts'
import { openIntake } from '../wire-intake.ts'
import { SPANS_PER_REQUEST } from './load.ts'

export interface Rate {
  readonly step: string
  readonly spansPerSecond: number
}

/** Runs every step over the same requests, several times, and keeps the median. */
export function measurePure(requests: readonly Uint8Array[], policies: PolicySet, rounds = 5): readonly Rate[] {
  const spans = requests.length * SPANS_PER_REQUEST
  const intake = openIntake({ publish: async () => undefined, count: () => undefined, retention: 'masked' })
  const decoded = requests.map((body) => decodeOtlp(body, { signal: 'traces', encoding: 'protobuf' }))
  const fragments = decoded.map(({ records }) => intake.fragments(records, 'default', 0))
  const fragmentRecords = fragments.map((batch) => batch.map(fragmentRecord))
  const [assemble, detect, correlate] = pureStages({ policies, assemble: { clamp: false } })
  const events: BusRecord[][] = []
  const keep = chain({
    stages: [assemble],
    onRecord: (topic, record) => {
      if (topic === 'events') {
        events.at(-1)?.push(record)
      }
      return record
    },
  })
  for (const batch of fragmentRecords) {
    events.push([])
    keep.push('fragments', batch)
  }
  const steps: readonly (readonly [string, () => void])[] = [
    ['decode', () => void requests.map((body) => decodeOtlp(body, { signal: 'traces', encoding: 'protobuf' }))],
    ['normalize (dialect, mask)', () => void decoded.map(({ records }) => intake.fragments(records, 'default', 0))],
    ['encode for the bus', () => void fragments.map((batch) => batch.map(fragmentRecord))],
    [
      'assemble',
      () => {
        const pipeline = chain({ stages: [assemble] })
        for (const batch of fragmentRecords) {
          pipeline.push('fragments', batch)
        }
      },
    ],
    [
      'judge (detect, correlate)',
      () => {
        const pipeline = chain({ stages: [detect, correlate] })
        for (const batch of events) {
          pipeline.push('events', batch)
        }
      },
    ],
    [
      'all of it',
      () => {
        const pipeline = chain({ stages: [assemble, detect, correlate] })
        for (const body of requests) {
          const { records } = decodeOtlp(body, { signal: 'traces', encoding: 'protobuf' })
          pipeline.push('fragments', intake.fragments(records, 'default', 0).map(fragmentRecord))
        }
      },
    ],
  ]
  return steps.map(([step, run]) => ({ step, spansPerSecond: spans / median(rounds, run) }))
}

/** Seconds of processor time, which says the same on a busy machine; the first rounds only warm up. */
function median(rounds: number, run: () => void): number {
  run()
  run()
  const times = Array.from({ length: rounds }, () => {
    const start = process.cpuUsage()
    run()
    const { user, system } = process.cpuUsage(start)
    return (user + system) / 1e6
  }).sort((a, b) => a - b)
  return times[Math.floor(rounds / 2)] as number
}
