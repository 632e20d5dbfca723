/**
 * Kills members of a fleet, and the broker, with SIGKILL at random while sessions come in, and holds what was stored and
 * sent against an uninterrupted run of the same sessions by the same fleet.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { type KillResult, killResult, type Outcome, recordRounds } from '../kill.ts'
import { Fleet } from './fleet.ts'

export interface FleetKillOptions {
  readonly kills: number
  readonly seed: number
  readonly brokers: KillableBrokers
  /** Who is killed; default everybody, and the broker now and then. */
  readonly victims?: readonly string[]
  readonly onKill?: (kill: number, victim: string) => void
}

export interface KillableBrokers {
  readonly bootstrap: readonly string[]
  kill(index: number): Promise<void>
  start(index: number): Promise<void>
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

/** Sessions a kill: enough to keep everybody at work, few enough for all of them to be run again. */
const KILLS_A_ROUND = 4
const BROKER_SHARE = 0.08
const DELIVERED_WITHIN_MS = 60_000

export async function measureFleetKills(options: FleetKillOptions): Promise<FleetKillResult> {
  const rounds = await recordRounds(Math.ceil(options.kills / KILLS_A_ROUND))
  const whole = await runFleet(rounds, options, undefined)
  const victims: Record<string, number> = {}
  const killed = await runFleet(rounds, options, victims)
  return { ...killResult(rounds, killed, whole), victims }
}

/** Sends all rounds through a fleet; with `victims`, members of it are killed meanwhile, and counted there. */
async function runFleet(
  rounds: readonly (readonly Uint8Array[])[],
  options: FleetKillOptions,
  victims: Record<string, number> | undefined,
): Promise<Outcome> {
  const fleet = await Fleet.open({
    brokers: options.brokers.bootstrap,
    partitions: 6,
    members: MEMBERS,
    sessionTimeoutMs: 2000,
    // Every session waits for what is held of the one before.
    settings: { assemble: { hold_ms: 250 } },
  })
  const wanted = victims === undefined ? 0 : options.kills
  let kills = 0
  try {
    const random = seeded(options.seed)
    const among = options.victims ?? Object.keys(MEMBERS)
    const killing = (async () => {
      while (victims !== undefined && kills < wanted) {
        await sleep(random() * 1000)
        const victim = options.victims === undefined && random() < BROKER_SHARE ? 'broker' : oneOf(among, random)
        await killOne(fleet, victim, options.brokers, random)
        kills += 1
        victims[victim] = (victims[victim] ?? 0) + 1
        options.onKill?.(kills, victim)
      }
    })()
    const sending = (async () => {
      for (const [round, bodies] of rounds.entries()) {
        for (const body of bodies) {
          await fleet.send(body)
          // The next session of an agent comes when the last is judged, as it does where nothing is killed: what an
          // agent normally does is learned in the order of its events on the log, which would else be another.
          await fleet.judged()
        }
        // No faster than the kills, or most of them would meet an idle fleet.
        while (kills < wanted && kills < round * KILLS_A_ROUND) {
          await sleep(50)
        }
      }
    })()
    await Promise.all([killing, sending])
    await Promise.all([...fleet.members.values()].map((member) => member.up))
    await fleet.settle()
    const [events, alerts] = [await fleet.ids('events'), await fleet.ids('alerts')]
    for (const untilMs = Date.now() + DELIVERED_WITHIN_MS; Date.now() < untilMs; await sleep(200)) {
      if ([...alerts].every((id) => fleet.delivered.has(id))) {
        break
      }
    }
    return { kills, events, alerts, delivered: new Set(fleet.delivered) }
  } finally {
    await fleet.close()
  }
}

function oneOf(names: readonly string[], random: () => number): string {
  return names[Math.floor(random() * names.length)] as string
}

/** The next kill does not wait until the one that was killed is back at work: it may be killed while it starts. */
async function killOne(fleet: Fleet, victim: string, brokers: KillableBrokers, random: () => number): Promise<void> {
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

/** Numbers from 0 to 1 (mulberry32); the machine's times do the rest. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
