import { request } from 'node:http'
import { Ajv } from 'ajv'
import { afterEach, describe, expect, it } from 'vitest'
import { toolAllowlist } from '../detectors/tool-allowlist.ts'
import { coverageOf } from '../engine/coverage.ts'
import { createMetrics } from '../engine/metrics.ts'
import type { DeadLetter } from '../schema/dead-letter.ts'
import { Unavailable } from '../schema/errors.ts'
import { CURSOR_LIMIT } from '../store/cursor.ts'
import type { AgentSummary, DeadLetterQuery, EventQuery, Listing, Store } from '../store/store.ts'
import { exampleAlert } from '../test/example-alert.ts'
import { exampleEvent } from '../test/example-event.ts'
import type { Health } from './health.ts'
import { routes } from './index.ts'
import { authorizer, makeKey, SCOPES, type Scope } from './keys.ts'
import { type Api, type ApiOptions, startApi, startProbes } from './server.ts'

const agent: AgentSummary = {
  agent: { id: 'support-assistant', labels: { tier: 'gold' } },
  firstSeenMs: 1,
  lastSeenMs: 2,
  events: 3,
  errors: 0,
  denied: 0,
  alerts: 1,
  sessions: 1,
  versions: ['2.3.1'],
  tools: ['kb.search'],
}

const letter: DeadLetter = {
  letter_id: '0'.repeat(32),
  tenant_id: 'default',
  time_ms: 1,
  stage: 'deliver',
  reason: 'http-410',
  sink: 'siem',
  attempts: 1,
  key: 'default\u001fsession-1',
  value_base64: 'e30=',
}

/** What a `smallStore` was asked. */
interface Asked {
  readonly asked: EventQuery[]
  readonly askedForLetters: DeadLetterQuery[]
}

/** Holds one event, one alert and one dead letter of tenant `default`; remembers what it was asked. */
function smallStore(changes: Partial<Store> = {}): Store & Asked {
  const asked: EventQuery[] = []
  const askedForLetters: DeadLetterQuery[] = []
  const event = exampleEvent()
  const alert = exampleAlert()
  const mine = <Item>(tenant: string, items: readonly Item[]) => ({ items: tenant === 'default' ? items : [] })
  return {
    asked,
    askedForLetters,
    insert: async () => [],
    hasBatch: async () => false,
    decide: async () => undefined,
    events: async (query) => {
      asked.push(query)
      return mine(query.tenant, [event])
    },
    event: async (tenant, id) => (tenant === 'default' && id === event.event_id ? event : undefined),
    findings: async ({ tenant }) => mine(tenant, []),
    alerts: async ({ tenant }) => mine(tenant, [alert]),
    alert: async (tenant, id) =>
      tenant === 'default' && id === alert.alert_id ? { alert, decisions: [], findingCount: 1 } : undefined,
    agents: async ({ tenant }) => mine(tenant, [agent]),
    fields: async (tenant) =>
      tenant === 'default' ? [{ agent: { id: 'support-assistant' }, operation: 'tool_call', fields: ['tool'] }] : [],
    deadLetters: async (query) => {
      askedForLetters.push(query)
      return mine(query.tenant, [letter])
    },
    health: async () => ({ ok: true, kind: 'embedded' }),
    close: async () => undefined,
    ...changes,
  }
}

const open: Api[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((api) => api.close()))
})

async function start(changes: Partial<ApiOptions> = {}): Promise<string> {
  const api = await startApi({
    host: '127.0.0.1',
    port: 0,
    version: '0.0.0',
    store: smallStore(),
    metrics: createMetrics(),
    health: async () => ({
      status: 'ok',
      reasons: [],
      version: '0.0.0',
      uptime_s: 1,
      roles: ['serve'],
      records: { received: 1, in_flight: 0, outcomes: { judged: 1 } },
      lag: {},
      partitions: {},
      store: { ok: true, kind: 'embedded' },
      sinks: [],
    }),
    isReady: async () => true,
    policyOf: ({ id }) => (id === 'support-assistant' ? 'support' : undefined),
    coverageOf: (seen) => coverageOf(seen, [toolAllowlist], () => []),
    defaultTenant: 'default',
    authorize: authorizer([], 'default'),
    localNamesOnly: true,
    onBug: (error) => {
      throw error
    },
    ...changes,
  })
  open.push(api)
  return api.address
}

const keyed = (scope: Scope, tenant = 'default') => {
  const { key, sha256 } = makeKey(scope)
  const authorize = authorizer([{ name: 'k', scope, sha256, tenant }], 'default')
  return { headers: { authorization: `Bearer ${key}` }, options: { authorize, localNamesOnly: false } }
}

/** Every route, with parameters that name something that is there. */
const served = [
  ...routes.map(({ path, need, responses }) => ({ path, need, responses })),
  { path: '/api/v1/openapi.json', need: 'public' as const, responses: {} },
]
const pathOf = (path: string) =>
  path.replace(':id', path.includes('events') ? exampleEvent().event_id : exampleAlert().alert_id)

