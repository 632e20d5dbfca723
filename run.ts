/**
 * One process: bus, store, stages, doors and API, as far as its roles need them. Starts in the order in which data must
 * be able to flow on, stops in the reverse: doors first, so that nothing is acknowledged that could not be kept.
 */
import { join } from 'node:path'
import type { Logger } from 'pino'
import type { Health } from './api/health.ts'
import { authorizer, isLoopback } from './api/keys.ts'
import { type Api, startApi, startProbes } from './api/server.ts'
import type { Config } from './config.ts'
import type { Doors } from './doors.ts'
import type { Bus } from './engine/bus/bus.ts'
import { createMetrics } from './engine/metrics.ts'
import { OutcomeLedger } from './engine/outcomes.ts'
import { watchOwned } from './engine/owned-partitions.ts'
import { Trouble } from './engine/trouble.ts'
import { type OpenBus, openBus } from './open-bus.ts'
import { type OpenTopics, openTopics } from './open-topics.ts'
import { VERSION } from './package-files.ts'
import { type Checked, checkConfig, prepareData, unlistenable } from './preflight.ts'
import { ALL_ROLES, isBusEmbedded, need, type Roles, refuseSplit } from './roles.ts'
import type { LivePolicies } from './rules/watch.ts'
import { appendTo, closeSpool, openBacklog, openDoorsOf, openSpoolOf } from './run-collect.ts'
import { lookAtBus, openHealth, type ProcessHealth } from './run-health.ts'
import { followPolicies } from './run-policies.ts'
import { type Parts, runStages } from './run-stages.ts'
import { runTopics, type TopicsInput } from './run-topics.ts'
import { openStore, type StoreOptions } from './store/clickhouse.ts'
import type { Store } from './store/store.ts'
import { coverage } from './wire.ts'

/** A process with some of the roles. */
export interface Process {
  readonly roles: Roles
  /** Only with the role `collect`. */
  readonly doors: Pick<Doors, 'otlpHttp' | 'otlpGrpc'> | undefined
  /** Of the API with the role `serve`, else of health and metrics alone. */
  readonly api: string
  readonly policies: LivePolicies
  /** Rejects when a stage fails: a bug, or more poison than it may swallow. Pending as long as all is well. */
  readonly failed: Promise<never>
  health(): Promise<Health>
  /** Finishes what was accepted, then stops. */
  close(): Promise<void>
}

/** A process with all of them. */
export interface Telltale extends Process {
  readonly otlpHttp: string
  readonly otlpGrpc: string
}

/** Starts everything in this process and resolves when telemetry can come in. */
export async function startTelltale(config: Config, log: Logger): Promise<Telltale> {
  const started = await startProcess(config, log, ALL_ROLES)
  if (started.doors === undefined) {
    throw new Error('all roles, and no doors')
  }
  return { ...started, ...started.doors }
}

/** How a process gets at what lies outside of it. */
export interface Outside {
  readonly openBus: OpenBus
  readonly openTopics: OpenTopics
}

/**
 * Starts what the roles need and resolves when they work. The configuration is checked as a whole all the same.
 *
 * @param outside other ways to it, for tests of several processes in one.
 * @throws Misconfigured, also when these roles cannot be alone; Unavailable when the store is away.
 */
export async function startProcess(
  config: Config,
  log: Logger,
  roles: Roles,
  outside: Outside = { openBus, openTopics },
): Promise<Process> {
  const checked = await checkConfig(config)
  refuseSplit(config, roles)
  prepareData(config, roles)
  const stopping = new AbortController()
  const inputs = inputsOf(config, checked, roles, outside.openTopics)
  const parts = await openParts({ config, log, roles, checked, open: outside.openBus, signal: stopping.signal })
  const { bus, spool = bus } = parts
  // What is read from topics needs no spool: the topic keeps it until the bus has it.
  const running = [runStages(parts), ...(bus === undefined ? [] : [runTopics(parts, appendTo(bus, parts), inputs)])]
  const runningFailed = Promise.all(running).then(() => new Promise<never>(() => undefined))
  runningFailed.catch(() => undefined)
  const listening: (Doors | Api)[] = []
  const close = async () => {
    await Promise.all(listening.map((each) => each.close()))
    stopping.abort()
    await Promise.allSettled(running)
    await closeParts(parts)
  }
  try {
    const hasDoors = spool !== undefined && roles.has('collect')
    const doors = hasDoors ? await openDoorsOf(parts, appendTo(spool, parts)) : undefined
    listening.push(...(doors === undefined ? [] : [doors]))
    const own = openHealth(parts, async () => doors?.counted())
    const api = await openApi(parts, own)
    listening.push(api)
    const failures = [runningFailed, doors?.failed, parts.spool?.failed].filter((each) => each !== undefined)
    const failed = Promise.race(failures)
    failed.catch(() => undefined)
    return {
      roles,
      doors: doors && { otlpHttp: doors.otlpHttp, otlpGrpc: doors.otlpGrpc },
      api: api.address,
      policies: parts.policies,
      failed,
      health: own.health,
      close,
    }
  } catch (error) {
    await close()
    throw unlistenable(error, config)
  }
}

/** What a collector reads besides its doors. */
function inputsOf(config: Config, { connections }: Checked, roles: Roles, open: OpenTopics): readonly TopicsInput[] {
  const clusters = roles.has('collect') ? connections.inputs : []
  return clusters.flatMap((cluster, index) => {
    const input = config.collectors.kafka[index]
    return input === undefined ? [] : [{ input, topics: open(cluster, input.group) }]
  })
}

interface Opening {
  readonly config: Config
  readonly log: Logger
  readonly roles: Roles
  readonly checked: Checked
  readonly open: OpenBus
  readonly signal: AbortSignal
}

