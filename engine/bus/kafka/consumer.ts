/**
 * One consumer group over one topic, in this process: follows the group's dealing, claims the state of every partition it
 * is given, and runs its owner on it until it is taken away.
 */
import { setMaxListeners } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { Unavailable } from '../../../schema/errors.ts'
import { aborted } from '../aborted.ts'
import type { Assignment, ConsumeOptions, Topic } from '../bus.ts'
import type { Appender } from './appender.ts'
import { type AssignmentParts, KafkaAssignment } from './assignment.ts'
import { Fetcher } from './fetcher.ts'
import { HandedOn } from './handed-on.ts'
import { Link } from './link.ts'
import { Membership } from './membership.ts'
import { Owners, type Ownership } from './owners.ts'
import type { KafkaSettings } from './settings.ts'
import { Fenced, StateLog } from './state-log.ts'

export interface ConsumerParts {
  readonly settings: KafkaSettings
  readonly appender: Appender
  readonly options: ConsumeOptions
  readonly groupId: string
  /** Of the input and of the state, as Kafka knows them. */
  readonly topicName: string
  readonly stateTopic: string
  readonly sessionTimeoutMs: number
  /** Makes what the consumer needs at Kafka; called until it works. @throws Unavailable */
  readonly prepare: () => Promise<void>
  readonly own: (assignment: Assignment, signal: AbortSignal) => Promise<void>
  readonly append: AssignmentParts['append']
  readonly onTrouble: (error: Unavailable) => void
}

const COMMIT_EVERY_MS = 500
const CHECK_EVERY_MS = 10_000
const CLAIM_AGAIN_MS = 500

export class Consumer {
  readonly #parts: ConsumerParts
  readonly #membership: Membership
  readonly #fetcher: Fetcher
  /** For polls, for membership, and for everything else: each waits for its own answers only. */
  readonly #links: { readonly polls: Link; readonly group: Link; readonly state: Link }
  readonly #owners: Owners
  /** How far each partition is that is owned here, and what the group was not told yet. */
  readonly committed = new Map<number, number>()
  readonly #untold = new Map<number, number>()
  readonly handedOn = new HandedOn()
  readonly #failed = new AbortController()
  #telling: Promise<void> = Promise.resolve()

