/**
 * The embedded bus: topics, consumer groups and stage state in one LMDB environment inside this process. An append
 * resolves when it is on disk; many at once share one flush. A stage's outputs, state and offset are one
 * transaction, so within this bus every record takes effect exactly once.
 *
 * One process per directory. Records are kept until every known group has read them, then by age and size; when
 * what is unread alone grows too large, appends are refused rather than data lost.
 */
import { setMaxListeners } from 'node:events'
import { Misconfigured, Unavailable } from '../../schema/errors.ts'
import { aborted } from './aborted.ts'
import { type Assignment, type Bus, type BusRecord, type ConsumeOptions, TOPICS, type Topic } from './bus.ts'
import { EmbeddedAssignment } from './embedded/assignment.ts'
import { claimDirectory } from './embedded/claim.ts'
import { Groups, type Place } from './embedded/groups.ts'
import { Journal, type Write } from './embedded/journal.ts'
import { MAX_PARTITIONS, partitionKey } from './embedded/keys.ts'
import { decodeExtent, encodeExtent, PartitionLog } from './embedded/partition-log.ts'
import { expiredChunks } from './embedded/retention.ts'
import { openStorage, type Storage } from './embedded/storage.ts'
import { Sweep } from './embedded/sweep.ts'
import { partitionOf } from './partition-of.ts'

export interface EmbeddedBusOptions {
  /** Created when missing. Nothing else may live there. */
  readonly directory: string
  /** Per topic; fixed when the directory is made, because state lives where its keys are. Default 1. */
  readonly partitions?: number
  readonly retention?: {
    /** How long records are kept after every known group has read them. Default one day. */
    readonly maxAgeMs?: number
    /** How much of what was read is kept, per topic. Default 256 MiB. */
    readonly maxBytes?: number
  }
  /** A topic that holds this much above `retention.maxBytes`, which can only be unread, refuses appends with `Unavailable`. Default 4 GiB. */
  readonly maxBacklogBytes?: number
  /** What may wait in memory for the disk before appends are refused. Default 64 MiB. */
  readonly maxPendingBytes?: number
  /** A group that nobody has consumed for this long is forgotten with its state: it would hold back retention for ever. Default 7 days. */
  readonly forgetGroupsAfterMs?: number
  /** `false` leaves flushing to the operating system: survives `kill -9`, not a power cut. For tests and replay. Default `true`. */
  readonly sync?: boolean
  /** How often ages are looked at, in milliseconds. Default 30 s. */
  readonly sweepEveryMs?: number
  /** The clock of retention. */
  readonly now?: () => number
  /** Told after each durable append from outside a stage: how long it took. For metrics. */
  readonly onAppend?: (topic: Topic, durationMs: number) => void
}

const DAY_MS = 24 * 60 * 60 * 1000
const MIB = 1024 ** 2

/**
 * Opens the bus, creating it when the directory is empty. Throws `Misconfigured` when another process has the
 * directory, when its file is damaged, or when it was made with another number of partitions.
 */
export async function openEmbeddedBus(options: EmbeddedBusOptions): Promise<EmbeddedBus> {
  const partitions = options.partitions ?? 1
  if (!Number.isInteger(partitions) || partitions < 1 || partitions > MAX_PARTITIONS) {
    const message = `partitions must be a whole number from 1 to ${MAX_PARTITIONS}, not ${partitions}`
    throw new Misconfigured([{ file: options.directory, message }])
  }
  const claim = claimDirectory(options.directory)
  try {
    const storage = await openStorage(options.directory, options.sync ?? true)
    try {
      const logs = await openLogs(storage, options.directory, partitions)
      return new EmbeddedBus(options, storage, logs, claim.release)
    } catch (error) {
      await storage.close()
      throw error
    }
  } catch (error) {
    await claim.release()
    throw error
  }
}

type Logs = Readonly<Record<Topic, readonly PartitionLog[]>>

