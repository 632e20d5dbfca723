/** How much a fleet on two cores takes with a real broker beside it, what each part of it costs, and how long alerts take. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { Agent } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Latency, LOAD_POLICY, latencyOf, paced, sendAll } from '../live.ts'
import { type MarkedRequest, SPANS_PER_REQUEST } from '../load.ts'
import { usageOf } from '../telltale-process.ts'
import { Fleet } from './fleet.ts'

export interface FleetThroughput {
  readonly spansPerSecond: number
  /** Microseconds of processor time for each span, by process. */
  readonly cpuUsPerSpan: Readonly<Record<string, number>>
  readonly anonymousBytes: Readonly<Record<string, number>>
}

/** As few processes as the stages that must be apart. */
export const FEW = {
  collect: ['collect'],
  detect: ['assemble', 'detect', 'correlate', 'deliver'],
  write: ['write', 'serve'],
}
/** Each stage by itself, to see what it takes. */
export const APART = {
  collect: ['collect'],
  assemble: ['assemble'],
  detect: ['detect'],
  correlate: ['correlate'],
  deliver: ['deliver'],
  write: ['write', 'serve'],
}
export type Members = Readonly<Record<string, readonly string[]>>
const PARTITIONS = 4
const CONNECTIONS = 8

export interface Bootstrap {
  readonly bootstrap: readonly string[]
  /** The broker's process, to see what it takes. */
  readonly pid: number
}

/** Sends all requests as fast as they are taken, and waits until everything is judged, delivered and stored. */
export async function measureFleetThroughput(
  requests: readonly Uint8Array[],
  broker: Bootstrap,
  members: Members,
): Promise<FleetThroughput> {
  return withFleet(broker, members, [LOAD_POLICY], undefined, async (fleet) => {
    const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS })
    const [collector] = fleet.collectors
    const door = collector?.otlp ?? ''
    const warm = Math.ceil(requests.length / 10)
    await sendAll(door, requests.slice(0, warm), agent)
    await fleet.settle()
    const before = usages(fleet, broker)
    const beganMs = performance.now()
    const measured = requests.slice(warm)
    await sendAll(door, measured, agent)
    await fleet.stored()
    const seconds = (performance.now() - beganMs) / 1000
    const after = usages(fleet, broker)
    agent.destroy()
    const spans = measured.length * SPANS_PER_REQUEST
    const names = Object.keys(after)
    return {
      spansPerSecond: spans / seconds,
      cpuUsPerSpan: Object.fromEntries(
        names.map((name) => {
          const cpu = (after[name]?.cpuSeconds ?? 0) - (before[name]?.cpuSeconds ?? 0)
          return [name, (cpu * 1e6) / spans]
        }),
      ),
      anonymousBytes: Object.fromEntries(names.map((name) => [name, after[name]?.anonymousBytes ?? 0])),
    }
  })
}

/** Sends requests at a steady pace; the time from the start of a request to its alert at the webhook. */
export async function measureFleetLatency(
  marked: readonly MarkedRequest[],
  everyMs: number,
  broker: Bootstrap,
): Promise<Latency> {
  const sentMs = new Map<string, number>()
  const latencies: number[] = []
  const onAlert = ({ session_id }: { readonly session_id: string }) => {
    const sent = sentMs.get(session_id)
    if (sent !== undefined) {
      latencies.push(performance.now() - sent)
      sentMs.delete(session_id)
    }
  }
  return withFleet(broker, FEW, [], onAlert, async (fleet) => {
    const agent = new Agent({ keepAlive: true })
    const door = fleet.collectors[0]?.otlp ?? ''
    const warm = Math.ceil(marked.length / 5)
    await paced(marked.slice(0, warm), everyMs, door, agent)
    await sleep(1000)
    await paced(marked.slice(warm), everyMs, door, agent, sentMs)
    await fleet.settle()
    agent.destroy()
    if (sentMs.size > 0) {
      throw new Error(`${sentMs.size} alerts never came`)
    }
    return latencyOf(latencies)
  })
}

async function withFleet<Result>(
  { bootstrap }: Bootstrap,
  members: Members,
  policies: readonly object[],
  onAlert: ((alert: { readonly session_id: string }) => void) | undefined,
  use: (fleet: Fleet) => Promise<Result>,
): Promise<Result> {
  const directory = await mkdtemp(join(tmpdir(), 'telltale-policies-'))
  await writeFile(join(directory, 'load.yml'), policies.map((policy) => JSON.stringify(policy)).join('\n---\n'))
  const fleet = await Fleet.open({
    brokers: bootstrap,
    partitions: PARTITIONS,
    members,
    settings: policies.length === 0 ? {} : { policies: directory },
    ...(onAlert === undefined ? {} : { onAlert }),
  })
  try {
    return await use(fleet)
  } finally {
    await fleet.close()
    await rm(directory, { recursive: true, force: true })
  }
}

function usages(fleet: Fleet, { pid }: Bootstrap): Record<string, ReturnType<typeof usageOf>> {
  const found: Record<string, ReturnType<typeof usageOf>> = { broker: usageOf(pid) }
  for (const [name, member] of fleet.members) {
    const { self, store } = member.usage()
    found[name] = self
    if (store.cpuSeconds > 0) {
      found.store = store
    }
  }
  return found
}
