/**
 * The spool: what a collector appends through when its bus is on other machines. While that takes records they go
 * straight there and cost no disk. When it is away they go to a log on the local disk, durably, and the client is
 * acknowledged; when it is back they are drained to it, and only then records go straight again.
 *
 * - Away is a bus that throws `Unavailable`, or that has not answered within the deadline: a frozen one must not hold
 *   clients. An append that was given up on may still land, beside its copy from the log; ids on records are
 *   deterministic, so it is recognised.
 * - Order: a record whose append was called after another one of its key was acknowledged comes after it, apart from
 *   repeats. That is why nothing goes straight as long as anything is in the log. Appends under way at one time have
 *   no order among each other when the bus goes away.
 * - Bounds: `maxBytes` wait on disk, then appends are refused with `Unavailable`. In memory `maxUnderWayBytes` wait for
 *   the remote bus, as much for the end of a drain, and what the embedded bus lets wait for the disk.
 * - What is on disk at the start, after a `kill -9` too, is drained first. A batch that went out and was not noted as
 *   drained goes out again, whole.
 * - What the remote bus rejects only when it is drained waits with all behind it until an operator has made it welcome (a
 *   larger `max.message.bytes`): it was acknowledged. Until then the spool fills.
 * - A disk that refuses is `Unavailable`: what it did not take is not acknowledged. A damaged log is what the embedded bus
 *   says of it.
 *
 * Limits: the log's file keeps the size it once had, and is used again. The room of what was drained is free within
 * seconds, not at once.
 */
import { Unavailable } from '../schema/errors.ts'
import type { Bus, BusRecord, Topic } from './bus/bus.ts'
import { drain } from './spool/drain.ts'
import { Gate } from './spool/gate.ts'
import { bytesOf, SpoolLog } from './spool/log.ts'
import { Straight } from './spool/straight.ts'

export interface SpoolOptions {
  /** Of the local log. Created when missing; nothing else may live there. */
  readonly directory: string
  /** The bus to reach. Each of its appends must settle sometime, and it must bound what it holds in memory. */
  readonly remote: Pick<Bus, 'append'>
  /** What may wait on disk before appends are refused. Default 2 GiB. */
  readonly maxBytes?: number
  /** How long the remote bus may take for an append before it counts as away. Default 2 s. */
  readonly deadlineMs?: number
  /** With more than this unanswered, the remote bus counts as away at once. Default 64 MiB. */
  readonly maxUnderWayBytes?: number
  /** Told at the start and after every change; for health, metrics and the log. Must not throw. */
  readonly onState?: (state: SpoolState) => void
  /** Milliseconds since the epoch; says since when records wait. */
  readonly now?: () => number
}

export interface SpoolState {
  /** Whether records go to disk, because the bus is away or what was spooled is not yet drained. */
  readonly isSpooling: boolean
  /** What waits on disk. */
  readonly records: number
  /** What it takes, and what is on its way to the disk; after a restart at most a little more. */
  readonly bytes: number
  /** When the oldest of it was appended, in milliseconds since the epoch. */
  readonly oldestMs: number | undefined
  /** Why the last thing that was tried did not work, while spooling: for the operator. */
  readonly reason: string | undefined
}

export interface Spool {
  /**
   * As `Bus.append`: resolves when every record is durable, there or here. Throws `Unavailable` when the bus is away
   * and the spool is full or its disk refuses: nothing was acknowledged, tell the client to come back.
   */
  append(topic: Topic, records: readonly BusRecord[]): Promise<void>
  readonly state: SpoolState
  /** Rejects when draining fails for good (a damaged log, a bug): end the process. Pending as long as all is well. */
  readonly failed: Promise<never>
  /**
   * Refuses what comes from now on, finishes what is under way, and drains for at most so long. Resolves with what is
   * left on disk, for the log: the next start drains it. Close the remote bus afterwards.
   */
  close(withinMs: number): Promise<SpoolState>
}

const MIB = 1024 ** 2

/**
 * Opens the spool; resolves when it is known what waits on disk, and that is being drained. Throws `Misconfigured` when
 * another process has the directory or its file is damaged.
 */
export async function openSpool(options: SpoolOptions): Promise<Spool> {
  const log = await SpoolLog.open({
    directory: options.directory,
    maxBytes: options.maxBytes ?? 2048 * MIB,
    now: options.now ?? Date.now,
    onChange: () => spool.changed(),
  })
  const spool = new BusSpool(options, log)
  try {
    await spool.begin()
  } catch (error) {
    await log.close()
    throw error
  }
  return spool
}

