/**
 * OTLP from Kafka: what the OpenTelemetry Collector's Kafka exporter wrote is read, decoded as at the doors and handed
 * to the same intake. Offsets are committed when the bus has the fragments durably, so a crash repeats what was read
 * last, and the same messages give the same fragment ids.
 *
 * Nobody is there to be answered, so what a door would refuse goes to the dead letters and holds nobody up; and where a
 * door tells senders to come back, this reads no further.
 */
import { Rejected } from '../../schema/errors.ts'
import type { CountOutcome, GivenUp, GiveUp, Intake } from '../collector.ts'
import type { DecodeLimits } from '../otlp/limits.ts'
import type { KafkaInput } from './collector-config.ts'
import type { OnTopicTrouble, OtlpPartition, OtlpTopicRecord, OtlpTopics } from './otlp-topic.ts'
import { type MessageFacts, readTurn, type Turn } from './turn.ts'

/** How much is worked on at one time, for each partition. */
export interface TopicLimits {
  /** A larger value is not looked at. What a body may have at a door. */
  readonly messageBytes: number
  /** Of one read. A single message may be larger: then it is read alone. */
  readonly readBytes: number
  readonly readMessages: number
  /** How long a read waits for messages, in milliseconds. */
  readonly waitMs: number
  /** Records of one append; the message that reaches it is the last one. */
  readonly turnRecords: number
  /** What these take on the heap beyond their texts, in bytes; likewise. */
  readonly turnHeapBytes: number
  /** Bytes of a message that its dead letter keeps: in base64 they must fit into one record of any bus. */
  readonly letterBytes: number
}

const TOPIC_LIMITS: TopicLimits = {
  messageBytes: 16 * 1024 * 1024,
  readBytes: 1024 * 1024,
  readMessages: 500,
  waitMs: 1000,
  turnRecords: 20_000,
  turnHeapBytes: 16 * 1024 * 1024,
  letterBytes: 512 * 1024,
}

/** Watches the share of messages that are of no use. `PoisonWatch` of the engine is one. */
export interface MessageWatch {
  /** Told of messages in order, before anything is done with them. Throws when too many of the last ones are useless. */
  observe(messages: number, useless: readonly { readonly reason: string }[]): void
}

/**
 * Repeats `call` for as long as it throws `Unavailable`; `undefined` when `signal` aborts meanwhile. `untilAvailable` of
 * the engine is one.
 */
export type Patience = <Result>(call: () => Promise<Result>, signal: AbortSignal) => Promise<Result | undefined>

/** What the collector of one input needs. */
export interface OtlpTopicsOptions {
  readonly input: Pick<KafkaInput, 'name' | 'topics' | 'encoding' | 'tenant'>
  /** The consumer group of the input, on its brokers. */
  readonly topics: OtlpTopics
  /** Its `publish` may wait until the stages have caught up: no more is read meanwhile. */
  readonly intake: Intake
  readonly giveUp: GiveUp
  /** The end of records that the intake never accepted. What it accepted, it counts itself, rejected records included. */
  readonly count: CountOutcome
  /** Every record that was received, a message whose records never became known being one. Balances with the outcomes. */
  readonly received: (signal: 'traces' | 'logs', records: number) => void
  /** A watch for a partition; the place is for its message. */
  readonly watch: (place: Pick<OtlpPartition, 'topic' | 'partition'>) => MessageWatch
  readonly patience: Patience
  readonly onTrouble: OnTopicTrouble
  /** Aborted to stop: what is at hand is finished and committed, unless the bus or the brokers are away. */
  readonly signal: AbortSignal
  readonly limits?: Partial<TopicLimits>
  readonly decodeLimits?: Partial<DecodeLimits>
}

/**
 * Reads the topics of one input until `signal` aborts. Rejects with what the watch throws when nearly everything is of
 * no use, and with any error that is a bug; what was being worked on is then not committed.
 */
export async function runOtlpTopics(options: OtlpTopicsOptions): Promise<void> {
  const { traces, logs } = options.input.topics
  const signals = new Map<string, 'traces' | 'logs'>()
  if (traces !== undefined) {
    signals.set(traces, 'traces')
  }
  if (logs !== undefined) {
    signals.set(logs, 'logs')
  }
  await options.topics.consume(
    [...signals.keys()],
    (partition, owned) => {
      const signal = signals.get(partition.topic)
      if (signal === undefined) {
        throw new Error(`topic ${partition.topic} was not asked for`)
      }
      return new PartitionLoop(options, signal, partition, owned).run()
    },
    options.signal,
    options.onTrouble,
  )
}

class PartitionLoop {
  readonly #options: OtlpTopicsOptions
  readonly #limits: TopicLimits
  readonly #signal: 'traces' | 'logs'
  readonly #partition: OtlpPartition
  readonly #owned: AbortSignal
  readonly #watch: MessageWatch

  constructor(options: OtlpTopicsOptions, signal: 'traces' | 'logs', partition: OtlpPartition, owned: AbortSignal) {
    this.#options = options
    this.#limits = { ...TOPIC_LIMITS, ...options.limits }
    this.#signal = signal
    this.#partition = partition
    this.#owned = owned
    this.#watch = options.watch(partition)
  }

