/** How long a detector takes to be back at work when it has the state of very many agents to take over. */
import { setTimeout as sleep } from 'node:timers/promises'
import { openKafkaBus } from '../../engine/bus/kafka.ts'
import { eventRecord } from '../../engine/records.ts'
import type { Telemetry } from '../../schema/telemetry.ts'
import type { TelltaleProcess } from '../telltale-process.ts'
import { Fleet } from './fleet.ts'

export interface RestartResult {
  readonly agents: number
  /** From SIGKILL to the first alert of an event that came afterwards. */
  readonly firstAlertMs: number
  /** From the start of the new process to the same. */
  readonly sinceStartMs: number
}

const MEMBERS = { detect: ['detect'], alert: ['correlate', 'deliver'], store: ['write', 'serve'] }
const PARTITIONS = 12
const EVENTS_AN_AGENT = 3
const EVENTS_AT_ONCE = 2000

export async function measureRestart(
  brokers: readonly string[],
  agents: number,
  event: (agent: string, index: number, isWrong: boolean) => Telemetry,
): Promise<RestartResult> {
  const sessions = new Map<string, () => void>()
  const fleet = await Fleet.open({
    brokers,
    partitions: PARTITIONS,
    members: MEMBERS,
    onAlert: ({ session_id }) => sessions.get(session_id)?.(),
  })
  const bus = await openKafkaBus({ brokers, topicPrefix: fleet.topicPrefix })
  try {
    for (let index = 0; index < EVENTS_AN_AGENT; index += 1) {
      for (let from = 0; from < agents; from += EVENTS_AT_ONCE) {
        const names = Array.from({ length: Math.min(EVENTS_AT_ONCE, agents - from) }, (_, at) => `agent-${from + at}`)
        await bus.append(
          'events',
          names.map((name) => eventRecord(event(name, index, false))),
        )
      }
    }
    await fleet.stored()
    const detector = fleet.members.get('detect') as TelltaleProcess
    const killedMs = performance.now()
    await detector.kill()
    const startedMs = performance.now()
    const started = detector.start()
    const probes = Array.from({ length: PARTITIONS * 4 }, (_, at) => event(`agent-${at}`, EVENTS_AN_AGENT, true))
    const alerted = Promise.all(
      probes.map(({ session_id }) => new Promise<void>((resolve) => sessions.set(session_id, resolve))),
    )
    await bus.append('events', probes.map(eventRecord))
    await Promise.race([
      Promise.all([alerted, started]),
      sleep(60_000).then(() => Promise.reject(new Error('no alert'))),
    ])
    const nowMs = performance.now()
    return { agents, firstAlertMs: nowMs - killedMs, sinceStartMs: nowMs - startedMs }
  } finally {
    await bus.close()
    await fleet.close()
  }
}
