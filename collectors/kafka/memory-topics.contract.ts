/** For tests of the collector: foreign topics in memory, with brokers that can be away and partitions that can be taken. */
import { Unavailable } from '../../schema/errors.ts'
import type { OtlpPartition, OtlpTopicRecord, OtlpTopics } from './otlp-topic.ts'

class Log {
  readonly records: OtlpTopicRecord[] = []
  readonly commits: number[] = []
  #waiting: (() => void)[] = []

  get committed(): number {
    return this.commits.at(-1) ?? 0
  }

  change(): void {
    for (const look of this.#waiting.splice(0)) {
      look()
    }
  }

  /** Waits for what happens, not for time. */
  async until(isSo: () => boolean): Promise<void> {
    while (!isSo()) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
  }
}

export class MemoryTopics implements OtlpTopics {
  /** Reads that gave messages. */
  reads = 0
  /** How often `read` or `commit` is still answered that the brokers are away. */
  away = { read: 0, commit: 0 }
  /** What kills the process when it is about to commit. */
  crash: Error | undefined
  readonly #logs = new Map<string, Log>()
  readonly #owners = new Map<string, AbortController>()

  /** Puts messages on a partition, behind those that are there. */
  add(topic: string, values: readonly (Uint8Array | string | undefined)[], partition = 0): void {
    const log = this.#log(topic, partition)
    for (const value of values) {
      log.records.push({
        offset: log.records.length,
        value: typeof value === 'string' ? Buffer.from(value) : value,
        headers: new Map([['tenant', Buffer.from('from-a-header')]]),
      })
    }
    log.change()
  }

  /** Puts a record batch there that cannot be read. */
  addDamaged(topic: string, batch: Uint8Array, partition = 0): void {
    const log = this.#log(topic, partition)
    log.records.push({ offset: log.records.length, value: batch, headers: new Map(), isDamaged: true })
    log.change()
  }

  /** Every offset that was committed, in order. */
  commits(topic: string, partition = 0): readonly number[] {
    return this.#log(topic, partition).commits
  }

  /** Resolves when everything that is on the partition is committed. */
  drained(topic: string, partition = 0): Promise<void> {
    const log = this.#log(topic, partition)
    return log.until(() => log.committed === log.records.length)
  }

  /** Takes a partition from its owner; nobody gets it until the next `consume`. */
  take(topic: string, partition = 0): void {
    this.#owners.get(`${topic}/${partition}`)?.abort()
    this.#log(topic, partition).change()
  }

  async consume(
    topics: readonly string[],
    own: (partition: OtlpPartition, signal: AbortSignal) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    const owning = [...this.#logs].flatMap(([name, log]) => {
      const [topic, partition] = name.split('/') as [string, string]
      return topics.includes(topic) ? [this.#own(topic, Number(partition), log, own, signal)] : []
    })
    await Promise.all(owning)
  }

  async #own(
    topic: string,
    partition: number,
    log: Log,
    own: (partition: OtlpPartition, signal: AbortSignal) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    const owner = new AbortController()
    const stop = () => {
      owner.abort()
      log.change()
    }
    signal.addEventListener('abort', stop)
    this.#owners.set(`${topic}/${partition}`, owner)
    const isLost = () => owner.signal.aborted && !signal.aborted
    let position = log.committed
    await own(
      {
        topic,
        partition,
        read: async ({ maxRecords, maxBytes = Number.POSITIVE_INFINITY }) => {
          this.#refuse('read', isLost())
          await log.until(() => log.records.length > position || owner.signal.aborted)
          const from = position
          let bytes = 0
          while (position < log.records.length && position - from < maxRecords) {
            bytes += log.records[position]?.value?.length ?? 0
            if (bytes > maxBytes && position > from) {
              break
            }
            position += 1
          }
          this.reads += position > from ? 1 : 0
          return log.records.slice(from, position)
        },
        commit: async (next) => {
          this.#refuse('commit', isLost())
          if (this.crash !== undefined) {
            throw this.crash
          }
          log.commits.push(next)
          log.change()
        },
      },
      owner.signal,
    )
    signal.removeEventListener('abort', stop)
  }

  #refuse(call: 'read' | 'commit', isLost: boolean): void {
    if (isLost) {
      throw new Unavailable('the partition is lost', { retryAfterMs: 1 })
    }
    if (this.away[call] > 0) {
      this.away[call] -= 1
      throw new Unavailable('the brokers are away', { retryAfterMs: 1 })
    }
  }

  #log(topic: string, partition: number): Log {
    const name = `${topic}/${partition}`
    const log = this.#logs.get(name) ?? new Log()
    this.#logs.set(name, log)
    return log
  }
}