describe('every route', () => {
  it.each(served)('$path answers as it is described', async ({ path, responses }) => {
    const response = await fetch((await start()) + pathOf(path))
    expect(response.status).toBe(200)
    const schema = (responses as Record<number, { schema?: object }>)[200]?.schema
    if (schema !== undefined) {
      const validate = new Ajv({ strict: false }).compile(schema)
      expect(validate(await response.json()), JSON.stringify(validate.errors)).toBe(true)
    }
    expect(response.headers.get('x-content-type-options')).toBe('nosniff')
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'")
  })

  it.each(served)('$path asks for its key as soon as there are keys', async ({ path, need }) => {
    for (const scope of SCOPES) {
      const { headers, options } = keyed(scope)
      const address = await start(options)
      const may = need === 'public' || scope === 'admin' || scope === need
      expect((await fetch(address + pathOf(path), { headers })).status).toBe(may ? 200 : 403)
      const unknown = { authorization: `Bearer ${makeKey('admin').key}` }
      for (const strange of [{}, unknown]) {
        expect((await fetch(address + pathOf(path), { headers: strange })).status).toBe(need === 'public' ? 200 : 401)
      }
    }
  })

  it.each(served)('$path tells another tenant nothing', async ({ path, need }) => {
    const { headers, options } = keyed('admin', 'tenant-2')
    const response = await fetch((await start(options)) + pathOf(path), { headers })
    const text = await response.text()
    expect(text).not.toContain('session-1')
    if (need !== 'public' && path.includes(':id')) {
      expect(response.status).toBe(404)
    }
  })

  it('is in the OpenAPI document', async () => {
    const document = (await (await fetch(`${await start()}/api/v1/openapi.json`)).json()) as { paths: object }
    expect(Object.keys(document.paths)).toEqual(served.map(({ path }) => path.replace(':id', '{id}')))
  })
})

describe('listings', () => {
  it('name the policy that is selected by what an agent was seen with last, page by page', async () => {
    const asked: Listing[] = []
    const store = smallStore({
      agents: async (query) => {
        asked.push(query)
        return { items: [agent], next: 'more' }
      },
    })
    const policyOf: ApiOptions['policyOf'] = ({ labels }) => (labels?.tier === 'gold' ? 'gold-support' : undefined)
    const response = await fetch(`${await start({ store, policyOf })}/api/v1/agents?to=9&cursor=abc`)
    expect(await response.json()).toMatchObject({
      items: [{ id: 'support-assistant', labels: { tier: 'gold' }, policy: 'gold-support' }],
      next: 'more',
    })
    expect(asked).toEqual([{ tenant: 'default', limit: 1000, toMs: 9, cursor: 'abc' }])
  })

  it('pass filters on, words split at commas, times in milliseconds', async () => {
    const store = smallStore()
    const address = await start({ store })
    const query = 'agent=a&outcome=error,denied&operation=tool_call&from=2026-01-05T08:00:00Z&to=1790000000000&limit=7'
    expect((await fetch(`${address}/api/v1/events?${query}`)).status).toBe(200)
    expect(store.asked).toEqual([
      {
        tenant: 'default',
        agent: 'a',
        outcome: ['error', 'denied'],
        operation: ['tool_call'],
        fromMs: Date.UTC(2026, 0, 5, 8),
        toMs: 1_790_000_000_000,
        limit: 7,
      },
    ])
  })

  it.each([
    'limit=0',
    'limit=-1',
    'limit=1001',
    'limit=1e9',
    'limit=NaN',
    'limit=ten',
    'offset=5',
    'agnet=a',
    'tenant=tenant-2',
    'outcome=fine',
    "outcome=error'--",
    'operation=tool_call,,',
    'from=yesterday',
    'from=-5',
    'from=99999999999999999999',
    'from=2000&to=1000',
    'agent=',
    'agent=a&agent=b',
    'a[__proto__]=1',
    '__proto__=1',
    'constructor=1',
    `agent=${'x'.repeat(600)}`,
    `cursor=${'x'.repeat(CURSOR_LIMIT + 1)}`,
  ])('refuse %s and say why', async (query) => {
    const store = smallStore()
    const response = await fetch(`${await start({ store })}/api/v1/events?${query}`)
    expect(response.status).toBe(400)
    const { error } = (await response.json()) as { error: { message: string } }
    expect(error.message.length).toBeGreaterThan(10)
    expect(store.asked).toHaveLength(0)
  })

  it.each([
    ['default', true],
    ['tenant-2', false],
  ])(
    'of dead letters take who, to whom and why; those of nobody are for the default tenant: %s, %s',
    async (tenant, ofNobody) => {
      const store = smallStore()
      const { headers, options } = keyed('admin', tenant)
      const address = await start({ ...options, store })
      const query = 'stage=deliver&sink=siem&reason=http-410&from=5&cursor=abc&limit=7'
      expect((await fetch(`${address}/api/v1/dead-letters?${query}`, { headers })).status).toBe(200)
      expect(store.askedForLetters).toEqual([
        { tenant, ofNobody, stage: 'deliver', sink: 'siem', reason: 'http-410', fromMs: 5, cursor: 'abc', limit: 7 },
      ])
    },
  )

  it('of dead letters are not for keys that only read: what they hold is shown as it is', async () => {
    const { headers, options } = keyed('read')
    expect((await fetch(`${await start(options)}/api/v1/dead-letters`, { headers })).status).toBe(403)
  })

  it('name an unknown parameter', async () => {
    const response = await fetch(`${await start()}/api/v1/events?agnet=a`)
    expect(JSON.stringify(await response.json())).toContain('agnet')
  })
})

