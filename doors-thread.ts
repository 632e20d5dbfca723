/**
 * The thread of the doors: OTLP in, fragments out to the thread that has the bus. What costs most, reading and
 * sanitizing telemetry, so has a core of its own, and a pause of the engine keeps no client waiting at the door.
 *
 * Speaks with `doors.ts`, which starts it, in the messages below. Counts travel with whatever is said next, and before
 * it: nothing is ever judged that was not counted as received.
 */
import { setPriority } from 'node:os'
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { authorizer } from './api/keys.ts'
import type { Collector } from './collectors/collector.ts'
import { startOtlpGrpc } from './collectors/otlp/grpc.ts'
import { startOtlpHttp } from './collectors/otlp/http.ts'
import { InFlight } from './collectors/otlp/in-flight.ts'
import type { DoorOptions } from './collectors/otlp/receive.ts'
import type { Config } from './config.ts'
import { packRecords } from './engine/bus/packed.ts'
import { fragmentRecord } from './engine/records.ts'
import { Unavailable } from './schema/errors.ts'
import type { Fragment } from './schema/fragment.ts'
import { openIntake } from './wire-intake.ts'

/** The settings that concern the doors: plain values, which can go to another thread. */
export type DoorsConfig = Pick<Config, 'listen' | 'limits' | 'keys' | 'tenant' | 'retention'>

/** Given to the thread when it starts. */
export interface DoorsStart {
  readonly config: DoorsConfig
  /** How long a door waits for its clients when it closes. */
  readonly closeMs: number
  /** One number, not zero while the stages are so far behind that nothing more may come in. */
  readonly full: Int32Array
  /** SHA-256 of the credentials whose masks name them, until others are told. */
  readonly decoys: ReadonlySet<string>
}

export type ToDoors =
  | { readonly type: 'appended'; readonly id: number }
  | { readonly type: 'refused'; readonly id: number; readonly message: string; readonly retryAfterMs: number }
  | { readonly type: 'failed'; readonly id: number; readonly message: string }
  | { readonly type: 'count'; readonly id: number }
  | { readonly type: 'decoys'; readonly decoys: ReadonlySet<string> }
  | { readonly type: 'close' }

/** What happened at the doors since the last message. */
export interface DoorCounts {
  readonly received: ReadonlyMap<string, number>
  readonly outcomes: ReadonlyMap<string, number>
}

export type FromDoors =
  | { readonly type: 'opened'; readonly otlpHttp: string; readonly otlpGrpc: string }
  | { readonly type: 'unopened'; readonly message: string; readonly code?: string; readonly port?: number }
  | { readonly type: 'append'; readonly id: number; readonly counts: DoorCounts; readonly records: Uint8Array }
  /** `id` of who asked; without one nobody has, for a while. */
  | { readonly type: 'counted'; readonly id?: number; readonly counts: DoorCounts }
  | { readonly type: 'bug'; readonly error: unknown }
  | { readonly type: 'closed'; readonly counts: DoorCounts }

/**
 * What came in is judged before more comes in: where both want a core, the engine's thread has it three times as long.
 * On Linux alone threads have priorities of their own.
 */
const NICENESS = 5

/** Where nothing is appended nothing is said; metrics want to know all the same. */
const COUNTS_EVERY_MS = 1000

/** Answers to what was asked to be appended, by number. */
class Appends {
  readonly #waiting = new Map<number, { resolve: () => void; reject: (error: Error) => void }>()
  #last = 0

  open(): { readonly id: number; readonly appended: Promise<void> } {
    this.#last += 1
    const id = this.#last
    const appended = new Promise<void>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
    })
    return { id, appended }
  }

  settle(id: number, error?: Error): void {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    if (error === undefined) {
      waiting?.resolve()
    } else {
      waiting?.reject(error)
    }
  }
}

class Counts {
  #received = new Map<string, number>()
  #outcomes = new Map<string, number>()

  received(signal: string, records: number): void {
    this.#received.set(signal, (this.#received.get(signal) ?? 0) + records)
  }

  count(outcome: string, records: number): void {
    this.#outcomes.set(outcome, (this.#outcomes.get(outcome) ?? 0) + records)
  }

  get isEmpty(): boolean {
    return this.#received.size === 0 && this.#outcomes.size === 0
  }

  take(): DoorCounts {
    const taken = { received: this.#received, outcomes: this.#outcomes }
    this.#received = new Map()
    this.#outcomes = new Map()
    return taken
  }
}

async function serve(port: MessagePort, { config, closeMs, full, ...start }: DoorsStart): Promise<void> {
  let { decoys } = start
  const say = (message: FromDoors, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer)
  const counts = new Counts()
  const appends = new Appends()
  const open: Collector[] = []
  const options: Omit<DoorOptions, 'port'> = {
    host: config.listen.host,
    intake: openIntake({
      publish: (fragments: readonly Fragment[]) => {
        const { id, appended } = appends.open()
        const records = packRecords(fragments.map(fragmentRecord))
        say({ type: 'append', id, counts: counts.take(), records }, [records.buffer])
        return appended
      },
      count: (outcome, records) => counts.count(outcome, records),
      retention: config.retention.content,
      decoys: () => decoys,
    }),
    authenticate: doorkeeper(config),
    count: (outcome, records) => counts.count(outcome, records),
    received: (signal, records) => counts.received(signal, records),
    limits: {
      bodyBytes: config.limits.request_bytes,
      compressedBytes: config.limits.compressed_bytes,
      closeMs,
    },
    inFlight: new InFlight(config.limits.in_flight_bytes, () => Atomics.load(full, 0) !== 0),
    bug: (error) => say({ type: 'bug', error: error instanceof Error ? error : String(error) }),
  }
  port.on('message', (message: ToDoors) => {
    switch (message.type) {
      case 'appended':
        appends.settle(message.id)
        break
      case 'refused':
        appends.settle(message.id, new Unavailable(message.message, { retryAfterMs: message.retryAfterMs }))
        break
      case 'failed':
        appends.settle(message.id, new Error(message.message))
        break
      case 'count':
        say({ type: 'counted', id: message.id, counts: counts.take() })
        break
      case 'decoys':
        decoys = message.decoys
        break
      case 'close':
        void Promise.all(open.map((door) => door.close())).then(() => say({ type: 'closed', counts: counts.take() }))
        break
    }
  })
  const tellCounts = () => (counts.isEmpty ? undefined : say({ type: 'counted', counts: counts.take() }))
  setInterval(tellCounts, COUNTS_EVERY_MS).unref()
  try {
    const http = await startOtlpHttp({ ...options, port: config.listen.otlp_http_port })
    open.push(http)
    const grpc = await startOtlpGrpc({ ...options, port: config.listen.otlp_grpc_port })
    open.push(grpc)
    say({ type: 'opened', otlpHttp: http.address, otlpGrpc: grpc.address })
  } catch (error) {
    const { message, code, port: taken } = error as Error & { readonly code?: string; readonly port?: number }
    const fault = { ...(code === undefined ? {} : { code }), ...(taken === undefined ? {} : { port: taken }) }
    say({ type: 'unopened', message, ...fault })
  }
}

function doorkeeper(config: DoorsConfig): DoorOptions['authenticate'] {
  const authorize = authorizer(config.keys, config.tenant)
  return (authorization) => authorize(authorization, 'ingest')
}

function judgeFirst(): void {
  try {
    if (process.platform === 'linux') {
      setPriority(NICENESS)
    }
  } catch {
    // Forbidden here; then both are equal.
  }
}

if (parentPort !== null) {
  judgeFirst()
  await serve(parentPort, workerData as DoorsStart)
}
