/** What a process tells of itself: whether it can do what it is for, what it counted, how far the groups are behind. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Health } from './api/health.ts'
import type { PartitionLag } from './engine/bus/bus.ts'
import type { SpoolState } from './engine/spool.ts'
import { WRITE_GROUP } from './engine/write.ts'
import { VERSION } from './package-files.ts'
import { listed, type Role } from './roles.ts'
import { judges, policiesOf, policyReasons } from './run-policies.ts'
import { type Parts, sinkStateOf } from './run-stages.ts'

/** A cluster that is away would have health, and whoever asks for it, wait for minutes. */
const BUS_PATIENCE_MS = 2000
/** Load balancers ask often, and anybody may. */
const READY_FOR_MS = 1000

const STAGE_GROUPS = ['assemble', 'detect', 'correlate', WRITE_GROUP]

/** What is known of the bus now. */
export interface BusLook {
  readonly lag: readonly PartitionLag[]
  /** Why it cannot be asked. */
  readonly fault?: string
}

/** Of groups that the configuration has: a sink that was taken out of it is behind for ever. Never waits for long. */
export async function lookAtBus({ bus, config }: Pick<Parts, 'bus' | 'config'>): Promise<BusLook> {
  if (bus === undefined) {
    return { lag: [] }
  }
  const groups = new Set([...STAGE_GROUPS, ...config.sinks.map(({ name }) => `deliver:${name}`)])
  const patience = new AbortController()
  const tooLong = sleep(BUS_PATIENCE_MS, undefined, { signal: patience.signal }).then(() => {
    throw new Error(`did not answer within ${BUS_PATIENCE_MS / 1000} s`)
  })
  tooLong.catch(() => undefined)
  try {
    const lag = await Promise.race([bus.lag(), tooLong])
    return { lag: lag.filter(({ group }) => groups.has(group)) }
  } catch (error) {
    return { lag: [], fault: error instanceof Error ? error.message : String(error) }
  } finally {
    patience.abort()
  }
}

export interface ProcessHealth {
  health(): Promise<Health>
  /** May be a second old. */
  isReady(): Promise<boolean>
}

/**
 * @param counted resolves when what happened at the doors before is counted.
 */
export function openHealth(parts: Parts, counted: () => Promise<void>): ProcessHealth {
  const startedMs = Date.now()
  const health = async () => {
    await counted()
    return healthOf(parts, startedMs)
  }
  let last: { readonly atMs: number; readonly ready: Promise<boolean> } | undefined
  return {
    health,
    isReady: () => {
      const atMs = performance.now()
      if (last === undefined || atMs - last.atMs > READY_FOR_MS) {
        last = { atMs, ready: health().then(({ status }) => status !== 'down') }
      }
      return last.ready
    },
  }
}

async function healthOf(parts: Parts, startedMs: number): Promise<Health> {
  const { config, ledger, owned, pending, roles, sinks, spool, store, troubles } = parts
  // Before the lag: what a stage has finished meanwhile is then still to be seen before the next one.
  const records = recordsOf(parts)
  const stored = await store?.health()
  const { lag, fault } = await lookAtBus(parts)
  const spooled = spool?.state
  const states = sinks.map(({ name }) => {
    const { isDown, pending: waiting } = sinkStateOf(pending.get(name))
    return { name, ok: !isDown, pending: waiting }
  })
  const reasons = [
    ...[...troubles].map(([what, why]) => `${what}: ${why}`),
    ...(fault === undefined ? [] : [`bus: ${fault}`]),
    ...behindOf(parts),
    ...policyReasons(parts),
    ...spoolReasons(spooled),
    ...(stored === undefined || stored.ok ? [] : [`store: ${stored.message ?? 'does not answer'}`]),
    ...states
      .filter(({ ok }) => !ok)
      .map(({ name, pending: waiting }) => `sink ${name} is down, ${waiting} alerts wait`),
    ...[...ledger.unknown].map((name) => `outcome '${name}' is not in the catalogue`),
  ]
  const isBusThere = fault === undefined
  const works: Record<Role, boolean> = {
    collect: isBusThere || (spooled !== undefined && spooled.bytes < config.spool.max_bytes),
    assemble: isBusThere,
    detect: isBusThere,
    correlate: isBusThere,
    deliver: isBusThere,
    write: isBusThere && stored?.ok === true,
    serve: stored?.ok === true,
  }
  const canWork = !troubles.has('engine') && listed(roles).some((role) => works[role])
  const kind = config.bus.kafka === undefined ? 'embedded' : 'kafka'
  return {
    status: !canWork ? 'down' : reasons.length > 0 ? 'degraded' : 'ok',
    reasons,
    version: VERSION,
    uptime_s: Math.round((Date.now() - startedMs) / 1000),
    roles: [...listed(roles)],
    records,
    lag: lagOf(lag),
    partitions: partitionsOf(owned()),
    ...(parts.bus === undefined ? {} : { bus: { ok: isBusThere, kind, ...messageOf(fault) } }),
    ...(spooled === undefined ? {} : { spool: spoolOf(spooled) }),
    ...(stored === undefined ? {} : { store: { ok: stored.ok, kind: stored.kind, ...messageOf(stored.message) } }),
    sinks: states,
    ...(judges(parts) ? { policies: policiesOf(parts.policies) } : {}),
  }
}

function recordsOf({ ledger, isWhole }: Parts): Health['records'] {
  const { received, inFlight } = ledger.records
  const outcomes = [...ledger.outcomes].flatMap(([stage, counts]) =>
    [...counts].map(([outcome, records]) => [`${stage}.${outcome}`, records] as const),
  )
  return { received, ...(isWhole ? { in_flight: inFlight } : {}), outcomes: Object.fromEntries(outcomes) }
}

/** Alerts come late: the embedded log then takes no more, Kafka keeps what comes. */
function behindOf({ backlog, config, isWhole }: Parts): readonly string[] {
  // The look at the log that is due is taken here, too.
  const isFull = backlog?.isFull() === true
  const ageMs = backlog?.ageMs ?? 0
  if (!isFull && ageMs <= config.limits.backlog_ms) {
    return []
  }
  const what = `what came in ${Math.round(ageMs / 1000)} s ago waits to be judged`
  return [isWhole ? `${what}, and no more is taken in` : what]
}

function spoolReasons(spool: SpoolState | undefined): readonly string[] {
  if (spool?.isSpooling !== true) {
    return []
  }
  const why = spool.reason === undefined ? '' : ` (${spool.reason})`
  return [`spool: ${spool.records} records wait on disk for the bus${why}`]
}

function spoolOf({ isSpooling, records, bytes, oldestMs }: SpoolState): NonNullable<Health['spool']> {
  return { spooling: isSpooling, records, bytes, ...(oldestMs === undefined ? {} : { oldest_ms: oldestMs }) }
}

function messageOf(message: string | undefined): { readonly message?: string } {
  return message === undefined ? {} : { message }
}

function lagOf(lag: readonly PartitionLag[]): Health['lag'] {
  const behind: Record<string, number> = {}
  for (const { group, topic, committed, end } of lag) {
    const key = `${group}/${topic}`
    behind[key] = (behind[key] ?? 0) + end - committed
  }
  return behind
}

function partitionsOf(owned: ReturnType<Parts['owned']>): Health['partitions'] {
  const partitions: Record<string, number[]> = {}
  for (const { group, topic, partition } of owned) {
    const key = `${group}/${topic}`
    partitions[key] = [...(partitions[key] ?? []), partition].sort((a, b) => a - b)
  }
  return partitions
}
