/** The way in of one process: its doors, and what they append to. */
import { join } from 'node:path'
import type { Config } from './config.ts'
import { type Doors, openDoors } from './doors.ts'
import { type Backlog, watchBacklog } from './engine/backlog.ts'
import type { Bus, BusRecord, Topic } from './engine/bus/bus.ts'
import { openSpool, type Spool, type SpoolState } from './engine/spool.ts'
import { isBusEmbedded, type Roles } from './roles.ts'
import { decoyTokens } from './rules/canaries.ts'
import type { Parts } from './run-stages.ts'

/** Supervisors kill after ten seconds; what was not acknowledged by then is sent again. */
const CLOSE_MS = 5000
/** What the doors leave of these ten seconds. */
const DRAIN_MS = 2000
/** How often the log of a cluster is looked at: each look is some requests to it. */
const CLUSTER_LOOK_MS = 1000

/** Whose lag makes alerts late. The writer and the sinks may be behind for hours; the log waits for them. */
const JUDGING = ['assemble', 'detect', 'correlate'] as const

/**
 * How long records wait for the judging stages that run here; at a collector, for all of them. `undefined` where the
 * process has nothing to do with it. Looks by itself at a cluster, until the signal; the embedded log is looked at by the
 * doors, ten times a second.
 */
export function openBacklog(bus: Bus, config: Config, roles: Roles, signal: AbortSignal): Backlog | undefined {
  const groups = JUDGING.filter((stage) => roles.has('collect') || roles.has(stage))
  if (groups.length === 0) {
    return undefined
  }
  const limitMs = config.limits.backlog_ms
  const backlog = watchBacklog({ lag: () => bus.lag(), groups, limitMs, now: () => performance.now() })
  if (!isBusEmbedded(config)) {
    const looking = setInterval(() => backlog.isFull(), CLUSTER_LOOK_MS)
    looking.unref()
    signal.addEventListener('abort', () => clearInterval(looking), { once: true })
  }
  return backlog
}

/** Opens the spool of a collector whose bus is elsewhere: what is on disk from before is drained at once. */
export function openSpoolOf(
  bus: Bus,
  { config, log, metrics }: Pick<Parts, 'config' | 'log' | 'metrics'>,
): Promise<Spool> {
  let wasSpooling = false
  return openSpool({
    directory: join(config.data, 'spool'),
    remote: bus,
    maxBytes: config.spool.max_bytes,
    onState: (state) => {
      metrics.set('telltale_spool_records', {}, state.records)
      metrics.set('telltale_spool_bytes', {}, state.bytes)
      if (state.isSpooling !== wasSpooling) {
        wasSpooling = state.isSpooling
        log.warn(factsOf(state), state.isSpooling ? 'records go to the spool' : 'the spool is drained')
      }
    },
  })
}

/** Drains for as long as a supervisor waits, and says what is left. */
export async function closeSpool(spool: Spool, log: Parts['log']): Promise<void> {
  const left = await spool.close(DRAIN_MS)
  if (left.records > 0) {
    log.warn(factsOf(left), 'the spool is not empty; the next start drains it')
  }
}

function factsOf({ records, bytes, reason }: SpoolState): object {
  return { records, bytes, ...(reason === undefined ? {} : { reason }) }
}

/** Resolves when records are durable, on the bus or in the spool, and more may come. */
export type Append = (topic: Topic, records: readonly BusRecord[]) => Promise<void>

/**
 * What a collector appends to, the bus or the spool before it. Where the log is embedded, what is appended is soon judged when it resolves: so senders are
 * as fast as the stages. A cluster keeps what waits for them.
 */
export function appendTo(log: Pick<Bus, 'append'>, { backlog, config }: Parts): Append {
  return async (topic, records) => {
    await log.append(topic, records)
    if (isBusEmbedded(config)) {
      await backlog?.caughtUp()
    }
  }
}

export function openDoorsOf({ config, policies, backlog, ledger, log }: Parts, append: Append): Promise<Doors> {
  return openDoors({
    config,
    closeMs: CLOSE_MS,
    decoys: decoyTokens(policies),
    append: (records) => append('fragments', records),
    received: (signal, records) => ledger.received(signal, records),
    count: (outcome, records) => ledger.count('collect', outcome, records),
    isFull: () => isBusEmbedded(config) && backlog?.isFull() === true,
    bug: (error) => log.error({ err: error }, 'a request met an error that nobody expected'),
  })
}
