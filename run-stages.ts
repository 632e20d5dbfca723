/** The stages, the writer and the deliveries of one process, as far as it has their roles, from the start to the signal. */
import type { Logger } from 'pino'
import type { Sink } from './alerts/sinks/sink.ts'
import type { Config } from './config.ts'
import type { Backlog } from './engine/backlog.ts'
import type { Bus, Topic } from './engine/bus/bus.ts'
import { runDelivery, type SinkState } from './engine/deliver.ts'
import { runStage } from './engine/loop.ts'
import type { Metrics } from './engine/metrics.ts'
import type { OutcomeLedger } from './engine/outcomes.ts'
import type { OwnedPartition } from './engine/owned-partitions.ts'
import type { Spool } from './engine/spool.ts'
import type { OutcomeCounts, Stage, StageResult } from './engine/stage.ts'
import type { Trouble } from './engine/trouble.ts'
import { runWriter, WRITE_GROUP } from './engine/write.ts'
import { isBusEmbedded, isRole, type Roles } from './roles.ts'
import type { LivePolicies } from './rules/watch.ts'
import type { Notice } from './schema/alert.ts'
import type { Finding } from './schema/finding.ts'
import { isMark, type Mark } from './schema/mark.ts'
import type { Store } from './store/store.ts'
import { pureStages } from './wire.ts'

/** What `run.ts` has opened for the roles of this process, and what the parts tell of themselves. */
export interface Parts {
  readonly config: Config
  readonly log: Logger
  readonly roles: Roles
  /** Absent where no role works on it; `store` and `spool` likewise. */
  readonly bus: Bus | undefined
  readonly store: Store | undefined
  readonly spool: Spool | undefined
  /** Absent where nothing here is about records that wait to be judged. */
  readonly backlog: Backlog | undefined
  /** Whether this process has the whole log, so that it counts every end of what it counts as received. */
  readonly isWhole: boolean
  readonly ledger: OutcomeLedger
  readonly metrics: Metrics
  readonly policies: LivePolicies
  /** None without the role `deliver`. */
  readonly sinks: readonly Sink[]
  readonly signal: AbortSignal
  /** By the partition that each is for, as long as that is owned. */
  readonly assemblers: Map<number, { held(): number }>
  readonly owned: () => readonly OwnedPartition[]
  /** Why something does not work, by what it is; empty when all is well. */
  readonly troubles: Map<string, string>
  /** Of the bus, as stages, writer and deliveries meet it. */
  readonly busTrouble: Trouble
  /** Of each sink, by the partitions of alerts that are delivered here. */
  readonly pending: Map<string, Map<number, SinkState>>
}

/** Runs the stages of the roles until the signal; rejects with the first failure, after which the others stop, too. */
export async function runStages(parts: Parts): Promise<void> {
  const failed = new AbortController()
  const signal = AbortSignal.any([parts.signal, failed.signal])
  const running = parts.bus === undefined ? [] : startStages(parts, parts.bus, signal)
  const stopAll = (error: unknown) => {
    failed.abort()
    throw error
  }
  const results = await Promise.allSettled(running.map((each) => each.catch(stopAll)))
  for (const result of results) {
    if (result.status === 'rejected') {
      parts.troubles.set('engine', 'a stage stopped; the log says why')
      throw result.reason
    }
  }
}

function startStages(parts: Parts, bus: Bus, signal: AbortSignal): readonly Promise<void>[] {
  const { roles, sinks, store } = parts
  return [
    ...openStages(parts).map((stage) => runOne(stage, bus, parts, signal)),
    ...(store !== undefined && roles.has('write') ? [runWrites(bus, store, parts, signal)] : []),
    ...sinks.map((sink) => runSink(sink, bus, parts, signal)),
  ]
}

/** Stages are named as their roles. */
function openStages(parts: Parts): readonly Stage[] {
  const { policies, config, assemblers, isWhole, ledger, metrics, roles, troubles, log } = parts
  const stages = pureStages({
    policies,
    assemble: { holdMs: config.assemble.hold_ms, maxHeld: config.assemble.max_held },
    isPartitioned: !isBusEmbedded(config),
    onAssembler: (partition, assembler) => {
      assemblers.set(partition, assembler)
      if (isWhole) {
        ledger.carryOver({ records: assembler.held(), events: 0 })
      }
    },
    onDetectorFailure: (detector, error) => {
      metrics.add('telltale_detector_failures_total', { detector })
      troubles.set(`detector ${detector}`, 'throws on some events')
      log.error({ detector, err: error }, 'a detector failed on an event')
    },
  })
  return stages.filter(({ id }) => isRole(id) && roles.has(id))
}

/** Every partition has a batch in hand, and another under way: of many, each is smaller. */
const PARTITIONED_BATCH = 300