  constructor(parts: ConsumerParts) {
    const { settings, groupId, topicName, sessionTimeoutMs, onTrouble } = parts
    this.#parts = parts
    setMaxListeners(0, this.#failed.signal)
    this.#links = { polls: new Link(settings), group: new Link(settings), state: new Link(settings) }
    this.#owners = new Owners(
      (ownership) => this.#ownFrom(ownership),
      (error) => this.#failed.abort(error),
    )
    this.#fetcher = new Fetcher({ link: this.#links.polls, onTrouble })
    this.#membership = new Membership({
      link: this.#links.group,
      commitLink: this.#links.state,
      groupId,
      topic: topicName,
      sessionTimeoutMs,
      onTrouble,
      onAssigned: (partitions, isContinuous) => this.#owners.assign(partitions, isContinuous),
    })
  }

  /** Runs until `signal` aborts or an owner throws; then every owner has ended, and the group knows. */
  async run(signal: AbortSignal): Promise<void> {
    const stopped = AbortSignal.any([signal, this.#failed.signal])
    const telling = setInterval(() => this.#tell(), COMMIT_EVERY_MS)
    try {
      await this.#open(stopped)
      await Promise.race([this.#membership.run(stopped), aborted(stopped)])
    } finally {
      await this.#owners.stop()
      clearInterval(telling)
      await this.#telling
      await this.#tell()
      await this.#membership.leave()
      this.#fetcher.close()
      await Promise.all(Object.values(this.#links).map((link) => link.close().catch(() => undefined)))
    }
    if (this.#failed.signal.aborted) {
      throw this.#failed.signal.reason
    }
  }

  async #open(stopped: AbortSignal): Promise<void> {
    const { topicName, stateTopic, prepare, onTrouble } = this.#parts
    while (!stopped.aborted) {
      try {
        await prepare()
        await Promise.all([this.#links.polls.open([topicName]), this.#links.state.open([topicName, stateTopic])])
        return
      } catch (error) {
        if (!(error instanceof Unavailable)) {
          throw error
        }
        onTrouble(error)
        await sleep(error.retryAfterMs, undefined, { signal: stopped }).catch(() => undefined)
      }
    }
  }

  /** Owns a partition for as long as the group says so, again when another owner was met meanwhile. */
  async #ownFrom({ partition, signal }: Ownership): Promise<void> {
    const over = AbortSignal.any([signal, this.#failed.signal])
    try {
      while (!over.aborted && (await this.#ownOnce(partition, signal))) {
        // The group may know better in a moment.
        await sleep(CLAIM_AGAIN_MS, undefined, { signal }).catch(() => undefined)
      }
      await aborted(over)
    } finally {
      this.committed.delete(partition)
    }
  }

  /** @returns whether it ended because somebody else has claimed the partition. */
  async #ownOnce(partition: number, signal: AbortSignal): Promise<boolean> {
    const { topicName, options, append, own, onTrouble } = this.#parts
    const claimed = await this.#claim(partition, signal)
    if (claimed === undefined) {
      return false
    }
    const { stateLog } = claimed
    const fenced = new AbortController()
    const ownerSignal = AbortSignal.any([signal, this.#failed.signal, fenced.signal])
    setMaxListeners(0, ownerSignal)
    const reader = this.#fetcher.read(topicName, partition, claimed.start)
    const assignment = new KafkaAssignment({
      group: options.group,
      topic: options.topic as Topic,
      partition,
      start: claimed.start,
      state: claimed.state,
      stateLog,
      reader,
      handedOn: this.handedOn,
      signal: ownerSignal,
      append,
      onCommitted: (next) => this.#committed(partition, next),
      onFenced: () => fenced.abort(),
    })
    this.#committed(partition, claimed.start)
    if (options.wantsDecoded !== false) {
      this.handedOn.open(partition)
    }
    const checking = setInterval(() => {
      stateLog.check().catch((error: unknown) => {
        if (error instanceof Fenced) {
          assignment.revoke()
          fenced.abort()
        } else if (error instanceof Unavailable) {
          onTrouble(error)
        } else {
          this.#failed.abort(error)
        }
      })
    }, CHECK_EVERY_MS)
    try {
      await own(assignment, ownerSignal)
    } finally {
      clearInterval(checking)
      this.handedOn.close(partition)
      assignment.revoke()
      this.#fetcher.stop(reader)
    }
    return fenced.signal.aborted
  }

  /** Claims until it works, each time anew. Undefined when the partition is taken away meanwhile. */
  async #claim(
    partition: number,
    signal: AbortSignal,
  ): Promise<
    { readonly stateLog: StateLog; readonly start: number; readonly state: ReadonlyMap<string, Uint8Array> } | undefined
  > {
    const { appender, stateTopic } = this.#parts
    while (!signal.aborted && !this.#failed.signal.aborted) {
      const stateLog = new StateLog({ link: this.#links.state, appender, topic: stateTopic, partition })
      try {
        const { next, state } = await stateLog.claim()
        const start = next ?? (await this.#firstStart(partition))
        if (next === undefined) {
          // Durable before anybody works by it.
          await stateLog.write(start, [])
        }
        return { stateLog, start, state }
      } catch (error) {
        if (!(error instanceof Unavailable)) {
          throw error
        }
        this.#parts.onTrouble(error)
        await sleep(Math.min(error.retryAfterMs, CLAIM_AGAIN_MS), undefined, { signal }).catch(() => undefined)
      }
    }
    return undefined
  }

  async #firstStart(partition: number): Promise<number> {
    const extents = await this.#links.state.extents(this.#parts.topicName, partition)
    const extent = extents.find((each) => each.partition === partition)
    return (this.#parts.options.from === 'latest' ? extent?.end : extent?.start) ?? 0
  }

  #committed(partition: number, next: number): void {
    this.committed.set(partition, next)
    this.#untold.set(partition, next)
  }

  /** Tells the group, for those who watch its lag; a failure is told again. */
  #tell(): Promise<void> {
    if (this.#untold.size === 0) {
      return this.#telling
    }
    const offsets = new Map(this.#untold)
    this.#untold.clear()
    this.#telling = this.#membership.commit(offsets).catch(() => {
      for (const [partition, next] of offsets) {
        if (this.committed.has(partition) && !this.#untold.has(partition)) {
          this.#untold.set(partition, next)
        }
      }
    })
    return this.#telling
  }
}