async function openLogs(storage: Storage, directory: string, partitions: number): Promise<Logs> {
  const logs: Record<Topic, PartitionLog[]> = { fragments: [], events: [], findings: [], alerts: [], dead_letters: [] }
  for (const topic of TOPICS) {
    const known: (Buffer | undefined)[] = []
    for (let partition = 0; partition < MAX_PARTITIONS; partition += 1) {
      const extent = storage.meta.get(partitionKey(topic, partition))
      if (extent === undefined) {
        break
      }
      known.push(extent)
    }
    if (known.length > 0 && known.length !== partitions) {
      throw new Misconfigured([
        {
          file: directory,
          message: `the data directory has ${known.length} partitions per topic, and ${partitions} are configured`,
          suggestion: 'keep the number, or start with an empty directory: state lives in the partition of its key',
        },
      ])
    }
    for (let partition = 0; partition < partitions; partition += 1) {
      logs[topic].push(new PartitionLog(topic, partition, decodeExtent(known[partition])))
    }
  }
  // Writing them, empty or not, is what fixes their number; in one transaction, so that there are all or none.
  await storage.write(
    Object.values(logs)
      .flat()
      .map(({ topic, partition, extent }) => ({
        database: 'meta' as const,
        key: partitionKey(topic, partition),
        value: encodeExtent(extent),
      })),
  )
  return logs
}

export type { EmbeddedBus }

class EmbeddedBus implements Bus {
  readonly #options: EmbeddedBusOptions
  readonly #storage: Storage
  readonly #logs: Logs
  readonly #groups: Groups
  readonly #journal: Journal
  readonly #sweep: Sweep
  readonly #release: () => Promise<void>
  readonly #now: () => number
  readonly #maxHeldBytes: number
  /** Per group and topic, settles when its present consumer has let go. */
  readonly #consumers = new Map<string, Promise<unknown>>()
  readonly #stop = new AbortController()
  #closed: Promise<void> | undefined

