import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { Misconfigured, Unavailable } from '../schema/errors.ts'
import { idOf } from '../schema/ids.ts'
import { exampleEvent } from '../test/example-event.ts'
import { freePorts } from '../test/free-ports.ts'
import { hasStandalone, Standalone } from './chdb/standalone.contract.ts'
import { openStore } from './clickhouse.ts'
import type { Store } from './store.ts'

const bytes = (value: unknown) => Buffer.from(JSON.stringify(value))
let batches = 0
const batchId = () => `00000000-0000-7000-8000-${String(++batches).padStart(12, '0')}`
const batch = (tenant: string) => ({
  batchId: batchId(),
  table: 'events' as const,
  rows: [bytes(exampleEvent({ tenant_id: tenant, event_id: idOf(tenant) }))],
})

const RIGHTS = '<networks><ip>::/0</ip></networks><quota>default</quota>'

describe.skipIf(!hasStandalone)('a store on a ClickHouse server (needs chdb and python3)', { timeout: 60_000 }, () => {
  const directory = mkdtempSync(join(tmpdir(), 'telltale-server-'))
  let clickhouse: Standalone
  let store: Store
  const open: Store[] = []
  const opened = async (...options: Parameters<typeof openStore>): Promise<Store> => {
    const another = await openStore(...options)
    open.push(another)
    return another
  }

  beforeAll(async () => {
    const [http, tcp] = (await freePorts(2)) as [number, number]
    clickhouse = new Standalone({
      directory,
      http,
      tcp,
      users: `<reader><password>r</password><profile>readonly</profile>${RIGHTS}</reader>
<weak><password>w</password><profile>default</profile>${RIGHTS}<grants><query>GRANT SELECT ON system.*</query></grants></weak>
<poor><password>p</password><profile>default</profile>${RIGHTS}<grants><query>GRANT SELECT ON bare.*</query></grants></poor>`,
    })
    await clickhouse.start()
    await clickhouse.say('CREATE DATABASE bare')
    store = await openStore({ server: { url: clickhouse.url, database: 'telltale', requestTimeoutMs: 3000 } })
  }, 60_000)
  afterEach(async () => {
    await Promise.all(open.splice(0).map((another) => another.close()))
  })
  afterAll(async () => {
    await store.close()
    await clickhouse.signal('SIGKILL')
    rmSync(directory, { recursive: true, force: true })
  })

  it('is the same store, in a database that it makes', async () => {
    const mine = batch('served')
    expect(await store.insert(mine)).toEqual([])
    expect((await store.events({ tenant: 'served' })).items).toHaveLength(1)
    expect(await store.hasBatch('events', mine.batchId)).toBe(true)
    expect(await store.hasBatch('events', batchId())).toBe(false)
    expect(await store.health()).toMatchObject({ ok: true, kind: 'server' })
    expect(await clickhouse.say('SELECT count() FROM telltale.events')).toBe('1\n')
  })

  it('is read by a user who may only read', async () => {
    const reader = { username: 'reader', password: 'r' }
    const reading = await opened({ server: { url: clickhouse.url, database: 'telltale', reader } })
    expect(await reading.event('served', idOf('served'))).toMatchObject({ tenant_id: 'served' })
  })

  it('waits for a server that is killed, and finds what was acknowledged when it is back', async () => {
    expect(await store.insert(batch('killed'))).toEqual([])
    await clickhouse.signal('SIGKILL')
    const later = batch('later')
    await expect(store.insert(later)).rejects.toThrow(Unavailable)
    await expect(store.hasBatch('events', later.batchId)).rejects.toThrow(Unavailable)
    await expect(store.events({ tenant: 'killed' })).rejects.toThrow(Unavailable)
    expect(await store.health()).toMatchObject({ ok: false })
    // Who starts meanwhile waits, too.
    const waiting = await opened({ server: { url: clickhouse.url, database: 'begun' } })
    await expect(waiting.insert(batch('begun'))).rejects.toThrow(Unavailable)
    await clickhouse.start()
    expect(await store.hasBatch('events', later.batchId)).toBe(false)
    expect(await store.insert(later)).toEqual([])
    expect((await store.events({ tenant: 'killed' })).items).toHaveLength(1)
    expect((await store.events({ tenant: 'later' })).items).toHaveLength(1)
    expect(await waiting.insert(batch('begun'))).toEqual([])
    expect((await waiting.events({ tenant: 'begun' })).items).toHaveLength(1)
  })

  it('does not wait for ever for a server that hangs', async () => {
    const inDoubt = batch('frozen')
    await clickhouse.signal('SIGSTOP')
    try {
      await expect(store.insert(inDoubt)).rejects.toThrow(Unavailable)
    } finally {
      await clickhouse.signal('SIGCONT')
    }
    // Either answer is right: what matters is that both ways lead to the row, once.
    if (!(await store.hasBatch('events', inDoubt.batchId))) {
      await store.insert({ ...inDoubt, batchId: batchId() })
    }
    expect((await store.events({ tenant: 'frozen' })).items).toHaveLength(1)
  })

  it('is unavailable while a table takes no more parts', async () => {
    await clickhouse.say('SYSTEM STOP MERGES telltale.events')
    await clickhouse.say(
      'ALTER TABLE telltale.events MODIFY SETTING parts_to_throw_insert = 1, parts_to_delay_insert = 1',
    )
    await store.insert(batch('parts')).catch(() => undefined)
    await expect(store.insert(batch('parts'))).rejects.toThrow(Unavailable)
    await clickhouse.say('ALTER TABLE telltale.events RESET SETTING parts_to_throw_insert, parts_to_delay_insert')
    await clickhouse.say('SYSTEM START MERGES telltale.events')
    expect(await store.insert(batch('parts'))).toEqual([])
  })

  it.each([
    ['a wrong password', { username: 'default', password: 'wrong' }, /check store\.username and store\.password/],
    ['an unknown user', { username: 'nobody', password: '' }, /check store\.username and store\.password/],
    [
      'a user without rights',
      { username: 'weak', password: 'w', database: 'other' },
      /create it, and GRANT ALL ON other/,
    ],
    [
      'a user who may not make tables',
      { username: 'poor', password: 'p', database: 'bare' },
      /GRANT CREATE TABLE ON bare\.\S+ TO poor/,
    ],
    ['a user who may only read', { username: 'reader', password: 'r', database: 'fresh' }, /READONLY|readonly|GRANT/],
    ['an unknown cluster', { cluster: 'nope' }, /knows no cluster "nope"[\s\S]*no macro shard[\s\S]*no macro replica/],
    ['several servers that are no cluster', { url: ['http://a', 'http://b'] }, /each would get a part of the rows/],
    ['a password in the address', { url: 'http://me:secret@host:8123' }, /^(?![\s\S]*secret)[\s\S]*is not the address/],
    ['a database that is no name', { database: 'a`b' }, /is not a name/],
  ])('refuses %s for good, and says what to do', async (_, options, message) => {
    const opening = openStore({ server: { url: clickhouse.url, database: 'telltale', ...options } })
    await expect(opening).rejects.toThrow(Misconfigured)
    await expect(opening).rejects.toThrow(message)
  })
})

