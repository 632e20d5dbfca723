/** Senders that do not wait: requests leave at their pace, whatever becomes of those before them. */
import { Agent, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { SPANS_PER_REQUEST } from './load.ts'
import { openRawGrpc, type RawGrpc } from './raw-grpc.ts'
import type { TelltaleProcess } from './telltale-process.ts'

/** How often each kind of answer came. */
export type Answers = ReadonlyMap<string, number>

/** Requests on their way at once; more would only wait in this process. */
const MAX_OUTSTANDING = 400
const GRPC_CHANNELS = 4

export class Sender {
  readonly #telltale: TelltaleProcess
  readonly #agent = new Agent({ keepAlive: true, maxSockets: MAX_OUTSTANDING })
  readonly #answers = new Map<string, number>()
  /** Spans of `sendAll` that were acknowledged. */
  taken = 0

  constructor(telltale: TelltaleProcess) {
    this.#telltale = telltale
  }

  get answers(): Answers {
    return this.#answers
  }

  /** Sends `requests`, four at a time, each until it is taken. */
  async sendAll(fresh: () => Buffer, requests: number): Promise<void> {
    let left = requests
    const worker = async () => {
      while (left > 0) {
        left -= 1
        const body = fresh()
        while ((await this.#post(body, false)) !== 'taken') {
          await sleep(100)
        }
        this.taken += SPANS_PER_REQUEST
      }
    }
    await Promise.all(Array.from({ length: 4 }, worker))
  }

  /** Sends at a pace and never again what was refused. Every eighth goes by gRPC, every eighth is compressed. */
  async flood(fresh: () => Buffer, pace: { readonly perSecond: number; readonly seconds: number }): Promise<void> {
    const channels = Array.from({ length: GRPC_CHANNELS }, () =>
      openRawGrpc(this.#telltale.otlpGrpc, undefined, { 'grpc.use_local_subchannel_pool': 1 }),
    )
    const outstanding = new Set<Promise<void>>()
    const start = performance.now()
    let sent = 0
    while (performance.now() - start < pace.seconds * 1000) {
      const due = ((performance.now() - start) / 1000) * pace.perSecond
      while (sent < due && outstanding.size < MAX_OUTSTANDING) {
        const channel = channels[sent % GRPC_CHANNELS]
        const body = fresh()
        const answer = sent % 8 === 7 && channel !== undefined ? call(channel, body) : this.#post(body, sent % 8 === 3)
        sent += 1
        const counted = answer.then((word) => {
          outstanding.delete(counted)
          this.#answers.set(word, (this.#answers.get(word) ?? 0) + 1)
        })
        outstanding.add(counted)
      }
      await sleep(1)
    }
    await Promise.all(outstanding)
    for (const channel of channels) {
      channel.close()
    }
    this.#agent.destroy()
  }

  /** Milliseconds until a request of one empty span is taken. */
  async probe(): Promise<number> {
    const start = performance.now()
    const body = Buffer.from('{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"probe"}]}]}]}')
    while ((await this.#post(body, false, 'application/json')) !== 'taken') {
      await sleep(20)
    }
    return performance.now() - start
  }

  #post(body: Buffer, gzip: boolean, type = 'application/x-protobuf'): Promise<string> {
    const sent = gzip ? gzipSync(body, { level: 1 }) : body
    const headers = {
      'content-type': type,
      'content-length': sent.length,
      ...(gzip ? { 'content-encoding': 'gzip' } : {}),
    }
    return new Promise((resolve) => {
      const url = `${this.#telltale.otlp}/v1/traces`
      const outgoing = request(url, { method: 'POST', agent: this.#agent, headers }, (response) => {
        const retry = response.headers['retry-after'] === undefined ? 'without' : 'with'
        const { statusCode } = response
        response.resume()
        resolve(statusCode === 200 ? 'taken' : `HTTP ${statusCode} ${retry} Retry-After`)
      })
      outgoing.on('error', (error: NodeJS.ErrnoException) => {
        resolve(['ECONNRESET', 'EPIPE'].includes(error.code ?? '') ? 'connection reset' : `no answer: ${error.code}`)
      })
      outgoing.end(sent)
    })
  }
}

async function call(channel: RawGrpc, body: Buffer): Promise<string> {
  const error = await channel.call(body)
  const details = error?.metadata.get('grpc-status-details-bin').length === 0 ? 'without' : 'with'
  return error === null ? 'taken' : `gRPC ${error.code} ${details} RetryInfo`
}
