/**
 * Everything in one process: bus, store, stages, doors, API. Starts in the order in which data must be able to flow
 * on, stops in the reverse: doors first, so that nothing is acknowledged that could not be kept.
 */
import { join } from 'node:path'
import type { Logger } from 'pino'
import type { Health } from './api/health.ts'
import { authorizer, isLoopback } from './api/keys.ts'
import { type Api, startApi } from './api/server.ts'
import type { Config } from './config.ts'
import { type Doors, openDoors } from './doors.ts'
import { type Backlog, watchBacklog } from './engine/backlog.ts'
import type { Bus, PartitionLag } from './engine/bus/bus.ts'
import { openEmbeddedBus } from './engine/bus/embedded.ts'
import { createMetrics } from './engine/metrics.ts'
import { OutcomeLedger } from './engine/outcomes.ts'
import { WRITE_GROUP } from './engine/write.ts'
import { checkConfig, prepareData, unlistenable } from './preflight.ts'
import type { PolicySet } from './rules/policy.ts'
import { type Parts, runStages } from './run-stages.ts'
import { openStore } from './store/clickhouse.ts'
import type { Store } from './store/store.ts'
import { VERSION } from './wire.ts'

export interface Telltale {
  readonly otlpHttp: string
  readonly otlpGrpc: string
  readonly api: string
  readonly policies: PolicySet
  /** Rejects when a stage fails: a bug, or more poison than it may swallow. Pending as long as all is well. */
  readonly failed: Promise<never>
  health(): Promise<Health>
  /** Finishes what was accepted, then stops. */
  close(): Promise<void>
}

/** Supervisors kill after ten seconds; what was not acknowledged by then is sent again. */
const CLOSE_MS = 5000

/** Whose lag makes alerts late. The writer and the sinks may be behind for hours; the log waits for them. */
const JUDGING = ['assemble', 'detect', 'correlate']

/** Starts everything and resolves when telemetry can come in. */
export async function startTelltale(config: Config, log: Logger): Promise<Telltale> {
  const { policies, sinks } = await checkConfig(config)
  prepareData(config)
  const stopping = new AbortController()
  const bus = await openBus(config, (topic, seconds) =>
    metrics.observe('telltale_bus_append_seconds', { topic }, seconds),
  )
  const ledger = new OutcomeLedger()
  await carryOver(bus, ledger)
  const assemblers: { held(): number }[] = []
  const held = () => assemblers.reduce((sum, assembler) => sum + assembler.held(), 0)
  const metrics = createMetrics({ ledger, lag: () => bus.lag(), held })
  const store = await openStoreOf(config, log).catch(async (error: unknown) => {
    await bus.close()
    throw error
  })
  const parts: Parts = {
    config,
    log,
    bus,
    backlog: backlogOf(bus, config),
    store,
    ledger,
    metrics,
    policies,
    sinks,
    signal: stopping.signal,
    assemblers,
    troubles: new Map(),
    pending: new Map(),
  }
  const startedMs = Date.now()
  const stages = runStages(parts)
  const stagesFailed = stages.then(() => new Promise<never>(() => undefined))
  stagesFailed.catch(() => undefined)
  const stopEngine = async () => {
    stopping.abort()
    await stages.catch(() => undefined)
    await closeAll(parts)
  }
  const open: (Doors | Api)[] = []
  try {
    const doors = await openDoorsOf(parts)
    open.push(doors)
    const health = async () => {
      await doors.counted()
      return healthOf(parts, startedMs)
    }
    const api = await openApi(parts, health)
    open.push(api)
    const failed = Promise.race([stagesFailed, doors.failed])
    failed.catch(() => undefined)
    return {
      otlpHttp: doors.otlpHttp,
      otlpGrpc: doors.otlpGrpc,
      api: api.address,
      policies,
      failed,
      health,
      close: async () => {
        await Promise.all(open.map((door) => door.close()))
        await stopEngine()
      },
    }
  } catch (error) {
    await Promise.all(open.map((door) => door.close()))
    await stopEngine()
    throw unlistenable(error, config)
  }
}

function openBus(config: Config, onAppend: (topic: 'fragments', seconds: number) => void): Promise<Bus> {
  return openEmbeddedBus({
    directory: join(config.data, 'bus'),
    retention: { maxAgeMs: config.retention.log_days * 86_400_000, maxBytes: config.retention.log_bytes },
    onAppend: (topic, durationMs) => onAppend(topic as 'fragments', durationMs / 1000),
  })
}

/** What the process before this one had taken in and not finished is in flight from the start. */
async function carryOver(bus: Bus, ledger: OutcomeLedger): Promise<void> {
  const behind = (await bus.lag()).map(({ group, committed, end }) => ({ group, records: end - committed }))
  const of = (stage: string) => behind.reduce((sum, { group, records }) => sum + (group === stage ? records : 0), 0)
  ledger.carryOver({ records: of('assemble'), events: of('detect') })
}

