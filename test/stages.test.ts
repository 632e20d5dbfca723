/** Stages as processes of their own: what each opens and answers, and that together they do what one process does. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pino from 'pino'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Config, loadConfig } from '../config.ts'
import type { Bus } from '../engine/bus/bus.ts'
import { openEmbeddedBus } from '../engine/bus/embedded.ts'
import type { OpenBus } from '../open-bus.ts'
import type { OpenTopics } from '../open-topics.ts'
import { listed, ROLES, type Role, refuseSplit } from '../roles.ts'
import { type Outside, type Process, startProcess } from '../run.ts'
import type { Notice } from '../schema/alert.ts'
import { describeProblem, Misconfigured, Unavailable } from '../schema/errors.ts'
import { callRequest, postCalls } from './one-call.ts'

const root = mkdtempSync(join(tmpdir(), 'telltale-stages-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

const silent = pino({ level: 'silent' })
const kafka = { brokers: ['kafka-1:9092'] } as NonNullable<Config['bus']['kafka']>

/** One file for every process; only the directory of what a process keeps is its own. */
function configOf(name: string, changes: Partial<Config> = {}): Config {
  return {
    ...loadConfig(undefined, {}),
    data: join(root, name),
    policies: 'test/live',
    listen: { host: '127.0.0.1', otlp_http_port: 0, otlp_grpc_port: 0, api_port: 0 },
    bus: { kafka },
    ...changes,
  }
}

/** A bus that other processes have, too: closing it here is not closing it. */
const shared =
  (bus: Bus): OpenBus =>
  async () => ({
    append: (topic, records) => bus.append(topic, records),
    consume: (options, own, signal) => bus.consume(options, own, signal),
    lag: () => bus.lag(),
    close: async () => undefined,
  })

const noTopics: OpenTopics = () => {
  throw new Error('nothing is read from topics here')
}
const outside = (openBus: OpenBus): Outside => ({ openBus, openTopics: noTopics })

const statusOf = async (process: Process, path: string) => (await fetch(process.api + path)).status

