/** `npm run bench:kafka -- kill|rebalance|outage|answers|throughput|restart`: the pipeline over a real broker. */
import { readdirSync, readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { type Brokers, startBrokers } from '../../test/kafka/brokers.ts'
import type { KillResult } from '../kill.ts'
import { reportKills } from '../kill-report.ts'
import { loadRequests, markedRequests } from '../load.ts'
import { measureLostAnswers } from './answers.ts'
import { probeEvent } from './events.ts'
import { measureFleetKills } from './kill-fleet.ts'
import { measureOutage } from './outage.ts'
import { measureRebalance } from './rebalance.ts'
import { measureRestart } from './restart.ts'
import { APART, FEW, measureFleetLatency, measureFleetThroughput } from './throughput.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    kafka: { type: 'string', default: '4.2' },
    kills: { type: 'string', default: '100' },
    times: { type: 'string', default: '20' },
    minutes: { type: 'string', default: '5' },
    agents: { type: 'string', default: '100000' },
    requests: { type: 'string', default: '600' },
    apart: { type: 'boolean', default: false },
    victims: { type: 'string' },
    seed: { type: 'string', default: '1' },
  },
})
const version = values.kafka === '3.9' ? '3.9' : '4.2'
const seed = Number(values.seed)
/** What `docker-compose.yml` gives a process. */
const STAGE_BYTES = 1024 ** 3
const mib = (bytes: number) => `${Math.round(bytes / 1024 / 1024)} MiB`
const say = (line: string) => console.error(`${new Date().toISOString().slice(11, 19)} ${line}`)

const drills: Readonly<Record<string, () => Promise<boolean>>> = {
  kill,
  rebalance,
  outage,
  answers,
  throughput,
  restart,
}
const drill = drills[positionals[0] ?? '']
if (drill === undefined) {
  console.error(`which? ${Object.keys(drills).join(', ')}`)
  process.exitCode = 2
} else {
  process.exitCode = (await drill()) ? 0 : 1
}

async function kill(): Promise<boolean> {
  const settings = { 'group.min.session.timeout.ms': 1000 }
  return withBrokers(settings, async (brokers) => {
    const result = await measureFleetKills({
      kills: Number(values.kills),
      seed,
      brokers,
      ...(values.victims === undefined ? {} : { victims: values.victims.split(',') }),
      onKill: (count, victim) => (count % 10 === 0 ? say(`${count} kills, the last of ${victim}`) : undefined),
    })
    console.log(`of ${described(result.victims, String)}`)
    return reportKills(result)
  })
}

async function rebalance(): Promise<boolean> {
  return withBrokers({}, async ({ bootstrap }) => {
    const result = await measureRebalance({
      bootstrap,
      disturbances: Number(values.times),
      seed,
      freezeMs: 40_000,
      onDisturbance: (count, what) => say(`${count}: ${what}`),
    })
    console.log(`longest standstill           ${(result.longestStandstillMs / 1000).toFixed(1)} s`)
    return reportDrill('disturbances', result) && result.longestStandstillMs < 15_000
  })
}

async function outage(): Promise<boolean> {
  return withBrokers({}, async (brokers) => {
    const result = await measureOutage({ brokers, outageMs: Number(values.minutes) * 60_000, onPhase: say })
    console.log(`requests acknowledged        ${result.requests}, ${result.acknowledgedMeanwhile} without a broker`)
    console.log(`events, undisturbed          ${result.events}`)
    console.log(`events missing / strange     ${result.missingEvents.length} / ${result.strangeEvents.length}`)
    console.log(
      `caught up after              ${result.caughtUpMs.map((ms) => `${(ms / 1000).toFixed(1)} s`).join(', ')}`,
    )
    console.log(`most anonymous memory        ${described(result.mostBytes, mib)} (at most ${mib(STAGE_BYTES)} each)`)
    const isWithin = Object.values(result.mostBytes).every((bytes) => bytes <= STAGE_BYTES)
    return isWithin && result.missingEvents.length + result.strangeEvents.length === 0
  })
}

async function answers(): Promise<boolean> {
  const onLoss = (count: number, bytes: number) => say(`${count} times, ${bytes} bytes of answers lost`)
  const result = await measureLostAnswers({ version, times: Number(values.times), seed, onLoss })
  console.log(`bytes of answers lost        ${result.droppedBytes}`)
  return reportDrill('losses', result)
}

async function throughput(): Promise<boolean> {
  return withBrokers({}, async ({ bootstrap }) => {
    const broker = { bootstrap, pid: pidOfBroker() }
    const load = { identified: 0.5, agents: 500, startMs: Date.now() }
    const requests = await loadRequests({ ...load, requests: Number(values.requests), seed: 'kafka' })
    const { spansPerSecond, cpuUsPerSpan, anonymousBytes } = await measureFleetThroughput(
      requests,
      broker,
      values.apart ? APART : FEW,
    )
    const sum = Object.values(cpuUsPerSpan).reduce((total, us) => total + us, 0)
    console.log(`spans/s                      ${Math.round(spansPerSecond)}`)
    console.log(`us of processor a span       ${described(cpuUsPerSpan, (us) => us.toFixed(1))}; all ${sum.toFixed(1)}`)
    console.log(`anonymous memory             ${described(anonymousBytes, mib)}`)
    const spans = 64
    const marked = await markedRequests({ ...load, identified: 1, requests: 800, seed: 'latency' }, spans)
    const latency = await measureFleetLatency(marked, (1000 * spans) / 2000, broker)
    const { p50Ms, p99Ms, maxMs } = latency
    console.log(
      `request to webhook           p50 ${p50Ms.toFixed(0)} ms, p99 ${p99Ms.toFixed(0)} ms, longest ${maxMs.toFixed(0)} ms (${latency.alerts} alerts at 2,000 spans/s)`,
    )
    return spansPerSecond >= 10_000 && p99Ms <= 500
  })
}

async function restart(): Promise<boolean> {
  return withBrokers({}, async ({ bootstrap }) => {
    const result = await measureRestart(bootstrap, Number(values.agents), probeEvent)
    const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`
    console.log(`agents with state            ${result.agents}`)
    console.log(
      `judging every partition      ${seconds(result.sinceStartMs)} after the start, ${seconds(result.firstAlertMs)} after the kill`,
    )
    return result.sinceStartMs <= 10_000
  })
}

async function withBrokers(
  settings: Readonly<Record<string, number>>,
  use: (brokers: Brokers) => Promise<boolean>,
): Promise<boolean> {
  const brokers = await startBrokers({ version, settings })
  try {
    return await use(brokers)
  } finally {
    await brokers.stop()
  }
}

function reportDrill(what: string, result: KillResult): boolean {
  console.log(what)
  return reportKills(result)
}

function described(numbers: Readonly<Record<string, number>>, text: (value: number) => string): string {
  return Object.entries(numbers)
    .map(([name, value]) => `${name} ${text(value)}`)
    .join(', ')
}

/** The Java process that this one has started. */
function pidOfBroker(): number {
  for (const entry of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const parent = /^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${entry}/status`, 'utf8'))?.[1]
      if (Number(parent) === process.pid && readFileSync(`/proc/${entry}/cmdline`, 'utf8').includes('kafka.Kafka')) {
        return Number(entry)
      }
    } catch {
      // It has ended meanwhile.
    }
  }
  throw new Error('the broker has no process')
}
