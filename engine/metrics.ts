/**
 * Every Prometheus metric: name, type, unit, labels and a sentence. A metric, label or closed label value that is not
 * in the catalogue does not type-check. No label value comes from a client: they are ours, or from the configuration.
 */
import { readFileSync } from 'node:fs'
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import { SEVERITIES } from '../schema/finding.ts'
import { type PartitionLag, TOPICS } from './bus/bus.ts'
import type { OutcomeLedger } from './outcomes.ts'
import type { OwnedPartition } from './owned-partitions.ts'

/** Values of a label: the ones listed, or names that the configuration or the code gives (`named`). */
type LabelValues = readonly string[] | 'named'

interface MetricFacts {
  readonly type: 'counter' | 'gauge' | 'histogram'
  /** What one is one of; the last part of the name of anything measured. */
  readonly unit: string
  readonly labels: Readonly<Record<string, LabelValues>>
  readonly sentence: string
}

export const METRICS = {
  telltale_records_received_total: {
    type: 'counter',
    unit: 'records',
    labels: { signal: 'named' },
    sentence:
      'Spans and log records that came in; a request refused before they are known is one, of no signal if it names none.',
  },
  telltale_outcomes_total: {
    type: 'counter',
    unit: 'records',
    labels: { stage: 'named', outcome: 'named' },
    sentence: 'Ends of records, by the stage they ended in.',
  },
  telltale_records_in_flight: {
    type: 'gauge',
    unit: 'records',
    labels: {},
    sentence:
      'Records received that have not ended yet; less than zero is a bug. Absent where other processes end them.',
  },
  telltale_held_fragments: {
    type: 'gauge',
    unit: 'fragments',
    labels: {},
    sentence: 'Fragments that wait for their other parts.',
  },
  telltale_bus_append_seconds: {
    type: 'histogram',
    unit: 'seconds',
    labels: { topic: TOPICS },
    sentence: 'Time until an append from a collector is on disk.',
  },
  telltale_bus_lag_records: {
    type: 'gauge',
    unit: 'records',
    labels: { group: 'named', topic: TOPICS },
    sentence: 'Records that a consumer group has yet to commit, over all its processes, of which each tells the same.',
  },
  telltale_bus_partitions_owned: {
    type: 'gauge',
    unit: 'partitions',
    labels: { group: 'named', topic: TOPICS },
    sentence: 'Partitions that this process works on; over all processes of a group, the partitions of the topic.',
  },
  telltale_bus_retries_total: {
    type: 'counter',
    unit: 'attempts',
    labels: { stage: 'named' },
    sentence: 'Times a stage found the bus unavailable and tried again.',
  },
  telltale_spool_records: {
    type: 'gauge',
    unit: 'records',
    labels: {},
    sentence: 'Records that wait on the disk of a collector because the bus is away.',
  },
  telltale_spool_bytes: {
    type: 'gauge',
    unit: 'bytes',
    labels: {},
    sentence: 'What these take of spool.max_bytes.',
  },
  telltale_findings_total: {
    type: 'counter',
    unit: 'findings',
    labels: { detector: 'named' },
    sentence: 'Findings written, by detector.',
  },
  telltale_detector_failures_total: {
    type: 'counter',
    unit: 'failures',
    labels: { detector: 'named' },
    sentence: 'Times a detector threw: a bug, and an event it did not judge.',
  },
  telltale_alerts_total: {
    type: 'counter',
    unit: 'alerts',
    labels: { severity: SEVERITIES },
    sentence: 'Alerts opened or raised, by severity.',
  },
  telltale_deliveries_total: {
    type: 'counter',
    unit: 'notices',
    labels: { sink: 'named', result: ['accepted', 'retried', 'dead'] },
    sentence: 'Attempts to deliver a notice, by sink and result.',
  },
  telltale_deliveries_pending: {
    type: 'gauge',
    unit: 'notices',
    labels: { sink: 'named' },
    sentence: 'Notices that a sink has not accepted yet.',
  },
  telltale_sink_down: {
    type: 'gauge',
    unit: 'boolean',
    labels: { sink: 'named' },
    sentence: 'Whether a sink counts as down (1) or takes notices (0).',
  },
  telltale_dead_letters_total: {
    type: 'counter',
    unit: 'letters',
    labels: { stage: 'named', reason: 'named' },
    sentence: 'Records that could not be processed and alerts that a sink will not get, by who gave them up.',
  },
  telltale_store_rows_total: {
    type: 'counter',
    unit: 'rows',
    labels: { table: 'named' },
    sentence: 'Rows that the store has confirmed.',
  },
  telltale_store_batches_total: {
    type: 'counter',
    unit: 'batches',
    labels: { table: 'named', result: ['stored', 'retried'] },
    sentence: 'Batches stored, and attempts that failed and are made again.',
  },
  telltale_store_insert_seconds: {
    type: 'histogram',
    unit: 'seconds',
    labels: { table: 'named' },
    sentence: 'Time until the store has confirmed a batch.',
  },
  telltale_process_resident_bytes: {
    type: 'gauge',
    unit: 'bytes',
    labels: {},
    sentence: 'Memory of this process, including the part of the bus file that is in the page cache.',
  },
  telltale_process_anonymous_bytes: {
    type: 'gauge',
    unit: 'bytes',
    labels: {},
    sentence: 'Memory of this process without mapped files: what a limit has to leave room for.',
  },
} as const satisfies Record<string, MetricFacts>

type Catalogue = typeof METRICS
type NameOf<Type extends MetricFacts['type']> = {
  [Name in keyof Catalogue]: Catalogue[Name]['type'] extends Type ? Name : never
}[keyof Catalogue]