  constructor(options: EmbeddedBusOptions, storage: Storage, logs: Logs, release: () => Promise<void>) {
    this.#options = options
    this.#storage = storage
    this.#logs = logs
    this.#release = release
    this.#now = options.now ?? Date.now
    setMaxListeners(0, this.#stop.signal)
    const all = Object.values(logs).flat()
    const groups = Groups.load(storage, all)
    const perTopic = options.retention?.maxBytes ?? 256 * MIB
    const limits = {
      maxAgeMs: options.retention?.maxAgeMs ?? DAY_MS,
      maxBytes: perTopic / logs.events.length,
    }
    this.#maxHeldBytes = perTopic + (options.maxBacklogBytes ?? 4096 * MIB)
    const expired = (byAge: boolean) => {
      const nowMs = this.#now()
      return all.flatMap((log) => expiredChunks(log, { storage, groups, limits, nowMs, byAge }))
    }
    this.#groups = groups
    this.#journal = new Journal({
      storage,
      now: this.#now,
      maxPendingBytes: options.maxPendingBytes ?? 64 * MIB,
      expired: () => expired(this.#sweep.takeTurn()),
    })
    this.#sweep = new Sweep({
      journal: this.#journal,
      groups,
      storage,
      now: this.#now,
      everyMs: options.sweepEveryMs ?? 30_000,
      forgetAfterMs: options.forgetGroupsAfterMs ?? 7 * DAY_MS,
      expired: () => expired(true).length > 0,
    })
  }

  async append(topic: Topic, records: readonly BusRecord[]): Promise<void> {
    this.#checkOpen()
    const beganMs = performance.now()
    await this.#journal.write({ appends: this.#route(topic, records), entries: [] })
    this.#options.onAppend?.(topic, performance.now() - beganMs)
  }

  async consume(
    options: ConsumeOptions,
    own: (assignment: Assignment, signal: AbortSignal) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    this.#checkOpen()
    const key = `${options.topic} ${options.group}`
    const before = this.#consumers.get(key)
    const turn = this.#consumeAfter(before, options, own, signal)
    const settled = turn.catch(() => undefined)
    this.#consumers.set(key, settled)
    try {
      await turn
    } finally {
      if (this.#consumers.get(key) === settled) {
        this.#consumers.delete(key)
      }
    }
  }

  lag(): ReturnType<Bus['lag']> {
    return Promise.resolve(this.#groups.lag())
  }

  /** What all its records take on disk, read or not. For the spool, which has a bound and finds this at its start. */
  get heldBytes(): number {
    return Object.values(this.#logs)
      .flat()
      .reduce((sum, { extent }) => sum + extent.bytes, 0)
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    this.#stop.abort(new Unavailable('the bus is closed'))
    await this.#sweep.stop()
    await Promise.all(this.#consumers.values())
    await this.#journal.idle()
    await this.#storage.close()
    await this.#release()
  }

  /** A second consumer of the same group and topic stands by until the first has let go. */
  async #consumeAfter(
    before: Promise<unknown> | undefined,
    options: ConsumeOptions,
    own: (assignment: Assignment, signal: AbortSignal) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    const stopped = AbortSignal.any([signal, this.#stop.signal])
    await Promise.race([before, aborted(stopped)])
    if (stopped.aborted) {
      await before
      return
    }
    const places = this.#logs[options.topic].map((log) => {
      return this.#groups.place(options.group, log, options.from === 'latest' ? log.extent.end : log.extent.start)
    })
    try {
      await this.#own(places, own, stopped)
    } finally {
      for (const place of places) {
        place.owned = false
        place.seenMs = this.#now()
      }
    }
  }

  async #own(
    places: readonly Place[],
    own: (assignment: Assignment, signal: AbortSignal) => Promise<void>,
    stopped: AbortSignal,
  ): Promise<void> {
    for (const place of places) {
      place.owned = true
      place.read = place.committed
      place.epoch += 1
      place.seenMs = this.#now()
    }
    // Durable before anybody works under it: a new epoch, and a start where there was none.
    await this.#journal.write({ appends: [], entries: places.flatMap((place) => this.#groups.entries(place)) })
    const failed = new AbortController()
    const signal = AbortSignal.any([stopped, failed.signal])
    setMaxListeners(0, signal)
    await Promise.all(
      places.map(async (place) => {
        const assignment = this.#assignment(place, signal)
        try {
          await own(assignment, signal)
        } catch (error) {
          failed.abort(error)
        } finally {
          assignment.revoke()
        }
      }),
    )
    if (failed.signal.aborted) {
      throw failed.signal.reason
    }
  }

  #assignment(place: Place, signal: AbortSignal): EmbeddedAssignment {
    return new EmbeddedAssignment({
      place,
      storage: this.#storage,
      journal: this.#journal,
      now: this.#now,
      signal,
      onRead: () => place.log.tail.forget(this.#groups.readFloor(place.log)),
      route: (topic, records) => this.#route(topic, records),
    })
  }

  #route(topic: Topic, records: readonly BusRecord[]): Write['appends'] {
    const logs = this.#logs[topic]
    let held = 0
    for (const { extent } of logs) {
      held += extent.bytes
    }
    if (records.length > 0 && held > this.#maxHeldBytes) {
      const message = `${topic} holds ${held} bytes that not every consumer has read`
      throw new Unavailable(message, { retryAfterMs: 5000 })
    }
    const byPartition = logs.map((log) => ({ log, records: [] as BusRecord[] }))
    for (const record of records) {
      byPartition[partitionOf(record.key, logs.length)]?.records.push(record)
    }
    return byPartition.filter((append) => append.records.length > 0)
  }

  #checkOpen(): void {
    if (this.#stop.signal.aborted) {
      throw new Unavailable('the bus is closed')
    }
  }
}
