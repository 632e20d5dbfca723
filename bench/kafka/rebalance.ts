/**
 * Detectors that join, leave, are killed and are frozen for longer than their session while sessions come in: nothing
 * missing, nothing twice, and no partition waits long for somebody to judge it.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { openKafkaBus } from '../../engine/bus/kafka.ts'
import type { KillResult } from '../kill.ts'
import { oneOf, seeded } from '../seeded.ts'
import type { TelltaleProcess } from '../telltale-process.ts'
import { runDrill } from './drill.ts'
import type { Fleet } from './fleet.ts'

export interface RebalanceOptions {
  readonly bootstrap: readonly string[]
  /** Disturbances, in turn: join, leave, kill, freeze. */
  readonly disturbances: number
  readonly seed: number
  readonly freezeMs: number
  readonly onDisturbance?: (count: number, what: string) => void
}

export interface RebalanceResult extends KillResult {
  /** The longest that events of a partition lay on the bus and none of them was judged. */
  readonly longestStandstillMs: number
}

const MEMBERS = {
  collect: ['collect'],
  assemble: ['assemble'],
  'detect-1': ['detect'],
  'detect-2': ['detect'],
  'detect-3': ['detect'],
  'detect-4': ['detect'],
  alert: ['correlate', 'deliver'],
  store: ['write', 'serve'],
}
const DETECTORS = ['detect-1', 'detect-2', 'detect-3', 'detect-4']
const PARTITIONS = 12
const LOOK_EVERY_MS = 250

export async function measureRebalance(options: RebalanceOptions): Promise<RebalanceResult> {
  let longestStandstillMs = 0
  const result = await runDrill({
    plan: {
      brokers: options.bootstrap,
      partitions: PARTITIONS,
      members: MEMBERS,
      settings: { assemble: { hold_ms: 250 } },
    },
    pauseMs: 100,
    harm: async (fleet) => {
      const over = new AbortController()
      const watching = watchStandstill(options.bootstrap, fleet.topicPrefix, over.signal)
      await disturb(fleet, options)
      over.abort()
      longestStandstillMs = await watching
      return options.disturbances
    },
  })
  return { ...result, longestStandstillMs }
}

/** Three detectors are at work; the fourth comes and goes. */
async function disturb(fleet: Fleet, options: RebalanceOptions): Promise<void> {
  const random = seeded(options.seed)
  const away = new Set<string>()
  const member = (name: string) => fleet.members.get(name) as TelltaleProcess
  for (let count = 1; count <= options.disturbances; count += 1) {
    const present = DETECTORS.filter((name) => !away.has(name))
    const victim = oneOf(present, random)
    const what = (['leave', 'join', 'kill', 'freeze'] as const)[(count - 1) % 4]
    if (what === 'leave') {
      await member(victim).stop()
      away.add(victim)
    } else if (what === 'join') {
      const [back = victim] = away
      away.delete(back)
      await member(back).start()
    } else if (what === 'kill') {
      await member(victim).kill()
      await sleep(random() * 2000)
      await member(victim).start()
    } else {
      member(victim).freeze()
      await sleep(options.freezeMs)
      member(victim).thaw()
    }
    options.onDisturbance?.(count, `${what} ${victim}`)
    await sleep(random() * 5000)
  }
}

/** Looks at every partition of the events again and again: since when does something wait there without any progress? */
async function watchStandstill(brokers: readonly string[], topicPrefix: string, signal: AbortSignal): Promise<number> {
  const bus = await openKafkaBus({ brokers, topicPrefix })
  const progress = new Map<number, { committed: number; sinceMs: number }>()
  let longestMs = 0
  try {
    while (!signal.aborted) {
      const nowMs = performance.now()
      for (const { group, partition, committed, end } of await bus.lag()) {
        const last = progress.get(partition)
        if (group !== 'detect') {
          continue
        }
        if (last === undefined || committed !== last.committed || committed >= end) {
          progress.set(partition, { committed, sinceMs: nowMs })
        } else {
          longestMs = Math.max(longestMs, nowMs - last.sinceMs)
        }
      }
      await sleep(LOOK_EVERY_MS)
    }
    return longestMs
  } finally {
    await bus.close()
  }
}
