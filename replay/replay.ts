/**
 * Replay: history through the engine, as fast as it goes. The same collectors' code and the same stages as live, so
 * the same history gives the same events and the same alerts.
 *
 * Replayed requests all arrive at one moment of stream time: what waits for relatives waits until the end of
 * the input (or until the assembler's bound), never less, so a replay knows at least what live knew.
 */
import type { BusRecord, Topic } from '../engine/bus/bus.ts'
import { type Chain, chain } from '../engine/chain.ts'
import { decode, eventRecord, fragmentRecord } from '../engine/records.ts'
import type { Stage } from '../engine/stage.ts'
import type { Alert, Notice } from '../schema/alert.ts'
import { Rejected } from '../schema/errors.ts'
import type { Finding } from '../schema/finding.ts'
import type { Fragment } from '../schema/fragment.ts'
import { isMark, type Mark } from '../schema/mark.ts'
import type { Telemetry } from '../schema/telemetry.ts'
import { type Recorded, readRecording } from './recording.ts'

export interface ReplayOptions {
  readonly files: readonly string[]
  readonly stages: readonly Stage[]
  readonly tenantId: string
  /** Body to fragments: decoder, dialects and sanitizing, as the door does it. Throws `Rejected`. */
  readonly fragmentsOf: (
    recorded: Extract<Recorded, { kind: 'otlp' }>,
    tenantId: string,
    observedMs: number,
  ) => {
    readonly fragments: readonly Fragment[]
    readonly received: number
    readonly refused: ReadonlyMap<string, number>
  }
  /** What is wrong with a value that claims to be an event, or `undefined`. */
  readonly validateEvent: (value: unknown) => string | undefined
  /** Every version of an event as it is assembled; a later one with the same id replaces the earlier. */
  readonly onEvent?: (event: Telemetry) => void
  readonly onFinding?: (finding: Finding) => void
  readonly onAlert?: (alert: Alert, type: Notice['type']) => void
  /** Input that could not be read, with its place, why, and what it is counted as. */
  readonly onRejected?: (place: string, why: string, reason: string) => void
  readonly onProgress?: (received: number) => void
}

export interface ReplayResult {
  /** Records (spans, log records, events) found in the input. */
  readonly received: number
  /** Their counted ends, by stage. */
  readonly outcomes: ReadonlyMap<string, ReadonlyMap<string, number>>
}

/** Counted when a part of a file cannot be read at all. */
export const DAMAGED = 'damaged-recording'

/** The one moment at which everything replayed arrives: any constant will do. */
const OBSERVED_MS = 0

export async function replay(options: ReplayOptions): Promise<ReplayResult> {
  const collected = new Map<string, number>()
  const count = (outcome: string, records: number) => collected.set(outcome, (collected.get(outcome) ?? 0) + records)
  const pipeline = chain({ stages: options.stages, onRecord: (topic, record) => observe(topic, record, options) })
  let received = 0
  for (const file of options.files) {
    for await (const recorded of readRecording(file)) {
      received += feed(recorded, pipeline, options, count)
      options.onProgress?.(received)
    }
  }
  pipeline.end()
  return { received, outcomes: new Map([['collect', collected], ...pipeline.outcomes]) }
}

/** Returns how many records the input held. */
function feed(
  recorded: Recorded,
  pipeline: Chain,
  options: ReplayOptions,
  count: (outcome: string, records: number) => void,
): number {
  if (recorded.kind === 'metrics') {
    count('ignored:metrics', 1)
    return 1
  }
  try {
    if (recorded.kind === 'damaged') {
      throw new Rejected(DAMAGED, recorded.reason)
    }
    if (recorded.kind === 'event') {
      pipeline.push('events', [eventRecord(eventOf(recorded.line, options))])
      return 1
    }
    const { fragments, received, refused } = options.fragmentsOf(recorded, options.tenantId, OBSERVED_MS)
    for (const [outcome, records] of refused) {
      count(outcome, records)
    }
    if (fragments.length > 0) {
      pipeline.push('fragments', fragments.map(fragmentRecord))
    }
    return received
  } catch (error) {
    if (!(error instanceof Rejected)) {
      throw error
    }
    count(`rejected:${error.reason}`, 1)
    options.onRejected?.(recorded.place, error.message, error.reason)
    return 1
  }
}

function eventOf(line: string, options: ReplayOptions): Telemetry {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch (error) {
    throw new Rejected('invalid-json', 'the line is not JSON', { cause: error })
  }
  const problem = options.validateEvent(value)
  if (problem !== undefined) {
    throw new Rejected('invalid-event', `the line is not a telemetry record: ${problem}`)
  }
  return value as Telemetry
}

function observe(topic: Topic, record: BusRecord, options: ReplayOptions): BusRecord {
  if (topic === 'events') {
    const event = decode<Telemetry>(record.value)
    const observed = event.observed_ms === OBSERVED_MS ? { ...event, observed_ms: event.time_ms } : event
    options.onEvent?.(observed)
    return observed === event ? record : eventRecord(observed)
  }
  if (topic === 'findings' && options.onFinding !== undefined) {
    const seen = decode<Finding | Mark>(record.value)
    if (!isMark(seen)) {
      options.onFinding(seen)
    }
  }
  if (topic === 'alerts' && options.onAlert !== undefined) {
    const notice = decode<Notice>(record.value)
    options.onAlert(notice.alert, notice.type)
  }
  return record
}
