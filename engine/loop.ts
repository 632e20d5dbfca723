/**
 * The loop that every stage runs in: read a batch, apply the stage, commit outputs, state and offset together.
 * Everything a stage must not do itself is here: waiting, retrying, dead letters, ticks and making room for others.
 */
import type { Unavailable } from '../schema/errors.ts'
import type { Assignment, Bus, BusRecord, Commit, StoredRecord, Topic } from './bus/bus.ts'
import { deadLetterOf, deadLetterRecord } from './dead-letter.ts'
import { type PoisonLimit, PoisonWatch } from './poison.ts'
import { addOutcomes, type OutcomeCounts, type Stage, type StagePartition, type StageResult } from './stage.ts'
import { untilAvailable } from './until-available.ts'

export interface StageRun {
  readonly bus: Bus
  readonly stage: Stage
  /** Aborted to stop: the batch at hand is finished and committed, then `runStage` resolves. */
  readonly signal: AbortSignal
  readonly batch?: Partial<BatchLimits>
  /** When to stop rather than dead-letter the stream. */
  readonly poison?: Partial<PoisonLimit>
  /** Told after each commit what became of the batch: `rejected:<reason>` for poison, else what the stage says. */
  readonly onOutcomes?: (stage: string, outcomes: OutcomeCounts) => void
  /** Told after each commit what the batch led to. For metrics. */
  readonly onOutputs?: (outputs: StageResult['outputs']) => void
  /** Told when the bus is unavailable and the loop will try again. */
  readonly onRetry?: (stage: string, error: Unavailable) => void
  /** The clock of idle ticks and dead letters; nothing else here reads one. */
  readonly now?: () => number
}

export interface BatchLimits {
  /** Bounds how long a batch keeps the event loop from others, and what a crash repeats. Default 1,000. */
  readonly maxRecords: number
  /** Default 8 MiB. */
  readonly maxBytes: number
  /** How long an idle partition waits before it is asked for a tick. Default 100 ms. */
  readonly idleMs: number
}

const DEFAULT_BATCH: BatchLimits = { maxRecords: 1000, maxBytes: 8 * 1024 * 1024, idleMs: 100 }

/**
 * Runs a stage on every partition that this process is given, until `signal` aborts. Rejects when the stage throws
 * (a bug: the cause says which) and with `TooMuchPoison` when most of what it reads is unusable; the batch is then
 * not committed. A bus that is unavailable is waited for.
 */
export async function runStage(run: StageRun): Promise<void> {
  const { bus, stage, signal } = run
  await bus.consume(
    { group: stage.id, topic: stage.input },
    (assignment, owned) => new PartitionLoop(run, assignment, owned).run(),
    signal,
  )
}

/** What became of a batch, and what persists it. */
interface Turn {
  readonly result: StageResult
  readonly commit: Commit
}

class PartitionLoop {
  readonly #run: StageRun
  readonly #assignment: Assignment
  readonly #signal: AbortSignal
  readonly #batch: BatchLimits
  readonly #watch: PoisonWatch
  /** The last commit, under way or done: whether it was. */
  #committed: Promise<boolean> = Promise.resolve(true)

  constructor(run: StageRun, assignment: Assignment, signal: AbortSignal) {
    this.#run = run
    this.#assignment = assignment
    this.#signal = signal
    this.#batch = { ...DEFAULT_BATCH, ...run.batch }
    this.#watch = new PoisonWatch(run.stage.id, run.poison)
  }