class BusSpool implements Spool {
  failed: Promise<never> = new Promise(() => undefined)
  readonly #options: SpoolOptions
  readonly #maxUnderWayBytes: number
  readonly #log: SpoolLog
  readonly #straight: Straight
  readonly #gate: Gate
  readonly #stop = new AbortController()
  #draining: Promise<void> = Promise.resolve()
  #isSpooling: boolean
  #reason: string | undefined
  /** Calls of `append` that have not ended. */
  #calls = 0
  #closed: Promise<SpoolState> | undefined
  #waits: { readonly until: () => boolean; readonly resolve: () => void }[] = []

  constructor(options: SpoolOptions, log: SpoolLog) {
    const { remote, deadlineMs = 2000, maxUnderWayBytes = 64 * MIB } = options
    this.#options = options
    this.#maxUnderWayBytes = maxUnderWayBytes
    this.#log = log
    this.#straight = new Straight({ remote, deadlineMs, onAway: (reason) => this.#beginSpooling(reason) })
    // Clients are not held for longer than by the bus itself.
    this.#gate = new Gate({ limitMs: deadlineMs, maxBytes: maxUnderWayBytes })
    this.#isSpooling = log.records > 0
  }

  get state(): SpoolState {
    const { records, bytes, oldestMs } = this.#log
    return { isSpooling: this.#isSpooling, records, bytes, oldestMs, reason: this.#reason }
  }

  /** Resolves when the log is being drained. */
  async begin(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const options = {
        log: this.#log,
        remote: this.#options.remote,
        isSpooling: () => this.#isSpooling,
        onBegun: resolve,
        onAway: (reason: string) => this.#findAway(reason),
        onNearlyEmpty: () => this.#gate.close(),
        onEmpty: () => this.#goStraight(),
      }
      this.#draining = this.#log.consume((assignment, signal) => drain(assignment, signal, options), this.#stop.signal)
      this.#draining.catch(reject)
    })
    this.failed = this.#draining.then(() => new Promise<never>(() => undefined))
    this.failed.catch(() => undefined)
    this.changed()
  }

  async append(topic: Topic, records: readonly BusRecord[]): Promise<void> {
    if (this.#closed !== undefined) {
      throw new Unavailable('the spool is closed')
    }
    const bytes = bytesOf(records)
    this.#calls += 1
    try {
      await this.#gate.pass(bytes)
      const { bytes: unanswered } = this.#straight
      if (!this.#isSpooling && unanswered > 0 && unanswered + bytes > this.#maxUnderWayBytes) {
        this.#beginSpooling(`${unanswered} bytes are not answered`)
      }
      const keep = () => this.#log.append(topic, records)
      await (this.#isSpooling ? keep() : this.#straight.send(topic, records, bytes, keep))
    } finally {
      this.#calls -= 1
      this.#wake()
    }
  }

  close(withinMs: number): Promise<SpoolState> {
    this.#closed ??= this.#close(withinMs)
    return this.#closed
  }

  /** Told by the log too, whenever what waits has changed. */
  changed(): void {
    this.#options.onState?.(this.state)
  }

  async #close(withinMs: number): Promise<SpoolState> {
    let timer: NodeJS.Timeout | undefined
    const isTimeUp = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, withinMs)
    })
    await Promise.race([this.#when(() => this.#calls === 0 && !this.#isSpooling), isTimeUp])
    clearTimeout(timer)
    if (this.#calls > 0) {
      this.#beginSpooling('it did not answer before the spool had to close')
      await this.#when(() => this.#calls === 0)
    }
    this.#stop.abort()
    // Who needs to know that it failed knows it from `failed`.
    await this.#draining.catch(() => undefined)
    await this.#log.close()
    return this.state
  }

  /** From now on everything goes to the log, and first of all what is under way. */
  #beginSpooling(reason: string): void {
    this.#isSpooling = true
    this.#straight.giveUp()
    this.#findAway(reason)
  }

  #findAway(reason: string): void {
    this.#reason = reason
    this.#gate.open()
    this.changed()
  }

  /** The log is empty. */
  #goStraight(): void {
    if (this.#isSpooling) {
      this.#isSpooling = false
      this.#reason = undefined
      this.#log.emptied()
      this.#gate.open()
      this.changed()
      this.#wake()
    }
  }

  #when(until: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#waits.push({ until, resolve })
      this.#wake()
    })
  }

  #wake(): void {
    const due = this.#waits.filter(({ until }) => until())
    this.#waits = this.#waits.filter((wait) => !due.includes(wait))
    for (const { resolve } of due) {
      resolve()
    }
  }
}