describe('errors', () => {
  it('say that the store is away, and when to come back', async () => {
    const store = smallStore({ events: () => Promise.reject(new Unavailable('the store is starting')) })
    const response = await fetch(`${await start({ store })}/api/v1/events`)
    expect(response.status).toBe(503)
    expect(response.headers.get('retry-after')).toBe('1')
  })

  it('never tell what a bug said', async () => {
    const bugs: unknown[] = []
    const store = smallStore({ events: () => Promise.reject(new Error('secret detail')) })
    const response = await fetch(`${await start({ store, onBug: (error) => bugs.push(error) })}/api/v1/events`)
    expect(response.status).toBe(500)
    expect(await response.text()).not.toContain('secret detail')
    expect(bugs).toHaveLength(1)
  })

  it.each(['/api/v1/nothing', '/api/v1/events/../../etc/passwd', '/%2e%2e/etc', '/api/v1/events/xyz', '//'])(
    '%s is not here',
    async (path) => {
      expect([400, 404]).toContain((await fetch((await start()) + path)).status)
    },
  )

  it.each(['POST', 'PUT', 'DELETE', 'PATCH'])('%s changes nothing', async (method) => {
    expect((await fetch(`${await start()}/api/v1/events`, { method })).status).toBe(404)
  })

  it('answer 503 when health is down', async () => {
    expect((await fetch(`${await start({ health: async () => DOWN })}/api/v1/health`)).status).toBe(503)
  })
})

const DOWN: Health = {
  status: 'down',
  reasons: ['the detect stage stopped'],
  version: '0',
  uptime_s: 1,
  roles: ['detect'],
  records: { received: 0, outcomes: {} },
  lag: {},
  partitions: {},
  sinks: [],
}

describe('a process without the API', () => {
  const probes = async (isReady: boolean, keys?: ReturnType<typeof keyed>) => {
    const api = await startProbes({
      ...{ host: '127.0.0.1', port: 0, version: '0.0.0', metrics: createMetrics(), localNamesOnly: true },
      health: async () => DOWN,
      isReady: async () => isReady,
      authorize: authorizer([], 'default'),
      onBug: (error) => {
        throw error
      },
      ...keys?.options,
    })
    open.push(api)
    return (path: string, headers?: object) => fetch(api.address + path, { headers: { ...headers } })
  }

  it('answers what load balancers and Prometheus ask, describes that, and has nothing else', async () => {
    const ask = await probes(true)
    const document = (await (await ask('/api/v1/openapi.json')).json()) as { paths: object }
    const paths = ['/livez', '/readyz', '/api/v1/health', '/metrics', '/api/v1/openapi.json']
    expect(Object.keys(document.paths)).toEqual(paths)
    for (const path of ['/', '/api/v1/events', '/api/v1/alerts', '/api/v1/agents']) {
      expect((await ask(path)).status).toBe(404)
    }
  })

  it('lives although it is not ready, says only that without a key, and when to look again', async () => {
    const ask = await probes(false, keyed('read'))
    const readiness = await ask('/readyz')
    expect([readiness.status, readiness.headers.get('retry-after')]).toEqual([503, '1'])
    expect(await readiness.json()).toEqual({ ready: false })
    expect((await ask('/livez')).status).toBe(200)
    expect([(await ask('/api/v1/health')).status, (await ask('/metrics')).status]).toEqual([401, 401])
  })

  it('tells why with one', async () => {
    const keys = keyed('read')
    const ask = await probes(false, keys)
    const answer = await ask('/api/v1/health', keys.headers)
    expect([answer.status, await answer.json()]).toEqual([503, DOWN])
  })
})

describe('without keys', () => {
  const askedAs = (address: string, host: string): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      const { hostname, port } = new URL(address)
      request({ hostname, port, path: '/api/v1/events', headers: { host } }, (response) => {
        response.resume()
        resolve(response.statusCode)
      })
        .on('error', reject)
        .end()
    })

  it.each([
    ['localhost:8080', 200],
    ['127.0.0.1', 200],
    ['[::1]:8080', 200],
    ['evil.example.com', 403],
    ['127.0.0.1.evil.example.com', 403],
    ['localhost.evil.example.com:8080', 403],
  ] as const)('a request for host %s gets %i, so that no web page can rebind a name to us', async (host, status) => {
    expect(await askedAs(await start(), host)).toBe(status)
  })

  it('a request for any host passes when keys protect it', async () => {
    const { options } = keyed('read')
    expect(await askedAs(await start(options), 'telltale.example.com')).toBe(401)
  })
})