describe('stages alone on one bus', () => {
  const ALERTS = 'alerts.ndjson'
  const started = new Map<string, Process>()
  let bus: Bus

  beforeAll(async () => {
    bus = await openEmbeddedBus({ directory: join(root, 'bus'), partitions: 3, sync: false })
    const sinks = [{ type: 'ndjson', name: 'copy', file: ALERTS }]
    const start = async (name: string, ...roles: Role[]) => {
      started.set(name, await startProcess(configOf(name, { sinks }), silent, new Set(roles), outside(shared(bus))))
    }
    await start('collect', 'collect')
    await start('assemble', 'assemble')
    await start('detect', 'detect')
    await start('correlate', 'correlate')
    await start('deliver', 'deliver')
    await start('write-serve', 'serve', 'write')
  }, 60_000)

  afterAll(async () => {
    await Promise.all([...started.values()].map((process) => process.close()))
    await bus?.close()
  })

  const process = (name: string) => started.get(name) as Process

  it('take a call from the door to the store and its alert to the sink', async () => {
    const http = process('collect').doors?.otlpHttp ?? ''
    for (const call of [{ call: 1, agent: 'claude-code', tool: 'Bash' }, { call: 2 }]) {
      expect((await postCalls(http, callRequest(call))).status).toBe(200)
    }
    const file = join(root, 'deliver', ALERTS)
    await expect.poll(() => (existsSync(file) ? readFileSync(file, 'utf8') : ''), { timeout: 20_000 }).toContain('\n')
    const { alert } = JSON.parse(readFileSync(file, 'utf8').split('\n')[0] as string) as Notice
    expect(alert.findings[0]?.detector).toBe('tool-allowlist')
    const stored = async (what: string) => {
      const response = await fetch(`${process('write-serve').api}/api/v1/${what}`)
      return ((await response.json()) as { items: readonly { alert_id: string }[] }).items
    }
    await expect.poll(() => stored('alerts'), { timeout: 20_000 }).toMatchObject([{ alert_id: alert.alert_id }])
    await expect.poll(async () => (await stored('events')).length, { timeout: 20_000 }).toBe(2)
  })

  it('each count what came in and ended in them, and do not say what is in flight elsewhere', async () => {
    const [collect, detect] = await Promise.all([process('collect').health(), process('detect').health()])
    expect(collect.records).toEqual({ received: 2, outcomes: {} })
    expect(detect.records).toEqual({ received: 0, outcomes: { 'detect.judged': 2 } })
    for (const { api } of started.values()) {
      const metrics = await (await fetch(`${api}/metrics`)).text()
      expect(metrics).not.toContain('telltale_records_in_flight')
    }
  })

  it('tell of every group how far it is behind, wherever it runs, and of partitions which are theirs', async () => {
    const { lag, partitions } = await process('detect').health()
    expect(Object.keys(lag).sort()).toEqual(
      [
        ...['assemble/fragments', 'detect/events', 'correlate/findings', 'deliver:copy/alerts'],
        ...['events', 'findings', 'alerts', 'dead_letters'].map((topic) => `write/${topic}`),
      ].sort(),
    )
    expect(partitions).toEqual({ 'detect/events': [0, 1, 2] })
    const metrics = await (await fetch(`${process('detect').api}/metrics`)).text()
    expect(metrics).toContain('telltale_bus_partitions_owned{group="detect",topic="events"} 3')
    expect(metrics).toContain('telltale_bus_lag_records{group="write",topic="events"} 0')
  })

  it.each(Object.keys(ROLES) as Role[])('%s opens nothing that it does not need', async (role) => {
    const { roles, doors, health, api } = process(role === 'write' || role === 'serve' ? 'write-serve' : role)
    const own = await health()
    expect(own).toMatchObject({ status: 'ok', reasons: [], roles: [...listed(roles)] })
    expect(doors !== undefined).toBe(role === 'collect')
    expect(own.spool !== undefined).toBe(role === 'collect')
    expect(own.store !== undefined).toBe(roles.has('write'))
    expect(own.sinks).toHaveLength(role === 'deliver' ? 1 : 0)
    expect((await fetch(`${api}/api/v1/events`)).status).toBe(roles.has('serve') ? 200 : 404)
  })

  it('all answer the probes', async () => {
    for (const each of started.values()) {
      for (const path of ['/livez', '/readyz', '/metrics', '/api/v1/health', '/api/v1/openapi.json']) {
        expect([path, await statusOf(each, path)]).toEqual([path, 200])
      }
    }
  })

  it('keep nothing on disk that they do not need', () => {
    for (const [name, { roles }] of started) {
      const keeps = ['collect', 'deliver', 'write'].some((role) => roles.has(role as Role))
      expect([name, existsSync(join(root, name))]).toEqual([name, keeps])
    }
  })
})

describe('a process whose bus is away', () => {
  const open: Process[] = []
  const release: (() => void)[] = []
  afterEach(async () => {
    for (const done of release.splice(0)) {
      done()
    }
    await Promise.all(open.splice(0).map((process) => process.close()))
  })

  /** A bus that can be asked nothing: `fault` rejects, or never answers. */
  const away =
    (fault: () => Promise<never>): OpenBus =>
    async () => ({
      append: fault,
      consume: (_options, _own, signal) =>
        new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true })),
      lag: fault,
      close: async () => undefined,
    })
  const refuses = () => Promise.reject(new Unavailable('no broker answers'))
  const hangs = () =>
    new Promise<never>((_resolve, reject) => {
      release.push(() => reject(new Unavailable('closed')))
    })

  async function start(name: string, roles: readonly Role[], fault: () => Promise<never>): Promise<Process> {
    const process = await startProcess(configOf(name), silent, new Set(roles), outside(away(fault)))
    open.push(process)
    return process
  }

  it('is down and not ready where it can do nothing without, and says why', async () => {
    const detect = await start('detect-away', ['detect'], refuses)
    const bus = { ok: false, kind: 'kafka', message: 'no broker answers' }
    expect(await detect.health()).toMatchObject({ status: 'down', reasons: ['bus: no broker answers'], bus, lag: {} })
    expect([await statusOf(detect, '/livez'), await statusOf(detect, '/readyz')]).toEqual([200, 503])
    expect(await statusOf(detect, '/metrics')).toBe(200)
  })

  it('takes telemetry in as long as its spool takes it, and says that it does', async () => {
    const collect = await start('collect-away', ['collect'], refuses)
    expect((await postCalls(collect.doors?.otlpHttp ?? '', callRequest({ call: 1 }))).status).toBe(200)
    const health = await collect.health()
    expect(health).toMatchObject({ status: 'degraded', spool: { spooling: true, records: 1 } })
    expect(health.reasons).toContain('spool: 1 records wait on disk for the bus (no broker answers)')
    expect(await statusOf(collect, '/readyz')).toBe(200)
    const metrics = await (await fetch(`${collect.api}/metrics`)).text()
    expect(metrics).toContain('telltale_spool_records 1')
  })

  it('answers all the same when the bus does not', async () => {
    const detect = await start('detect-hanging', ['detect'], hangs)
    expect((await detect.health()).reasons).toEqual(['bus: did not answer within 2 s'])
    expect(await statusOf(detect, '/metrics')).toBe(200)
  })
})

