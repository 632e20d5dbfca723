/**
 * A drill: a fleet is harmed while sessions come in, and what it stored and sent is held against an undisturbed run of the
 * same sessions by a fleet of the same members.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { compared, endlessRounds, type KillResult, type Outcome } from '../kill.ts'
import { Fleet, type FleetPlan } from './fleet.ts'

export interface Drill {
  readonly plan: FleetPlan
  /** Harms the fleet and resolves when all is well again; sessions come in as long. Counts what it did. */
  readonly harm: (fleet: Fleet) => Promise<number>
  /** Between two sessions; bounds how many come. Default 0. */
  readonly pauseMs?: number
}

const DELIVERED_WITHIN_MS = 60_000

export async function runDrill(drill: Drill): Promise<KillResult> {
  let rounds = 0
  const harmed = await run(drill, async (fleet) => {
    let isOver = false
    const harming = drill.harm(fleet).finally(() => {
      isOver = true
    })
    // Looked at below; a harm that fails ends the drill then.
    harming.catch(() => undefined)
    for await (const bodies of endlessRounds()) {
      rounds += 1
      await sendRound(fleet, bodies, drill)
      if (isOver) {
        break
      }
    }
    return harming
  })
  let requests = 0
  const whole = await run(drill, async (fleet) => {
    let round = 0
    for await (const bodies of endlessRounds()) {
      round += 1
      requests += bodies.length
      await sendRound(fleet, bodies, drill)
      if (round === rounds) {
        return 0
      }
    }
    return 0
  })
  return compared(harmed, whole, requests)
}

/**
 * The next session comes when the last is judged, as it does where nothing is harmed: what an agent normally does is learned
 * in the order of its events on the log, which would else be another.
 */
async function sendRound(fleet: Fleet, bodies: readonly Uint8Array[], { pauseMs = 0 }: Drill): Promise<void> {
  for (const body of bodies) {
    await fleet.send(body)
    await fleet.judged()
    await sleep(pauseMs)
  }
}

async function run({ plan }: Drill, live: (fleet: Fleet) => Promise<number>): Promise<Outcome> {
  const fleet = await Fleet.open(plan)
  try {
    const kills = await live(fleet)
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
