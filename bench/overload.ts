/**
 * `npm run bench:overload`: five times as much as it can take, for a minute, over HTTP and gRPC, compressed and not. The
 * process must stay up and within its memory, refuse what it cannot take in the words that exporters retry on, keep
 * everything that it acknowledged, and be itself again soon after.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { loadRequests, SPANS_PER_REQUEST } from './load.ts'
import { type Answers, Sender } from './overload-sender.ts'
import { restamper } from './restamp.ts'
import { TelltaleProcess } from './telltale-process.ts'

const SEED = 'overload'
const MIB = 1024 * 1024
const TIMES_CAPACITY = 5
const NORMAL_WITHIN_MS = 10_000
/** In a row, so that one quick answer between slow ones is not taken for recovery. */
const NORMAL_ANSWERS = 10

/** Nobody asked to come back, but exporters do: the message did not arrive in time, or the connection was at its end. */
const RETRIED = ['gRPC 4 without RetryInfo', 'connection reset']

interface Health {
  readonly status: string
  readonly reasons: readonly string[]
  readonly uptime_s: number
  readonly records: {
    readonly received: number
    readonly in_flight: number
    readonly outcomes: Readonly<Record<string, number>>
  }
}

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    'memory-mib': { type: 'string', default: '1280' },
  },
})
const seconds = Number(values.seconds)
const directory = await mkdtemp(join(tmpdir(), 'telltale-overload-'))
const telltale = await TelltaleProcess.prepare(directory, {})
const bodies = await loadRequests({
  requests: 40,
  identified: 0.5,
  agents: 200,
  startMs: Date.now(),
  seed: SEED,
})
const stamps = bodies.map((body) => restamper(body, SEED))
let made = 0
/** A request that was never sent before. */
function fresh(): Buffer {
  made += 1
  return (stamps[made % stamps.length] as (number: number) => Buffer)(made)
}

try {
  await telltale.start()
  process.exitCode = (await measure()) ? 0 : 1
} finally {
  await telltale.stop()
  await rm(directory, { recursive: true, force: true })
}

async function measure(): Promise<boolean> {
  const calm = new Sender(telltale)
  const capacity = await capacityOf(calm)
  const normalMs = await normalAnswer(calm)
  show('capacity', `${round(capacity)} spans/s, all judged and stored`)
  show('an answer, normally', `${normalMs.toFixed(1)} ms`)

  const memory = watchMemory()
  const flood = new Sender(telltale)
  await flood.flood(fresh, { perSecond: (TIMES_CAPACITY * capacity) / SPANS_PER_REQUEST, seconds })
  const recoveredMs = await untilNormal(calm, normalMs)
  const drainedMs = await untilDrained()
  const most = memory.stop()

  const { answers } = flood
  const sent = sum(answers.values())
  const taken = answers.get('taken') ?? 0
  show(
    'offered',
    `${round((sent * SPANS_PER_REQUEST) / seconds)} spans/s, ${((sent * SPANS_PER_REQUEST) / seconds / capacity).toFixed(1)} times capacity`,
  )
  show('taken', `${round((taken * SPANS_PER_REQUEST) / seconds)} spans/s`)
  for (const [answer, count] of [...answers].sort()) {
    show(`  ${answer}`, `${round(count)} requests`)
  }
  show('most memory', `${round(most.self / MIB)} MiB anonymous (store ${round(most.store / MIB)} MiB)`)
  show('normal answers again', `after ${round(recoveredMs)} ms`)
  show('backlog judged and stored', `after ${round(drainedMs)} ms more`)
  const faults = [
    ...faultsOf(answers),
    ...(most.self > Number(values['memory-mib']) * MIB ? ['memory was above its limit'] : []),
    ...(recoveredMs > NORMAL_WITHIN_MS ? ['answers stayed slow'] : []),
    ...(await unkept(taken * SPANS_PER_REQUEST + calm.taken)),
  ]
  for (const fault of faults) {
    console.log(`WRONG: ${fault}`)
  }
  return faults.length === 0
}