  async run(): Promise<void> {
    const { readMessages, readBytes, waitMs } = this.#limits
    const read = () => this.#partition.read({ maxRecords: readMessages, maxBytes: readBytes, waitMs })
    while (!this.#owned.aborted) {
      const messages = await this.#options.patience(read, this.#owned)
      if (messages === undefined || !(await this.#takeIn(messages))) {
        return
      }
      // Reads that find messages may never leave the microtask queue; sockets and timers must get their turn.
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  /** Whether everything was taken in and committed: it is not when told to stop while one side is unavailable. */
  async #takeIn(messages: readonly OtlpTopicRecord[]): Promise<boolean> {
    let most = messages.length
    for (let start = 0; start < messages.length; ) {
      const taken = await this.#accept(messages.slice(start, start + most))
      if (taken === undefined) {
        return false
      }
      if (taken === 'apart') {
        most = 1
        continue
      }
      const next = (taken.at(-1)?.message.offset ?? 0) + 1
      if (!(await this.#giveUp(taken)) || !(await this.#persist(() => this.#partition.commit(next)))) {
        return false
      }
      start += taken.length
    }
    return true
  }

  /**
   * Publishes the messages that make a turn, and gives what is known of them. `apart`: one of them can never be
   * published; each has to come on its own, so that only that one is given up. `undefined`: told to stop.
   */
  async #accept(messages: readonly OtlpTopicRecord[]): Promise<readonly MessageFacts[] | 'apart' | undefined> {
    let taken: readonly MessageFacts[] = []
    try {
      const isAccepted = await this.#persist(() => {
        // Read anew for every attempt: nothing that messages become is kept in memory while the bus is away.
        const turn = this.#read(messages)
        if (taken.length === 0) {
          this.#notice(turn.messages)
        }
        taken = turn.messages
        return this.#options.intake.accept(turn.request, this.#options.input.tenant)
      })
      if (!isAccepted) {
        this.#end('refused:unavailable', taken)
      }
      return isAccepted ? taken : undefined
    } catch (error) {
      if (taken.length === 0) {
        // Not of the bus: of the watch, or a bug in reading.
        throw error
      }
      if (!(error instanceof Rejected)) {
        throw this.#bug(error, taken)
      }
      if (taken.length > 1) {
        this.#end('refused:unavailable', taken)
        return 'apart'
      }
      this.#end(`rejected:${error.reason}`, taken)
      return taken.map((facts) => ({ ...facts, unusable: { reason: error.reason, detail: error.message } }))
    }
  }

  #read(messages: readonly OtlpTopicRecord[]): Turn {
    const { input, decodeLimits } = this.#options
    const form = { ...this.#limits, signal: this.#signal, encoding: input.encoding }
    return readTurn(messages, decodeLimits === undefined ? form : { ...form, decodeLimits })
  }

  /** Counts what was read as received. Throws what the watch throws. */
  #notice(messages: readonly MessageFacts[]): void {
    this.#watch.observe(
      messages.length,
      messages.flatMap(({ unusable }) => unusable ?? []),
    )
    this.#options.received(this.#signal, recordsOf(messages))
  }

  /** Writes the dead letters of messages that are of no use; false when told to stop. */
  async #giveUp(messages: readonly MessageFacts[]): Promise<boolean> {
    const givenUp = messages.flatMap((facts) => this.#givenUp(facts) ?? [])
    return givenUp.length === 0 || this.#persist(() => this.#options.giveUp(givenUp))
  }

  #givenUp({ message, unusable }: MessageFacts): GivenUp | undefined {
    if (unusable === undefined) {
      return undefined
    }
    const { name: input, tenant: tenantId } = this.#options.input
    const { topic, partition } = this.#partition
    const { letterBytes } = this.#limits
    const value = message.value ?? new Uint8Array()
    const cut = value.length > letterBytes ? `; the first ${letterBytes} of ${value.length} bytes are kept` : ''
    const { reason, detail } = unusable
    const place = { tenantId, input, topic, partition, offset: message.offset }
    return { ...place, reason, detail: detail + cut, value: value.subarray(0, letterBytes) }
  }

  /** A bug ends the process; says where, so that the message can be found. */
  #bug(cause: unknown, messages: readonly MessageFacts[]): Error {
    this.#end('rejected:internal-error', messages)
    const { topic, partition } = this.#partition
    const offsets = `${messages[0]?.message.offset} to ${messages.at(-1)?.message.offset}`
    const where = `${topic}/${partition} at offsets ${offsets}`
    return new Error(`the collector of input ${this.#options.input.name} failed on ${where}`, { cause })
  }

  #end(outcome: string, messages: readonly MessageFacts[]): void {
    if (messages.length > 0) {
      this.#options.count(outcome, recordsOf(messages))
    }
  }

  /** Whether it was done, however long it took; false when told to stop before. */
  async #persist(call: () => Promise<void>): Promise<boolean> {
    const done = await this.#options.patience(() => call().then(() => true), this.#owned)
    return done === true
  }
}

function recordsOf(messages: readonly MessageFacts[]): number {
  return messages.reduce((sum, { records }) => sum + records, 0)
}
