/** What each pure step costs on one core: decode, normalize, assemble, judge. No disk, no network. */
import { decodeOtlp } from '../collectors/otlp/decode.ts'
import { decodeApartWithLibrary } from '../collectors/otlp/oracle.ts'
import type { OtlpRecord } from '../collectors/otlp/records.ts'
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

type Step = readonly [name: string, run: () => void]

/**
 * Runs the steps over the same requests in turn, several times, so that a slow phase of the machine meets all alike,
 * and keeps the median of each.
 */
export function measurePure(requests: readonly Uint8Array[], policies: PolicySet, rounds = 7): readonly Rate[] {
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
  const decode = (body: Uint8Array) => decodeOtlp(body, { signal: 'traces', encoding: 'protobuf' }).records
  const everything = (decodeBody: (body: Uint8Array) => readonly OtlpRecord[]) => () => {
    const pipeline = chain({ stages: [assemble, detect, correlate] })
    for (const body of requests) {
      pipeline.push('fragments', intake.fragments(decodeBody(body), 'default', 0).map(fragmentRecord))
    }
  }
  const steps: readonly Step[] = [
    ['decode', () => void requests.map(decode)],
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
    ['all of it', everything(decode)],
    // What the reader of our own has to be better than (docs/decisions/0003-otlp-decoder.md).
    ['all of it, by a library', everything(decodeApartWithLibrary)],
  ]
  return medians(rounds, steps).map(([step, seconds]) => ({ step, spansPerSecond: spans / seconds }))
}

/** Seconds of processor time, which says the same on a busy machine; the first rounds only warm up. */
function medians(rounds: number, steps: readonly Step[]): readonly (readonly [name: string, seconds: number])[] {
  const times = steps.map((): number[] => [])
  for (let round = -2; round < rounds; round++) {
    for (const [index, [, run]] of steps.entries()) {
      const start = process.cpuUsage()
      run()
      const { user, system } = process.cpuUsage(start)
      if (round >= 0) {
        times[index]?.push((user + system) / 1e6)
      }
    }
  }
  return steps.map(([step], index) => {
    const sorted = (times[index] ?? []).sort((a, b) => a - b)
    return [step, sorted[sorted.length >> 1] as number]
  })
}
