/** The whole of it live: a real process, real doors, bus, store and webhook; how much it takes and how long it takes. */
import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { openReceiver } from '../commands/receiver.ts'
import { type MarkedRequest, SPANS_PER_REQUEST } from './load.ts'
import { type ProcessUsage, TelltaleProcess } from './telltale-process.ts'

export interface Throughput {
  readonly spansPerSecond: number
  /** Spans for each second of processor time, by process. */
  readonly spansPerCpuSecond: { readonly all: number; readonly self: number; readonly store: number }
  readonly anonymousBytes: { readonly self: number; readonly store: number }
}

const CONNECTIONS = 8

/** What the agents of the load may do, which is what they do, but for a violation now and then. */
export const LOAD_POLICY = {
  version: 1,
  id: 'load',
  owner: 'bench',
  agent: { id: 'agent-*' },
  tools: { allow: ['contracts.*', 'ledger.*', 'mail.*'], deny: ['ledger.delete*'] },
  egress: { allow: ['*.example.com'], ports: [443] },
}

/** Sends all requests as fast as they are taken, and waits until everything is judged, delivered and stored. */
export async function measureThroughput(requests: readonly Uint8Array[]): Promise<Throughput> {
  const secret = newSecret()
  let alerts = 0
  const receiver = await openReceiver(secret, () => {
    alerts += 1
  })
  try {
    const throughput = await throughputOf(requests, { sinks: [webhookOf(receiver.url, secret)] })
    if (alerts === 0) {
      throw new Error('the load raised no alert: its agents were not judged')
    }
    return throughput
  } finally {
    await receiver.close()
  }
}

const newSecret = () => `whsec_${randomBytes(32).toString('base64')}`

const webhookOf = (url: string, secret: string) => ({
  type: 'webhook',
  name: 'receiver',
  url,
  secret,
  allow: ['127.0.0.0/8'],
})

function throughputOf(
  requests: readonly Uint8Array[],
  settings: Readonly<Record<string, unknown>>,
): Promise<Throughput> {
  return withTelltale(settings, [LOAD_POLICY], async (telltale) => {
    const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS })
    // The first tenth warms up: compilation, first pages of the log, first parts of the store.
    const warm = Math.ceil(requests.length / 10)
    await sendAll(telltale.otlp, requests.slice(0, warm), agent)
    await telltale.drain()
    const before = telltale.usage()
    const start = process.hrtime.bigint()
    const measured = requests.slice(warm)
    await sendAll(telltale.otlp, measured, agent)
    await telltale.drain()
    const seconds = Number(process.hrtime.bigint() - start) / 1e9
    const after = telltale.usage()
    agent.destroy()
    const spans = measured.length * SPANS_PER_REQUEST
    const cpu = (of: 'self' | 'store') => after[of].cpuSeconds - before[of].cpuSeconds
    const memory = ({ anonymousBytes }: ProcessUsage) => anonymousBytes
    return {
      spansPerSecond: spans / seconds,
      spansPerCpuSecond: {
        all: spans / (cpu('self') + cpu('store')),
        self: spans / cpu('self'),
        store: spans / cpu('store'),
      },
      anonymousBytes: { self: memory(after.self), store: memory(after.store) },
    }
  })
}

export interface Latency {
  readonly alerts: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}

/** Sends requests at a steady pace; the time from the start of a request to its alert at the webhook. */
export async function measureLatency(marked: readonly MarkedRequest[], everyMs: number): Promise<Latency> {
  const sentMs = new Map<string, number>()
  const latencies: number[] = []
  const secret = newSecret()
  const receiver = await openReceiver(secret, ({ session_id }) => {
    const sent = sentMs.get(session_id)
    if (sent !== undefined) {
      latencies.push(performance.now() - sent)
      sentMs.delete(session_id)
    }
  })
  try {
    await withTelltale({ sinks: [webhookOf(receiver.url, secret)] }, [], async (telltale) => {
      const agent = new Agent({ keepAlive: true })
      const warm = Math.ceil(marked.length / 5)
      await paced(marked.slice(0, warm), everyMs, telltale.otlp, agent)
      await sleep(1000)
      await paced(marked.slice(warm), everyMs, telltale.otlp, agent, sentMs)
      await sleep(3000)
      agent.destroy()
    })
  } finally {
    await receiver.close()
  }
  if (sentMs.size > 0) {
    throw new Error(`${sentMs.size} alerts never came`)
  }
  return latencyOf(latencies)
}

export function latencyOf(milliseconds: readonly number[]): Latency {
  const sorted = [...milliseconds].sort((a, b) => a - b)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] as number
  return { alerts: sorted.length, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) }
}

/** Sends at a steady pace, whatever the door does; `sentMs` is told when each began, by its session. */
export async function paced(
  marked: readonly MarkedRequest[],
  everyMs: number,
  door: string,
  agent: Agent,
  sentMs?: Map<string, number>,
): Promise<void> {
  const start = performance.now()
  const sending: Promise<void>[] = []
  for (const [index, { body, session }] of marked.entries()) {
    await sleep(Math.max(0, start + index * everyMs - performance.now()))
    sentMs?.set(session, performance.now())
    sending.push(post(door, body, agent))
  }
  await Promise.all(sending)
}

/** @param policies instead of those that come with Telltale, when there are any. */
async function withTelltale<Result>(
  settings: Readonly<Record<string, unknown>>,
  policies: readonly object[],
  use: (telltale: TelltaleProcess) => Promise<Result>,
): Promise<Result> {
  const directory = await mkdtemp(join(tmpdir(), 'telltale-bench-'))
  if (policies.length > 0) {
    await mkdir(join(directory, 'policies'))
    await writeFile(
      join(directory, 'policies', 'load.yml'),
      policies.map((policy) => JSON.stringify(policy)).join('\n---\n'),
    )
  }
  const own = policies.length > 0 ? { policies: './policies' } : {}
  const telltale = await TelltaleProcess.prepare(directory, { ...settings, ...own })
  try {
    await telltale.start()
    return await use(telltale)
  } finally {
    await telltale.stop()
    await rm(directory, { recursive: true, force: true })
  }
}

/** Sends as fast as the door takes, on so many connections as `agent` has. */
export async function sendAll(door: string, requests: readonly Uint8Array[], agent: Agent): Promise<void> {
  let next = 0
  const worker = async () => {
    for (let body = requests[next++]; body !== undefined; body = requests[next++]) {
      await post(door, body, agent)
    }
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, worker))
}

/** Comes back when it is told to, as exporters do. */
async function post(door: string, body: Uint8Array, agent: Agent): Promise<void> {
  for (;;) {
    const status = await postOnce(door, body, agent)
    if (status === 200) {
      return
    }
    if (status !== 503 && status !== 429) {
      throw new Error(`the door answered ${status}`)
    }
    await sleep(100)
  }
}

function postOnce(door: string, body: Uint8Array, agent: Agent): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/x-protobuf', 'content-length': body.length }
    const outgoing = request(`${door}/v1/traces`, { method: 'POST', agent, headers }, (response) => {
      response.resume()
      response.on('end', () => resolve(response.statusCode))
    })
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      // The door closes a connection after so many requests; one that was on its way then is sent anew.
      if (outgoing.reusedSocket && error.code === 'ECONNRESET') {
        resolve(503)
      } else {
        reject(error)
      }
    })
    outgoing.end(body)
  })
}
