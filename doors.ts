/** Opens the doors in a thread of their own (`doors-thread.ts`), and appends to the bus what comes in there. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import type { DoorCounts, DoorsConfig, DoorsStart, FromDoors, ToDoors } from './doors-thread.ts'
import type { BusRecord } from './engine/bus/bus.ts'
import { unpackRecords } from './engine/bus/packed.ts'
import { packagePath } from './package-files.ts'
import { Unavailable } from './schema/errors.ts'

export interface Doors {
  /** Where they are, as URLs. */
  readonly otlpHttp: string
  readonly otlpGrpc: string
  /** Rejects when the thread ends by itself: a bug, or no memory. */
  readonly failed: Promise<never>
  /** Resolves when everything that happened at the doors before is counted here; at once when they are closed or gone. */
  counted(): Promise<void>
  /** Lets requests that have come in finish, for a while, and closes. */
  close(): Promise<void>
}

export interface DoorsOptions {
  readonly config: DoorsConfig
  /** How long clients get to finish when the doors close. */
  readonly closeMs: number
  /** SHA-256 of the credentials whose masks name them, asked again and again: another set when they are others. Default: none. */
  readonly decoys?: () => ReadonlySet<string>
  readonly append: (records: readonly BusRecord[]) => Promise<void>
  readonly received: (signal: string, records: number) => void
  readonly count: (outcome: string, records: number) => void
  /** Whether nothing more may come in. */
  readonly isFull: () => boolean
  /** Told of an error that nobody expected. */
  readonly bug: (error: unknown) => void
}

/** How often the thread learns whether more may come in, and which credentials are decoys. */
const LOOK_EVERY_MS = 100
/** On top of what clients get: what the thread itself may take. */
const THREAD_CLOSE_MS = 1000
const NO_DECOYS: ReadonlySet<string> = new Set()

/** Resolves when clients can connect. Rejects with the error of `listen`, its code and port, when they never can. */
export async function openDoors(options: DoorsOptions): Promise<Doors> {
  const { closeMs, decoys = () => NO_DECOYS } = options
  const { listen, limits, keys, tenant, retention } = options.config
  const config = { listen, limits, keys, tenant, retention }
  const full = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
  let known = decoys()
  const start: DoorsStart = { config, closeMs, full, decoys: known }
  const worker = new Worker(packagePath('dist/doors-thread.js'), { workerData: start, name: 'doors' })
  const thread = new DoorsThread(worker, options)
  const looking = setInterval(() => {
    Atomics.store(full, 0, options.isFull() ? 1 : 0)
    if (decoys() !== known) {
      known = decoys()
      thread.takeDecoys(known)
    }
  }, LOOK_EVERY_MS)
  looking.unref()
  thread.failed.catch(() => clearInterval(looking))
  try {
    const addresses = await Promise.race([thread.opened, thread.failed])
    return {
      ...addresses,
      failed: thread.failed,
      counted: () => thread.counted(),
      close: async () => {
        await thread.close(closeMs + THREAD_CLOSE_MS)
        clearInterval(looking)
      },
    }
  } catch (error) {
    clearInterval(looking)
    await thread.close(closeMs + THREAD_CLOSE_MS)
    throw error
  }
}

class DoorsThread {
  readonly opened: Promise<{ readonly otlpHttp: string; readonly otlpGrpc: string }>
  readonly failed: Promise<never>
  readonly #worker: Worker
  readonly #options: DoorsOptions
  readonly #counting = new Map<number, () => void>()
  #lastCount = 0
  #isClosing = false
  #isGone = false
  #closed: () => void = () => undefined

  constructor(worker: Worker, options: DoorsOptions) {
    this.#worker = worker
    this.#options = options
    this.failed = new Promise((_resolve, reject) => {
      worker.once('error', reject)
      worker.once('exit', (code) => {
        this.#isGone = true
        this.#endCounting()
        if (!this.#isClosing) {
          reject(new Error(`the thread of the doors ended by itself (${code})`))
        }
      })
    })
    this.failed.catch(() => undefined)
    this.opened = new Promise((resolve, reject) => {
      worker.on('message', (message: FromDoors) => {
        switch (message.type) {
          case 'opened':
            resolve({ otlpHttp: message.otlpHttp, otlpGrpc: message.otlpGrpc })
            break
          case 'unopened':
            reject(Object.assign(new Error(message.message), { code: message.code, port: message.port }))
            break
          case 'append':
            this.#count(message.counts)
            void this.#append(message.id, message.records)
            break
          case 'counted':
            this.#count(message.counts)
            this.#answerCount(message.id)
            break
          case 'bug':
            options.bug(message.error)
            break
          case 'closed':
            this.#count(message.counts)
            this.#closed()
            break
        }
      })
    })
  }

  counted(): Promise<void> {
    if (this.#isClosing || this.#isGone) {
      return Promise.resolve()
    }
    this.#lastCount += 1
    const id = this.#lastCount
    return new Promise((resolve) => {
      this.#counting.set(id, resolve)
      this.#say({ type: 'count', id })
    })
  }

  takeDecoys(decoys: ReadonlySet<string>): void {
    this.#say({ type: 'decoys', decoys })
  }

  async close(patienceMs: number): Promise<void> {
    this.#isClosing = true
    const closed = new Promise<void>((resolve) => {
      this.#closed = resolve
    })
    this.#say({ type: 'close' })
    const patience = new AbortController()
    const ended = this.failed.catch(() => undefined)
    const tooLong = sleep(patienceMs, undefined, { signal: patience.signal }).catch(() => undefined)
    await Promise.race([closed, ended, tooLong])
    patience.abort()
    await this.#worker.terminate()
  }

  #answerCount(id: number | undefined): void {
    if (id !== undefined) {
      this.#counting.get(id)?.()
      this.#counting.delete(id)
    }
  }

  /** Nobody answers any more; who waits for counts has what there is. */
  #endCounting(): void {
    for (const done of this.#counting.values()) {
      done()
    }
    this.#counting.clear()
  }

  #count({ received, outcomes }: DoorCounts): void {
    for (const [signal, records] of received) {
      this.#options.received(signal, records)
    }
    for (const [outcome, records] of outcomes) {
      this.#options.count(outcome, records)
    }
  }

  async #append(id: number, packed: Uint8Array): Promise<void> {
    try {
      await this.#options.append(unpackRecords(packed))
      this.#say({ type: 'appended', id })
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      this.#say(
        error instanceof Unavailable
          ? { type: 'refused', id, message, retryAfterMs: error.retryAfterMs }
          : { type: 'failed', id, message },
      )
    }
  }

  #say(message: ToDoors): void {
    this.#worker.postMessage(message)
  }
}