/** Everything that lies behind the doors, and nothing that the roles do not need. */
async function openParts({ config, log, roles, checked, open, signal }: Opening): Promise<Parts> {
  const isWhole = isBusEmbedded(config) && need(roles, 'bus')
  const ledger = new OutcomeLedger()
  const assemblers: Parts['assemblers'] = new Map()
  const troubles: Parts['troubles'] = new Map()
  const metrics = createMetrics({
    ledger,
    isWhole,
    lag: async () => (await lookAtBus({ bus, config })).lag,
    owned: () => owned?.list() ?? [],
    held: () => [...assemblers.values()].reduce((sum, assembler) => sum + assembler.held(), 0),
  })
  const busTrouble = new Trouble((message) => {
    if (message === undefined) {
      troubles.delete('bus')
      return
    }
    troubles.set('bus', message)
    log.warn({ reason: message }, 'the bus is unavailable, trying again')
  })
  const opened = need(roles, 'bus')
    ? await open(config, checked.connections.bus, {
        onAppend: (topic, durationMs) => metrics.observe('telltale_bus_append_seconds', { topic }, durationMs / 1000),
        // Health asks the bus itself; what mends itself is for the log.
        onTrouble: saidOnce((trouble, message) => log.warn({ trouble, message }, 'the bus has trouble')),
      })
    : undefined
  const owned =
    opened === undefined
      ? undefined
      : watchOwned(opened, ({ group, partition }) => (group === 'assemble' ? assemblers.delete(partition) : undefined))
  const bus = owned?.bus
  const closing: (() => Promise<void>)[] = bus === undefined ? [] : [() => bus.close()]
  try {
    if (bus !== undefined && isWhole) {
      await carryOver(bus, ledger)
    }
    const store = need(roles, 'store') ? await openStoreOf(config, checked, log) : undefined
    closing.push(async () => store?.close())
    const hasSpool = bus !== undefined && roles.has('collect') && !isWhole
    return {
      ...{ config, log, roles, signal, isWhole, bus, store, ledger, metrics, assemblers, troubles, busTrouble },
      policies: followPolicies(config, checked, log),
      sinks: roles.has('deliver') ? checked.sinks : [],
      pending: new Map(),
      owned: () => owned?.list() ?? [],
      backlog: bus && openBacklog(bus, config, roles, signal),
      spool: hasSpool ? await openSpoolOf(bus, { config, log, metrics }) : undefined,
    }
  } catch (error) {
    await Promise.all(closing.map((close) => close()))
    throw error
  }
}

/** Each message of a trouble once, until nothing is heard of it for a while. */
function saidOnce(say: (trouble: string, message: string) => void): (trouble: string, message: string) => void {
  const troubles = new Map<string, Trouble>()
  return (name, message) => {
    const trouble = troubles.get(name) ?? new Trouble((told) => (told === undefined ? undefined : say(name, told)))
    troubles.set(name, trouble)
    trouble.tell(message)
  }
}

/** What the process before this one had taken in and not finished is in flight from the start. */
async function carryOver(bus: Bus, ledger: OutcomeLedger): Promise<void> {
  const behind = (await bus.lag()).map(({ group, committed, end }) => ({ group, records: end - committed }))
  const of = (stage: string) => behind.reduce((sum, { group, records }) => sum + (group === stage ? records : 0), 0)
  ledger.carryOver({ records: of('assemble'), events: of('detect') })
}

async function closeParts({ policies, sinks, spool, store, bus, log }: Parts): Promise<void> {
  policies.close()
  if (spool !== undefined) {
    await closeSpool(spool, log)
  }
  await Promise.all(sinks.map((sink) => sink.close?.()))
  await store?.close()
  await bus?.close()
}

function openStoreOf(config: Config, { connections }: Checked, log: Logger): Promise<Store> {
  const days = config.retention.store_days
  const server = serverOf(config.store, connections.storeAuthorities)
  return openStore({
    ...(server === undefined ? { embedded: { directory: join(config.data, 'store') } } : { server }),
    retentionDays: { events: days, findings: days, deadLetters: days },
    onEvent: (event) => log.warn({ event }, 'the embedded store had trouble'),
  })
}

function serverOf(store: Config['store'], ca: string | undefined): StoreOptions['server'] {
  const { url, database, username, password, cluster, reader_username, reader_password } = store
  if (url === undefined) {
    return undefined
  }
  const reader =
    reader_username === undefined || reader_password === undefined
      ? undefined
      : { username: reader_username, password: reader_password }
  return {
    ...{ url, database, username: username ?? 'default', password: password ?? '' },
    ...(reader === undefined ? {} : { reader }),
    ...(cluster === undefined ? {} : { cluster }),
    ...(ca === undefined ? {} : { tls: { ca } }),
  }
}

/** With the role `serve` the whole API; every other process tells of itself alone. */
function openApi({ config, roles, store, metrics, policies, log }: Parts, own: ProcessHealth): Promise<Api> {
  const shared = {
    host: config.listen.host,
    port: config.listen.api_port,
    version: VERSION,
    metrics,
    health: own.health,
    isReady: own.isReady,
    authorize: authorizer(config.keys, config.tenant),
    localNamesOnly: config.keys.length === 0 && isLoopback(config.listen.host),
    onBug: (error: unknown) => log.error({ err: error }, 'the API met an error that nobody expected'),
  }
  if (store === undefined || !roles.has('serve')) {
    return startProbes(shared)
  }
  return startApi({
    ...shared,
    store,
    policyOf: (agent) => policies.governing(agent, Date.now())?.id,
    coverageOf: (seen) => coverage(seen, policies, Date.now()),
    defaultTenant: config.tenant,
  })
}