function runOne(stage: Stage, bus: Bus, parts: Parts, signal: AbortSignal): Promise<void> {
  const { busTrouble, config, ledger, metrics } = parts
  return runStage({
    bus,
    stage,
    signal,
    ...(isBusEmbedded(config) ? {} : { batch: { maxRecords: PARTITIONED_BATCH } }),
    onOutcomes: (id, outcomes) => {
      ledger.add(id, outcomes)
      countRejected(id, outcomes, metrics)
    },
    onOutputs: (outputs) => countOutputs(outputs, metrics),
    onRetry: (id, error) => {
      metrics.add('telltale_bus_retries_total', { stage: id })
      busTrouble.tell(error.message)
    },
  })
}

function runWrites(bus: Bus, store: Store, parts: Parts, signal: AbortSignal): Promise<void> {
  const { busTrouble, config, metrics, troubles, log } = parts
  return runWriter({
    bus,
    store,
    signal,
    isPartitioned: !isBusEmbedded(config),
    onInsert: (table, durationMs) => {
      metrics.add('telltale_store_batches_total', { table, result: 'stored' })
      metrics.observe('telltale_store_insert_seconds', { table }, durationMs / 1000)
    },
    onBatch: ({ table, rows, refused }) => {
      metrics.add('telltale_store_rows_total', { table }, rows)
      troubles.delete('store')
      for (const [reason, records] of refused) {
        metrics.add('telltale_dead_letters_total', { stage: WRITE_GROUP, reason }, records)
        log.error({ table, reason, records }, 'the store refuses records, which are given up')
      }
    },
    onRetry: (of, topic, error) => {
      if (of === 'bus') {
        metrics.add('telltale_bus_retries_total', { stage: WRITE_GROUP })
        busTrouble.tell(error.message)
        return
      }
      metrics.add('telltale_store_batches_total', { table: topic, result: 'retried' })
      troubles.set('store', `cannot be written to: ${error.message}`)
      log.warn({ topic, reason: error.message }, 'the store is unavailable, trying again')
    },
  })
}

function runSink(sink: Sink, bus: Bus, parts: Parts, signal: AbortSignal): Promise<void> {
  const { busTrouble, metrics, troubles, pending, log } = parts
  return runDelivery({
    bus,
    sink,
    signal,
    now: Date.now,
    onResult: (name, result) => {
      metrics.add('telltale_deliveries_total', { sink: name, result })
      // What was given up stays in the listing and is counted; a sink that takes alerts again works.
      if (result === 'accepted') {
        troubles.delete(`sink ${name}`)
      }
    },
    onDeadLetter: ({ stage, reason, detail, alert_id }) => {
      const { name } = sink
      troubles.set(
        `sink ${name}`,
        `gave up an alert (${reason}); /api/v1/dead-letters?sink=${name} lists what it lacks`,
      )
      metrics.add('telltale_dead_letters_total', { stage, reason })
      log.error({ sink: name, reason, detail, alert_id }, 'an alert will not be delivered')
    },
    onRetry: (name, error) => {
      metrics.add('telltale_bus_retries_total', { stage: `deliver:${name}` })
      busTrouble.tell(error.message)
    },
    onState: (name, partition, state) => {
      const states = pending.get(name) ?? new Map<number, SinkState>()
      pending.set(name, states)
      if (state === undefined) {
        states.delete(partition)
      } else {
        states.set(partition, state)
      }
      const all = sinkStateOf(states)
      metrics.set('telltale_deliveries_pending', { sink: name }, all.pending)
      metrics.set('telltale_sink_down', { sink: name }, all.isDown ? 1 : 0)
    },
  })
}

/** Of a sink as a whole: down for one partition is down. */
export function sinkStateOf(states: ReadonlyMap<number, SinkState> = new Map()): SinkState {
  const all = [...states.values()]
  return { isDown: all.some(({ isDown }) => isDown), pending: all.reduce((sum, { pending }) => sum + pending, 0) }
}

function countRejected(stage: string, outcomes: OutcomeCounts, metrics: Metrics): void {
  const REJECTED = 'rejected:'
  for (const [outcome, records] of outcomes) {
    if (outcome.startsWith(REJECTED)) {
      metrics.add('telltale_dead_letters_total', { stage, reason: outcome.slice(REJECTED.length) }, records)
    }
  }
}

/** What stages made is handed on as it was before it was encoded. */
function countOutputs(outputs: StageResult['outputs'], metrics: Metrics): void {
  const made = (topic: Topic) => outputs.flatMap((output) => (output.topic === topic ? output.records : []))
  for (const { decoded } of made('findings')) {
    const seen = decoded as Finding | Mark
    if (!isMark(seen)) {
      metrics.add('telltale_findings_total', { detector: seen.detector })
    }
  }
  for (const { decoded } of made('alerts')) {
    metrics.add('telltale_alerts_total', { severity: (decoded as Notice).alert.severity })
  }
}