async function closeAll({ sinks, store, bus }: Parts): Promise<void> {
  await Promise.all(sinks.map((sink) => sink.close?.()))
  await store.close()
  await bus.close()
}

function backlogOf(bus: Bus, config: Config): Backlog {
  return watchBacklog({
    lag: () => bus.lag(),
    groups: JUDGING,
    limitMs: config.limits.backlog_ms,
    now: () => performance.now(),
  })
}

/** Senders have their answer when what they sent is durable, and soon judged: so they are as fast as the stages. */
function openDoorsOf({ config, bus, backlog, ledger, log }: Parts): Promise<Doors> {
  return openDoors({
    config,
    closeMs: CLOSE_MS,
    append: async (records) => {
      await bus.append('fragments', records)
      await backlog.caughtUp()
    },
    received: (signal, records) => ledger.received(signal, records),
    count: (outcome, records) => ledger.count('collect', outcome, records),
    isFull: () => backlog.isFull(),
    bug: (error) => log.error({ err: error }, 'a request met an error that nobody expected'),
  })
}

function openStoreOf(config: Config, log: Logger): Promise<Store> {
  const { url, database, username, password } = config.store
  const days = config.retention.store_days
  return openStore({
    ...(url === undefined
      ? { embedded: { directory: join(config.data, 'store') } }
      : { server: { url, database, username: username ?? 'default', password: password ?? '' } }),
    retentionDays: { events: days, findings: days, deadLetters: days },
    onEvent: (event) => log.warn({ event }, 'the embedded store had trouble'),
  })
}

function openApi({ config, store, metrics, policies, log }: Parts, health: () => Promise<Health>): Promise<Api> {
  return startApi({
    host: config.listen.host,
    port: config.listen.api_port,
    version: VERSION,
    store,
    metrics,
    health,
    policyOf: (agent) => policies.governing(agent)?.id,
    defaultTenant: config.tenant,
    authorize: authorizer(config.keys, config.tenant),
    localNamesOnly: config.keys.length === 0 && isLoopback(config.listen.host),
    onBug: (error) => log.error({ err: error }, 'the API met an error that nobody expected'),
  })
}

async function healthOf(parts: Parts, startedMs: number): Promise<Health> {
  const { backlog, bus, ledger, sinks, troubles, pending, store } = parts
  // Before the lag: what a stage has finished meanwhile is then still to be seen before the next one.
  const records = {
    received: ledger.records.received,
    in_flight: ledger.records.inFlight,
    outcomes: Object.fromEntries(
      [...ledger.outcomes].flatMap(([stage, counts]) =>
        [...counts].map(([outcome, records]) => [`${stage}.${outcome}`, records]),
      ),
    ),
  }
  const stored = await store.health()
  const lag = await bus.lag()
  const states = sinks.map(({ name }) => ({
    name,
    ok: pending.get(name)?.isDown !== true,
    pending: pending.get(name)?.pending ?? 0,
  }))
  const reasons = [
    ...[...troubles].map(([what, why]) => `${what}: ${why}`),
    ...(backlog.isFull()
      ? [`what came in ${Math.round(backlog.ageMs / 1000)} s ago waits to be judged, and no more is taken in`]
      : []),
    ...(stored.ok ? [] : [`store: ${stored.message ?? 'does not answer'}`]),
    ...states
      .filter(({ ok }) => !ok)
      .map(({ name, pending: waiting }) => `sink ${name} is down, ${waiting} alerts wait`),
    ...[...ledger.unknown].map((name) => `outcome '${name}' is not in the catalogue`),
  ]
  return {
    status: troubles.has('engine') ? 'down' : reasons.length > 0 ? 'degraded' : 'ok',
    reasons,
    version: VERSION,
    uptime_s: Math.round((Date.now() - startedMs) / 1000),
    records,
    lag: lagOf(lag, new Set([...STAGE_GROUPS, ...sinks.map(({ name }) => `deliver:${name}`)])),
    store: {
      ok: stored.ok,
      kind: stored.kind,
      ...(stored.message === undefined ? {} : { message: stored.message }),
    },
    sinks: states,
  }
}

const STAGE_GROUPS = ['assemble', 'detect', 'correlate', WRITE_GROUP]

/** Only of groups that run here: a sink that was taken out of the configuration is behind for ever. */
function lagOf(lag: readonly PartitionLag[], groups: ReadonlySet<string>): Record<string, number> {
  const behind: Record<string, number> = {}
  for (const { group, topic, committed, end } of lag) {
    if (groups.has(group)) {
      const key = `${group}/${topic}`
      behind[key] = (behind[key] ?? 0) + end - committed
    }
  }
  return behind
}