describe.skipIf(!hasOpenssl())('a server whose certificate the system does not know (needs openssl)', () => {
  it('is refused, and accepted with the authority that the operator names', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'telltale-tls-'))
    const [key, certificate] = [join(directory, 'key.pem'), join(directory, 'certificate.pem')]
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '1']
    const made = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', key, '-out', certificate]
    execFileSync('openssl', ['req', '-x509', ...made, ...subject], { stdio: 'ignore' })
    const secure = createSecureServer({ key: readFileSync(key), cert: readFileSync(certificate) }, (_, response) => {
      response.statusCode = 503
      response.end('not yet')
    })
    await new Promise<void>((listening) => secure.listen(0, '127.0.0.1', listening))
    const url = `https://127.0.0.1:${(secure.address() as AddressInfo).port}`
    try {
      await expect(openStore({ server: { url } })).rejects.toThrow(/not trusted.*check store\.url and store\.tls\.ca/)
      const trusting = await openStore({ server: { url, tls: { ca: readFileSync(certificate, 'utf8') } } })
      expect(await trusting.health()).toMatchObject({ ok: false, message: expect.stringContaining('not yet') })
      await trusting.close()
    } finally {
      secure.close()
      rmSync(directory, { recursive: true, force: true })
    }
  })
})

function hasOpenssl(): boolean {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

describe('a server that answers with', () => {
  let server: Server
  let answer: { status: number; code?: string; body: string }
  /** Which of the settings it was asked about it has, as rows. */
  let settings = ''
  /** Settings of the last request. */
  let asked: URLSearchParams
  let store: Store
  beforeAll(async () => {
    server = createServer(async (request, response) => {
      asked = new URL(request.url as string, 'http://localhost').searchParams
      const statement = Buffer.concat(await request.toArray()).toString('latin1')
      response.statusCode = answer.status
      if (answer.code !== undefined) {
        response.setHeader('X-ClickHouse-Exception-Code', answer.code)
      }
      response.end(answer.status === 200 && statement.includes('system.settings') ? settings : answer.body)
    })
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
    answer = { status: 503, body: 'not yet' }
    store = await openStore({ server: { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` } })
  })
  afterAll(async () => {
    await store.close()
    server.close()
  })

  it.each([
    ['since 26', '{"name":"deduplicate_insert"}\n', 'disable'],
    ['before', '', null],
  ])('success: it is asked to store before it acknowledges, %s', async (_, known, expected) => {
    answer = { status: 200, body: '' }
    settings = known
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const acknowledging = await openStore({ server: { url } })
    expect(await acknowledging.insert(batch('any'))).toEqual([])
    expect(Object.fromEntries(asked)).toMatchObject({
      async_insert: '0',
      insert_deduplicate: '0',
      wait_end_of_query: '1',
    })
    expect(asked.get('deduplicate_insert')).toBe(expected)
    await acknowledging.close()
  })

  it.each([
    ['159', 'TIMEOUT_EXCEEDED'],
    ['202', 'TOO_MANY_SIMULTANEOUS_QUERIES'],
    ['210', 'NETWORK_ERROR'],
    ['241', 'MEMORY_LIMIT_EXCEEDED'],
    ['242', 'TABLE_IS_READ_ONLY'],
    ['243', 'NOT_ENOUGH_SPACE'],
    ['252', 'TOO_MANY_PARTS'],
    ['279', 'ALL_CONNECTION_TRIES_FAILED'],
    ['285', 'TOO_FEW_LIVE_REPLICAS'],
    ['286', 'UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE'],
    ['319', 'UNKNOWN_STATUS_OF_INSERT'],
    ['999', 'KEEPER_EXCEPTION'],
  ])('error %s, %s, is waited for', async (code, name) => {
    answer = { status: 500, code, body: `Code: ${code}. DB::Exception: it happened. (${name}) (version 26.7.2.1)` }
    await expect(store.insert(batch('any'))).rejects.toThrow(Unavailable)
    await expect(store.events({ tenant: 'any' })).rejects.toThrow(Unavailable)
  })

  it.each(['139', '164', '192', '225', '392', '452', '497', '516', '701'])(
    'error %s is the operator’s',
    async (code) => {
      answer = { status: 500, code, body: `Code: ${code}. DB::Exception: it happened. (NAME) (version 26.7.2.1)` }
      await expect(store.insert(batch('any'))).rejects.toThrow(Misconfigured)
    },
  )

  it('what no ClickHouse says is waited for, and cut before it is told', async () => {
    answer = { status: 502, body: `<html>${'x'.repeat(5000)}</html>` }
    const failed = await store.insert(batch('any')).catch((error: Error) => error)
    expect(failed).toBeInstanceOf(Unavailable)
    expect((failed as Error).message.length).toBeLessThan(400)
  })
})