/** Spans a second through everything, from a sender that waits for its turn. */
async function capacityOf(sender: Sender): Promise<number> {
  // Compilation, first pages of the log, first parts of the store.
  await sender.sendAll(fresh, 40)
  await telltale.drain()
  const start = performance.now()
  const requests = 400
  await sender.sendAll(fresh, requests)
  await telltale.drain()
  return (requests * SPANS_PER_REQUEST * 1000) / (performance.now() - start)
}

async function normalAnswer(sender: Sender): Promise<number> {
  await sleep(3000)
  const times: number[] = []
  for (let probe = 0; probe < 40; probe += 1) {
    times.push(await sender.probe())
    await sleep(50)
  }
  return times.sort((a, b) => a - b)[Math.floor(times.length * 0.9)] as number
}

/** How long after now an answer takes no longer than usual, the machine's moods allowed for. */
async function untilNormal(sender: Sender, normalMs: number): Promise<number> {
  const start = performance.now()
  let since = start
  let inARow = 0
  while (inARow < NORMAL_ANSWERS && performance.now() - start < 120_000) {
    const tookMs = await sender.probe()
    if (tookMs <= Math.max(3 * normalMs, 25)) {
      inARow += 1
    } else {
      inARow = 0
      since = performance.now()
    }
    await sleep(50)
  }
  return since - start
}

async function untilDrained(): Promise<number> {
  const start = performance.now()
  await telltale.settle()
  return performance.now() - start
}

function watchMemory(): { stop(): { readonly self: number; readonly store: number } } {
  const most = { self: 0, store: 0 }
  const look = () => {
    const { self, store } = telltale.usage()
    most.self = Math.max(most.self, self.anonymousBytes)
    most.store = Math.max(most.store, store.anonymousBytes)
  }
  const timer = setInterval(look, 100)
  return {
    stop: () => {
      clearInterval(timer)
      return most
    },
  }
}

/** Answers that no exporter would know what to do with. */
function faultsOf(answers: Answers): readonly string[] {
  const fine = new Set(['taken', 'HTTP 503 with Retry-After', 'gRPC 14 with RetryInfo', ...RETRIED])
  return [...answers.keys()].filter((answer) => !fine.has(answer)).map((answer) => `answered ${answer}`)
}

/** What was acknowledged and is not in the store. */
async function unkept(acknowledged: number): Promise<readonly string[]> {
  const ask = async <Body>(path: string) => (await (await fetch(`${telltale.api}/api/v1/${path}`)).json()) as Body
  const { records, status, reasons, uptime_s } = await ask<Health>('health')
  const ended = (stage: string) =>
    sum(Object.entries(records.outcomes).flatMap(([name, count]) => (name.startsWith(`${stage}.`) ? [count] : [])))
  const accepted = records.received - ended('collect')
  const events = ['event', 'event:early', 'synthesized'].map((name) => records.outcomes[`assemble.${name}`] ?? 0)
  const { items } = await ask<{ items: readonly { readonly events: number }[] }>('agents')
  const stored = sum(items.map(({ events: count }) => count))
  show('spans acknowledged / accepted', `${round(acknowledged)} / ${round(accepted)}`)
  show('events made / stored', `${round(sum(events))} / ${round(stored)}`)
  return [
    ...(status === 'ok' ? [] : [`health is ${status}: ${reasons.join(', ')}`]),
    ...(uptime_s < seconds ? ['the process is another one'] : []),
    ...(records.in_flight === 0 ? [] : [`${records.in_flight} records have no end`]),
    ...(accepted >= acknowledged ? [] : ['more was acknowledged than accepted']),
    ...(stored === sum(events) ? [] : ['the store does not hold the events that were made']),
  ]
}

function sum(numbers: Iterable<number>): number {
  let total = 0
  for (const number of numbers) {
    total += number
  }
  return total
}

function round(value: number): string {
  return Math.round(value).toLocaleString('en')
}

function show(what: string, value: string): void {
  console.log(`${what.padEnd(32)} ${value}`)
}