  /** While one turn is being committed the next is read and applied; its commit then waits for that one. */
  async run(): Promise<void> {
    const { stage } = this.#run
    const state: { readonly key: string; readonly value: Uint8Array }[] = []
    for await (const entry of this.#assignment.restore()) {
      state.push(entry)
    }
    const partition = stage.open(this.#assignment.partition, state)
    try {
      while (!this.#signal.aborted && (await this.#goOn(partition))) {
        // Reads that find records never leave the microtask queue; sockets and timers must get their turn.
        await new Promise((resolve) => setImmediate(resolve))
      }
    } finally {
      await this.#committed
    }
  }

  /** One turn, or a tick when there is nothing to read. False when told to stop. */
  async #goOn(partition: StagePartition): Promise<boolean> {
    const turn = await this.#turn(partition)
    if (turn === undefined || !(await this.#committed)) {
      return false
    }
    if (turn === 'idle') {
      await this.#tick(partition)
      return true
    }
    this.#committed = this.#commit(turn)
    // Awaited by the next turn, or at the end.
    this.#committed.catch(() => undefined)
    return true
  }

  /** Reads and applies. A function of its own, so that what was read is not kept while its results are committed. */
  async #turn(partition: StagePartition): Promise<Turn | 'idle' | undefined> {
    const records = await this.#persist(() => this.#read())
    return records === undefined ? undefined : records.length === 0 ? 'idle' : this.#apply(partition, records)
  }

  #read(): Promise<readonly StoredRecord[]> {
    const { maxRecords, maxBytes, idleMs } = this.#batch
    return this.#assignment.read({ maxRecords, maxBytes, waitMs: idleMs })
  }

  #apply(partition: StagePartition, records: readonly StoredRecord[]): Turn {
    const result = this.#guard(() => partition.apply(records), records)
    this.#watch.observe(records.length, result.poison)
    return {
      result,
      commit: {
        next: (records.at(-1)?.offset ?? 0) + 1,
        outputs: [...result.outputs, ...this.#deadLetters(result.poison)],
        state: this.#guard(() => partition.changes(), records),
      },
    }
  }

  /** Whether it was committed: it is not when the loop is told to stop while the bus is unavailable. */
  async #commit({ result, commit }: Turn): Promise<boolean> {
    const committed = await this.#persist(async () => {
      await this.#assignment.commit(commit)
      return true
    })
    if (committed !== true) {
      return false
    }
    this.#run.onOutcomes?.(this.#run.stage.id, outcomesOf(result))
    this.#run.onOutputs?.(result.outputs)
    return true
  }

  async #tick(partition: StagePartition): Promise<void> {
    const record = this.#guard(() => partition.tick?.(this.#nowMs()), [])
    if (record !== undefined) {
      await this.#persist(() => this.#assignment.append(this.#assignment.topic, [record]))
    }
  }

  /** A stage that throws is a bug; says where, so that the record can be found. */
  #guard<Result>(call: () => Result, records: readonly StoredRecord[]): Result {
    try {
      return call()
    } catch (cause) {
      const { topic, partition } = this.#assignment
      const place =
        records.length === 0 ? 'while idle' : `at offsets ${records[0]?.offset} to ${records.at(-1)?.offset}`
      throw new Error(`the ${this.#run.stage.id} stage failed on ${topic}/${partition} ${place}`, { cause })
    }
  }

  #deadLetters(poison: StageResult['poison']): readonly { readonly topic: Topic; readonly records: BusRecord[] }[] {
    const { topic, partition } = this.#assignment
    const time_ms = this.#nowMs()
    const records = poison.map(({ record, reason }) => {
      const place = { topic, partition, offset: record.offset }
      return deadLetterRecord(deadLetterOf({ time_ms, stage: this.#run.stage.id, reason, ...place }, record))
    })
    return records.length === 0 ? [] : [{ topic: 'dead_letters', records }]
  }

  #nowMs(): number {
    return (this.#run.now ?? Date.now)()
  }

  #persist<Result>(call: () => Promise<Result>): Promise<Result | undefined> {
    return untilAvailable(call, this.#signal, (error) => this.#run.onRetry?.(this.#run.stage.id, error))
  }
}

function outcomesOf(result: StageResult): OutcomeCounts {
  const outcomes = new Map(result.outcomes)
  for (const { reason } of result.poison) {
    addOutcomes(outcomes, new Map([[`rejected:${reason}`, 1]]))
  }
  return outcomes
}
