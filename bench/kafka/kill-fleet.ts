/** Kills members of a fleet, and the broker, with SIGKILL at random while sessions come in. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Brokers } from '../../test/kafka/brokers.ts'
import type { KillResult } from '../kill.ts'
import { oneOf, seeded } from '../seeded.ts'
import { runDrill } from './drill.ts'
import type { Fleet } from './fleet.ts'

export interface FleetKillOptions {
  readonly kills: number
  /** Decides who is killed and when; times of the machine do the rest. */
  readonly seed: number
  readonly brokers: Pick<Brokers, 'bootstrap' | 'kill' | 'start'>
  /** Who is killed; default everybody, and the broker now and then. */
  readonly victims?: readonly string[]
  readonly onKill?: (kill: number, victim: string) => void
}

export interface FleetKillResult extends KillResult {
  /** How often each was killed. */
  readonly victims: Readonly<Record<string, number>>
}

/** Two of what can be many; the store is one process, which has to be killed, too. */
const MEMBERS = {
  'collect-1': ['collect'],
  'collect-2': ['collect'],
  'judge-1': ['assemble', 'detect'],
  'judge-2': ['assemble', 'detect'],
  correlate: ['correlate'],
  deliver: ['deliver'],
  store: ['write', 'serve'],
}

const BROKER_SHARE = 0.08
const MOST_AT_ONCE = 6

export async function measureFleetKills(options: FleetKillOptions): Promise<FleetKillResult> {
  const random = seeded(options.seed)
  const victims: Record<string, number> = {}
  const among = options.victims ?? Object.keys(MEMBERS)
  const result = await runDrill({
    plan: {
      brokers: options.brokers.bootstrap,
      partitions: 6,
      members: MEMBERS,
      // Who was killed is missed soon, and nothing is held for long: kills meet a fleet at work.
      sessionTimeoutMs: 2000,
      settings: { assemble: { hold_ms: 250 } },
    },
    harm: async (fleet) => {
      let left = burst(random)
      for (let kill = 1; kill <= options.kills; kill += 1) {
        await sleep(random() * 1000)
        const victim = options.victims === undefined && random() < BROKER_SHARE ? 'broker' : oneOf(among, random)
        await killOne(fleet, victim, options.brokers, random)
        victims[victim] = (victims[victim] ?? 0) + 1
        options.onKill?.(kill, victim)
        left -= 1
        if (left === 0) {
          // Who is killed all the time gets nothing done: there would be nothing to lose.
          await fleet.judged()
          left = burst(random)
        }
      }
      return options.kills
    },
  })
  return { ...result, victims }
}

/** How many are killed before the fleet may catch up. */
function burst(random: () => number): number {
  return 1 + Math.floor(random() * MOST_AT_ONCE)
}

/** The next kill does not wait until the one that was killed is back at work: it may be killed while it starts. */
async function killOne(
  fleet: Fleet,
  victim: string,
  brokers: FleetKillOptions['brokers'],
  random: () => number,
): Promise<void> {
  if (victim === 'broker') {
    await brokers.kill(0)
    await sleep(random() * 500)
    await brokers.start(0)
    return
  }
  const member = fleet.members.get(victim)
  await member?.kill()
  await sleep(random() * 300)
  member?.start().catch(() => undefined)
}