describe('a collector before stages that are behind', () => {
  it('goes on taking what comes, which Kafka keeps, and says that it waits to be judged', async () => {
    const stuck = { group: 'detect', topic: 'events' as const, partition: 0, committed: 0, end: 10 }
    const bus: Bus = {
      append: async () => undefined,
      consume: () => Promise.reject(new Error('a collector consumes nothing')),
      lag: async () => [stuck],
      close: async () => undefined,
    }
    const { limits } = configOf('behind')
    const config = configOf('behind', { limits: { ...limits, backlog_ms: 1 } })
    const process = await startProcess(config, silent, new Set(['collect']), outside(shared(bus)))
    try {
      await expect.poll(async () => (await process.health()).status, { timeout: 5000 }).toBe('degraded')
      const { reasons, lag } = await process.health()
      expect(reasons).toEqual([expect.stringMatching(/^what came in \d+ s ago waits to be judged$/)])
      expect(lag).toEqual({ 'detect/events': 10 })
      expect((await postCalls(process.doors?.otlpHttp ?? '', callRequest({ call: 1 }))).status).toBe(200)
      expect(await statusOf(process, '/readyz')).toBe(200)
    } finally {
      await process.close()
    }
  })
})

describe('what is embedded in one process', () => {
  const said = (changes: Partial<Config>, ...roles: Role[]) => {
    try {
      refuseSplit(configOf('split', changes), new Set(roles))
      return []
    } catch (error) {
      return error instanceof Misconfigured ? error.problems.map(describeProblem) : [String(error)]
    }
  }
  const embedded = { bus: {} }
  const server = { store: { url: 'http://clickhouse:8123', database: 'telltale' } }
  const pipeline = ['collect', 'assemble', 'detect', 'correlate', 'deliver', 'write'] as const

  it('is refused to several: the bus', () => {
    expect(said({ ...embedded, ...server }, 'detect')).toEqual([
      'bus: detect cannot run without collect, assemble, correlate, deliver, write: no other process can read an ' +
        'embedded bus (name a Kafka cluster in bus.kafka, or run all in one: telltale start)',
    ])
    expect(said({ ...embedded, ...server }, ...pipeline.filter((role) => role !== 'deliver'), 'serve')).toHaveLength(1)
  })

  it('is refused to several: the store', () => {
    expect(said({}, 'write')).toEqual([
      'store: write cannot run without serve: no other process can use an embedded store (name a ClickHouse server ' +
        'in store.url, or run both: telltale write serve)',
    ])
    expect(said({}, 'serve')).toEqual([
      'store: serve cannot run without write: no other process can use an embedded store (name a ClickHouse server ' +
        'in store.url, or run both: telltale write serve)',
    ])
  })

  it('is refused in one go', () => {
    expect(said(embedded, 'write')).toHaveLength(2)
  })

  it.each([
    ['every stage alone, when neither is', { ...server }, ['detect']],
    ['write and serve together', {}, ['write', 'serve']],
    ['everything together', embedded, [...pipeline, 'serve']],
    ['everything but the API, when the store is a server', { ...embedded, ...server }, [...pipeline]],
    ['the API alone, when the store is a server: it has no use for the bus', { ...embedded, ...server }, ['serve']],
    ['a stage with no use for the store', {}, ['collect', 'detect']],
  ] as const)('is not refused: %s', (_what, changes, roles) => {
    expect(said(changes, ...roles)).toEqual([])
  })
})
