/**
 * One consumer group over one topic, in this process: follows the group's dealing, claims the state of every partition it
 * is given, and runs its owner on it until it is taken away.
 */
import { setMaxListeners } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { Unavailable } from '../../../schema/errors.ts'
import { untilAvailable } from '../../until-available.ts'
import { aborted } from '../aborted.ts'
import type { Assignment, ConsumeOptions, Topic } from '../bus.ts'
import type { Appender } from './appender.ts'
import { type AssignmentParts, KafkaAssignment } from './assignment.ts'
import { GroupReader } from './group-reader.ts'
import { HandedOn } from './handed-on.ts'
import type { Ownership } from './owners.ts'
import type { KafkaSettings } from './settings.ts'
import { Fenced, StateLog } from './state-log.ts'
import { Telling } from './telling.ts'

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

/** A partition whose state is ours to write. */
interface Claim {
  readonly stateLog: StateLog
  readonly start: number
  readonly state: ReadonlyMap<string, Uint8Array>
}

const COMMIT_EVERY_MS = 500
const CHECK_EVERY_MS = 10_000
const CLAIM_AGAIN_MS = 500

export class Consumer {
  readonly #parts: ConsumerParts
  readonly #reader: GroupReader
  readonly handedOn = new HandedOn()
  readonly #telling = new Telling((offsets) => this.#reader.membership.commit(offsets))

  constructor(parts: ConsumerParts) {
    const { settings, groupId, topicName, sessionTimeoutMs, onTrouble } = parts
    this.#parts = parts
    this.#reader = new GroupReader({
      ...{ settings, groupId, topic: topicName, sessionTimeoutMs, onTrouble },
      work: (ownership) => this.#ownFrom(ownership),
    })
  }

  /** How far each partition is that is owned here. */
  get committed(): ReadonlyMap<number, number> {
    return this.#telling.reached
  }

  /** Runs until `signal` aborts or an owner throws; then every owner has ended, and the group knows. */
  async run(signal: AbortSignal): Promise<void> {
    const telling = setInterval(() => this.#telling.tell(), COMMIT_EVERY_MS)
    const tellLast = async () => {
      clearInterval(telling)
      await this.#telling.tellAll()
    }
    await this.#reader.run(signal, (stopped) => this.#open(stopped), tellLast)
  }

  async #open(stopped: AbortSignal): Promise<void> {
    const { topicName, stateTopic, prepare, onTrouble } = this.#parts
    const { polls, rest } = this.#reader.links
    const open = async () => {
      await prepare()
      await Promise.all([polls.open([topicName]), rest.open([topicName, stateTopic])])
    }
    await untilAvailable(open, stopped, onTrouble)
  }

  /** Owns a partition for as long as the group says so, again when another owner was met meanwhile. */
  async #ownFrom(ownership: Ownership): Promise<void> {
    const { partition, signal } = ownership
    const over = AbortSignal.any([signal, this.#reader.failed])
    try {
      while (!over.aborted && (await this.#ownOnce(partition, over))) {
        // The group may know better in a moment.
        await sleep(CLAIM_AGAIN_MS, undefined, { signal }).catch(() => undefined)
      }
      await aborted(over)
    } finally {
      this.#telling.leave(partition, ownership.isLost)
    }
  }

  /** @returns whether it ended because somebody else has claimed the partition. */
  async #ownOnce(partition: number, over: AbortSignal): Promise<boolean> {
    const { topicName, options, append, own, onTrouble } = this.#parts
    const claimed = await this.#claim(partition, over)
    if (claimed === undefined) {
      return false
    }
    const { stateLog } = claimed
    const fenced = new AbortController()
    const ownerSignal = AbortSignal.any([over, fenced.signal])
    setMaxListeners(0, ownerSignal)
    const reader = this.#reader.fetcher.read(topicName, partition, claimed.start)
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
      onCommitted: (next) => this.#telling.reach(partition, next),
      onFenced: () => fenced.abort(),
    })
    this.#telling.reach(partition, claimed.start)
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
          this.#reader.fail(error)
        }
      })
    }, CHECK_EVERY_MS)
    try {
      await own(assignment, ownerSignal)
    } finally {
      clearInterval(checking)
      this.handedOn.close(partition)
      assignment.revoke()
      this.#reader.fetcher.stop(reader)
    }
    return fenced.signal.aborted
  }

  /** Claims until it works, each time anew. Undefined when the partition is taken away meanwhile. */
  #claim(partition: number, signal: AbortSignal): Promise<Claim | undefined> {
    const { appender, stateTopic, onTrouble } = this.#parts
    const claim = async () => {
      const stateLog = new StateLog({ link: this.#reader.links.rest, appender, topic: stateTopic, partition })
      const { next, state } = await stateLog.claim()
      const start = next ?? (await this.#firstStart(partition))
      if (next === undefined) {
        // Durable before anybody works by it.
        await stateLog.write(start, [])
      }
      return { stateLog, start, state }
    }
    return untilAvailable(claim, signal, onTrouble, CLAIM_AGAIN_MS)
  }

  async #firstStart(partition: number): Promise<number> {
    const extent = await this.#reader.links.rest.extent(this.#parts.topicName, partition)
    return (this.#parts.options.from === 'latest' ? extent?.end : extent?.start) ?? 0
  }
}
