/**
 * The broker goes away under load, first as a process that is stopped, then as one that is frozen and answers nothing:
 * nothing that was acknowledged is lost, and memory stays within its limit.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Brokers } from '../../test/kafka/brokers.ts'
import { endlessRounds, runRounds } from '../kill.ts'
import { Fleet, FOUR_MEMBERS } from './fleet.ts'

export interface OutageOptions {
  readonly brokers: Pick<Brokers, 'bootstrap' | 'kill' | 'start' | 'freeze' | 'thaw'>
  /** Of each of the two. */
  readonly outageMs: number
  readonly onPhase?: (what: string) => void
}

export interface OutageResult {
  readonly requests: number
  /** Of them, acknowledged while the broker was away. */
  readonly acknowledgedMeanwhile: number
  /** What an undisturbed run of the same requests stores. */
  readonly events: number
  readonly missingEvents: readonly string[]
  readonly strangeEvents: readonly string[]
  /** From the broker's return until all that was spooled is judged, stored and delivered, of each outage. */
  readonly caughtUpMs: readonly number[]
  /** The most that a member took of anonymous memory, by its name. */
  readonly mostBytes: Readonly<Record<string, number>>
}

const LOOK_EVERY_MS = 500
/** Between two requests of some sixty spans. */
const PAUSE_MS = 50
const BREATH_MS = 5000

export async function measureOutage({ brokers, outageMs, onPhase }: OutageOptions): Promise<OutageResult> {
  const fleet = await Fleet.open({ brokers: brokers.bootstrap, partitions: 6, members: FOUR_MEMBERS })
  const rounds: (readonly Uint8Array[])[] = []
  const mostBytes: Record<string, number> = {}
  const watching = setInterval(() => {
    for (const [name, member] of fleet.members) {
      mostBytes[name] = Math.max(mostBytes[name] ?? 0, member.usage().self.anonymousBytes)
    }
  }, LOOK_EVERY_MS)
  try {
    const over = new AbortController()
    const sending = sendUntil(fleet, rounds, over.signal)
    let acknowledgedMeanwhile = 0
    const caughtUpMs: number[] = []
    const away = async (leave: () => Promise<void>, comeBack: () => Promise<void>) => {
      await sleep(BREATH_MS)
      const before = fleet.acknowledged
      await leave()
      await sleep(outageMs)
      acknowledgedMeanwhile += fleet.acknowledged - before
      await comeBack()
      const beganMs = performance.now()
      onPhase?.('the broker is back')
      await fleet.drained()
      caughtUpMs.push(performance.now() - beganMs)
    }
    onPhase?.('the broker is stopped')
    await away(
      () => brokers.kill(0),
      () => brokers.start(0),
    )
    onPhase?.('the broker is frozen')
    await away(
      () => brokers.freeze(0),
      async () => brokers.thaw(0),
    )
    over.abort()
    await sending
    await fleet.settle()
    const events = await fleet.ids('events')
    const { events: expected } = await runRounds(rounds, undefined)
    return {
      requests: fleet.acknowledged,
      acknowledgedMeanwhile,
      events: expected.size,
      missingEvents: [...expected].filter((id) => !events.has(id)),
      strangeEvents: [...events].filter((id) => !expected.has(id)),
      caughtUpMs,
      mostBytes,
    }
  } finally {
    clearInterval(watching)
    await fleet.close()
  }
}

async function sendUntil(fleet: Fleet, rounds: (readonly Uint8Array[])[], signal: AbortSignal): Promise<void> {
  for await (const bodies of endlessRounds()) {
    rounds.push(bodies)
    for (const body of bodies) {
      await fleet.send(body)
      await sleep(PAUSE_MS)
    }
    if (signal.aborted) {
      return
    }
  }
}
