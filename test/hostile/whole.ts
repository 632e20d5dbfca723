/** One real process for tests of hostile telemetry: doors, dialects, assembler, detectors, store and API. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pino from 'pino'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { makeKey } from '../../api/keys.ts'
import { type Config, loadConfig } from '../../config.ts'
import { startTelltale, type Telltale } from '../../run.ts'
import type { Telemetry } from '../../schema/telemetry.ts'
import { callSpan, postCalls, spansRequest } from '../one-call.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

/** The name of the second tenant, which is hostile itself. */
const OTHER_TENANT = "o'ther; DROP TABLE events"
const made = {
  ingest: makeKey('ingest'),
  read: makeKey('read'),
  otherIngest: makeKey('ingest'),
  otherRead: makeKey('read'),
}
/** Keys of two tenants. */
export const KEYS = {
  ingest: made.ingest.key,
  read: made.read.key,
  otherIngest: made.otherIngest.key,
  otherRead: made.otherRead.key,
} as const

/** What everything inherits, before anything hostile came. */
const prototypes = [Object.prototype, Array.prototype, Map.prototype, Function.prototype]
const inherited = () => prototypes.map((prototype) => Reflect.ownKeys(prototype).length)
const untouched = inherited()

let calls = 0
/** Every call has its own number, so that no two tests meet in one trace. */
export function next(): number {
  calls += 1
  return calls
}

/** The receipt of a request of which every record was taken, but not as it was sent. */
export function warned(errorMessage: string): { readonly receipt: object } {
  return { receipt: { partialSuccess: { errorMessage } } }
}

/** What tests ask of the process. */
export interface Whole {
  readonly telltale: Telltale
  get<Body>(path: string, key?: string): Promise<{ readonly status: number; readonly body: Body }>
  /** All events that pass the filter, page by page. */
  events(filter: Readonly<Record<string, string>>, key?: string): Promise<readonly Telemetry[]>
  /** Sends spans of one request, and expects that they are taken: with this receipt, or one that has nothing to say. */
  send(spans: readonly object[], options?: { readonly service?: string; readonly receipt?: object }): Promise<void>
  /** Resolves when nothing is behind and nothing is held. */
  settled(): Promise<void>
}

/**
 * Starts it for all tests of a file. After each test it must still work, and nobody may have been harmed; in the end a
 * good call must still go all the way, and every record have come to one end.
 */
export function useWhole(): Whole {
  let directory: string
  let telltale: Telltale
  const logged: string[] = []

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'telltale-hostile-'))
    mkdirSync(join(directory, 'policies'))
    // Whoever it is may search, and do nothing else: every other name ends in an alert, too.
    const policy = 'version: 1\nid: all\nagent: {id: "*"}\ntools: {allow: [search]}\n'
    writeFileSync(join(directory, 'policies/all.yml'), policy)
    const config: Config = {
      ...loadConfig(undefined, {}),
      data: join(directory, 'data'),
      policies: join(directory, 'policies'),
      listen: { host: '127.0.0.1', otlp_http_port: 0, otlp_grpc_port: 0, api_port: 0 },
      keys: [
        { name: 'a', scope: 'ingest', sha256: made.ingest.sha256, tenant: 'acme' },
        { name: 'b', scope: 'read', sha256: made.read.sha256, tenant: 'acme' },
        { name: 'c', scope: 'ingest', sha256: made.otherIngest.sha256, tenant: OTHER_TENANT },
        { name: 'd', scope: 'read', sha256: made.otherRead.sha256, tenant: OTHER_TENANT },
      ],
    }
    telltale = await startTelltale(config, pino({ level: 'error' }, { write: (line) => logged.push(line) }))
  })

  afterEach(async () => {
    const { reasons, status } = await telltale.health()
    expect({ reasons, status }).toEqual({ reasons: [], status: 'ok' })
    expect(inherited()).toEqual(untouched)
    expect(logged).toEqual([])
  })

  afterAll(async () => {
    await telltale?.close()
    rmSync(directory, { recursive: true, force: true })
  })

  const whole: Whole = {
    get telltale() {
      return telltale
    },
    get: async <Body>(path: string, key: string = KEYS.read) => {
      const response = await fetch(`${telltale.api}/api/v1/${path}`, { headers: { authorization: `Bearer ${key}` } })
      return { status: response.status, body: (await response.json()) as Body }
    },
    events: async (filter, key) => {
      const items: Telemetry[] = []
      let cursor: string | undefined
      do {
        const query = new URLSearchParams({ limit: '1000', ...filter, ...(cursor === undefined ? {} : { cursor }) })
        const { body } = await whole.get<{ items: Telemetry[]; next?: string }>(`events?${query}`, key)
        items.push(...body.items)
        cursor = body.next
      } while (cursor !== undefined)
      return items
    },
    send: async (spans, { service, receipt = {} } = {}) => {
      const response = await postCalls(telltale.otlpHttp, spansRequest(spans, service), KEYS.ingest)
      expect([response.status, await response.json()]).toEqual([200, receipt])
    },
    settled: async () => {
      for (let attempt = 0; attempt < 600; attempt += 1) {
        const { lag, records } = await telltale.health()
        if (records.in_flight === 0 && Object.values(lag).every((behind) => behind === 0)) {
          return
        }
        await sleep(100)
      }
      throw new Error(`not settled: ${JSON.stringify(await telltale.health())}`)
    },
  }
  return whole
}

/** The last test of every file. */
export function expectGoodEnd(whole: Whole): void {
  describe('in the end', () => {
    it('a good call still goes all the way, and every record has come to one end', async () => {
      await whole.send([callSpan({ call: next(), session: 'the last one' })])
      await whole.settled()
      expect(await whole.events({ session: 'the last one' })).toHaveLength(1)
      const { records } = await whole.telltale.health()
      expect(records.in_flight).toBe(0)
      const strange = /unknown$|^(assemble|detect|correlate)\.rejected/
      expect(Object.keys(records.outcomes).filter((name) => strange.test(name))).toEqual([])
    })
  })
}