/** The labels of a metric, closed ones as unions. */
export type LabelsOf<Name extends keyof Catalogue> = {
  readonly [Label in keyof Catalogue[Name]['labels']]: Catalogue[Name]['labels'][Label] extends readonly (infer Value)[]
    ? Value
    : string
}

export interface Metrics {
  /** Counts `by` more, at least 0. */
  add<Name extends NameOf<'counter'>>(name: Name, labels: LabelsOf<Name>, by?: number): void
  set<Name extends NameOf<'gauge'>>(name: Name, labels: LabelsOf<Name>, value: number): void
  observe<Name extends NameOf<'histogram'>>(name: Name, labels: LabelsOf<Name>, value: number): void
  /** The text that Prometheus scrapes. */
  render(): Promise<string>
  /** Of `render`, for the HTTP response. */
  readonly contentType: string
}

/** What is read when metrics are rendered, rather than counted along. */
export interface MetricSources {
  readonly ledger?: OutcomeLedger
  /** `false` where records received here end in other processes: how many are in flight cannot be told then. */
  readonly isWhole?: boolean
  readonly owned?: () => readonly Omit<OwnedPartition, 'partition'>[]
  readonly lag?: () => Promise<readonly PartitionLag[]>
  /** Fragments held by assemble, over all partitions of this process. */
  readonly held?: () => number
}

/** From a tenth of a millisecond to ten seconds. */
const SECONDS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** Values of one open label; a configuration has fewer, and more would only be a mistake that grows. */
const MAX_VALUES = 200
const MAX_VALUE_LENGTH = 100

/** A registry of its own, so that tests and several engines in one process do not meet. */
export function createMetrics(sources: MetricSources = {}): Metrics {
  const registry = new Registry()
  const metrics = new Map<string, Counter | Gauge | Histogram>()
  const seen = new Map<string, Set<string>>()
  const isWhole = sources.isWhole ?? true
  for (const [name, facts] of Object.entries<MetricFacts>(METRICS)) {
    if (name === 'telltale_records_in_flight' && !isWhole) {
      continue
    }
    const settings = { name, help: facts.sentence, labelNames: Object.keys(facts.labels), registers: [registry] }
    const make = {
      counter: () => new Counter(settings),
      gauge: () => new Gauge(settings),
      histogram: () => new Histogram({ ...settings, buckets: SECONDS }),
    }
    metrics.set(name, make[facts.type]())
  }
  const bounded = (name: string, labels: object): Record<string, string> =>
    Object.fromEntries(
      Object.entries<string>({ ...labels }).map(([label, value]) => [
        label,
        boundedValue(seen, `${name} ${label}`, value),
      ]),
    )
  const counter = (name: NameOf<'counter'>): Counter => metrics.get(name) as Counter
  const gauge = (name: NameOf<'gauge'>): Gauge => metrics.get(name) as Gauge
  const set: Metrics['set'] = (name, labels, value) => gauge(name).set(bounded(name, labels), value)
  const add: Metrics['add'] = (name, labels, by = 1) => counter(name).inc(bounded(name, labels), by)

  return {
    add,
    set,
    observe: (name, labels, value) => (metrics.get(name) as Histogram).observe(bounded(name, labels), value),
    render: async () => {
      counter('telltale_records_received_total').reset()
      counter('telltale_outcomes_total').reset()
      gauge('telltale_bus_lag_records').reset()
      collectLedger(sources.ledger, add)
      if (isWhole) {
        set('telltale_records_in_flight', {}, sources.ledger?.records.inFlight ?? 0)
      }
      gauge('telltale_bus_partitions_owned').reset()
      for (const { group, topic } of sources.owned?.() ?? []) {
        gauge('telltale_bus_partitions_owned').inc(bounded('telltale_bus_partitions_owned', { group, topic }))
      }
      for (const { group, topic, behind } of lagByGroup((await sources.lag?.()) ?? [])) {
        set('telltale_bus_lag_records', { group, topic }, behind)
      }
      set('telltale_held_fragments', {}, sources.held?.() ?? 0)
      set('telltale_process_resident_bytes', {}, process.memoryUsage.rss())
      set('telltale_process_anonymous_bytes', {}, anonymousBytes())
      return registry.metrics()
    },
    contentType: registry.contentType,
  }
}

function boundedValue(seen: Map<string, Set<string>>, label: string, value: string): string {
  const values = seen.get(label) ?? new Set<string>()
  seen.set(label, values)
  const cut = value.slice(0, MAX_VALUE_LENGTH)
  if (!values.has(cut) && values.size >= MAX_VALUES) {
    return 'other'
  }
  values.add(cut)
  return cut
}

function collectLedger(ledger: OutcomeLedger | undefined, add: Metrics['add']): void {
  for (const [signal, records] of ledger?.receivedBySignal ?? []) {
    add('telltale_records_received_total', { signal }, records)
  }
  for (const [stage, outcomes] of ledger?.outcomes ?? []) {
    for (const [outcome, records] of outcomes) {
      add('telltale_outcomes_total', { stage, outcome }, records)
    }
  }
}

function lagByGroup(
  lag: readonly PartitionLag[],
): Iterable<Pick<PartitionLag, 'group' | 'topic'> & { behind: number }> {
  const groups = new Map<string, Pick<PartitionLag, 'group' | 'topic'> & { behind: number }>()
  for (const { group, topic, committed, end } of lag) {
    const key = `${topic} ${group}`
    const known = groups.get(key) ?? { group, topic, behind: 0 }
    known.behind += end - committed
    groups.set(key, known)
  }
  return groups.values()
}

/** Linux says it in /proc; elsewhere the resident size has to do. */
function anonymousBytes(): number {
  try {
    const kibibytes = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]
    return kibibytes === undefined ? process.memoryUsage.rss() : Number(kibibytes) * 1024
  } catch {
    return process.memoryUsage.rss()
  }
}
