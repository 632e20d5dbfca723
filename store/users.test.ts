/** `users.xml` on a real server: the users of docker-compose.yml may do what Telltale does, and nothing else. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { idOf } from '../schema/ids.ts'
import { exampleEvent } from '../test/example-event.ts'
import { freePorts } from '../test/free-ports.ts'
import { hasStandalone, Standalone } from './chdb/standalone.contract.ts'
import { openStore } from './clickhouse.ts'
import type { Store } from './store.ts'

/** As the server's own packages have it. */
const GRANTS_NEEDED = `<access_control_improvements>
<select_from_system_db_requires_grant>true</select_from_system_db_requires_grant>
<table_engines_require_grant>true</table_engines_require_grant></access_control_improvements>`

const PASSWORDS = {
  telltale: 'CLICKHOUSE',
  telltale_reader: 'CLICKHOUSE_READER',
  grafana: 'CLICKHOUSE_GRAFANA',
} as const

describe.skipIf(!hasStandalone)('users.xml (needs chdb and python3)', { timeout: 60_000 }, () => {
  const directory = mkdtempSync(join(tmpdir(), 'telltale-users-'))
  let clickhouse: Standalone
  let store: Store

  const passwordOf = (user: keyof typeof PASSWORDS) => `password of ${user}`
  const ask = async (user: keyof typeof PASSWORDS, statement: string, settings = '') => {
    const headers = { 'X-ClickHouse-User': user, 'X-ClickHouse-Key': passwordOf(user) }
    const response = await fetch(`${clickhouse.url}/?${settings}`, { method: 'POST', headers, body: statement })
    return await response.text()
  }

  beforeAll(async () => {
    for (const [user, name] of Object.entries(PASSWORDS)) {
      vi.stubEnv(`${name}_PASSWORD`, passwordOf(user as keyof typeof PASSWORDS))
    }
    // What stands in for the server here runs its own statements as `default`.
    const users = readFileSync('store/users.xml', 'utf8').replace('<default remove="remove"/>', '')
    mkdirSync(join(directory, 'users.d'))
    writeFileSync(join(directory, 'users.d', 'telltale.xml'), users)
    const [http, tcp] = (await freePorts(2)) as [number, number]
    clickhouse = new Standalone({ directory, http, tcp, configuration: GRANTS_NEEDED })
    await clickhouse.start()
    store = await openStore({
      server: {
        url: clickhouse.url,
        database: 'telltale',
        username: 'telltale',
        password: passwordOf('telltale'),
        reader: { username: 'telltale_reader', password: passwordOf('telltale_reader') },
      },
    })
  }, 60_000)
  afterAll(async () => {
    vi.unstubAllEnvs()
    await store?.close()
    await clickhouse.signal('SIGKILL')
    rmSync(directory, { recursive: true, force: true })
  })

  it('lets the writer make the tables and fill them, and the reader read them', async () => {
    const event = exampleEvent({ tenant_id: 'one', event_id: idOf('one') })
    const batchId = '00000000-0000-7000-8000-000000000001'
    expect(await store.insert({ batchId, table: 'events', rows: [Buffer.from(JSON.stringify(event))] })).toEqual([])
    expect(await store.hasBatch('events', batchId)).toBe(true)
    expect((await store.events({ tenant: 'one' })).items).toHaveLength(1)
    expect(await store.health()).toMatchObject({ ok: true, kind: 'server' })
    expect((await store.health()).tables?.length).toBeGreaterThan(0)
  })

  it('lets Grafana read, with a time limit of its own', async () => {
    expect(await ask('grafana', 'SELECT count() FROM telltale.events', 'max_execution_time=30')).toBe('1\n')
    expect(await ask('grafana', 'SELECT 1', 'max_execution_time=600')).toContain('SETTING_CONSTRAINT_VIOLATION')
  })

  it.each([
    ['telltale', "SELECT * FROM url('http://127.0.0.1:1/', CSV, 'a String')", 'ACCESS_DENIED'],
    ['telltale', 'CREATE DATABASE other', 'ACCESS_DENIED'],
    ['telltale_reader', 'TRUNCATE TABLE telltale.events', 'READONLY|ACCESS_DENIED'],
    ['telltale_reader', "SELECT * FROM file('/etc/passwd', LineAsString)", 'ACCESS_DENIED'],
    ['grafana', 'INSERT INTO telltale.alerts_in SELECT 1', 'READONLY|ACCESS_DENIED'],
    ['grafana', 'SELECT count() FROM system.users', 'ACCESS_DENIED'],
  ] as const)('does not let %s say: %s', async (user, statement, refusal) => {
    expect(await ask(user, statement)).toMatch(new RegExp(refusal))
  })

  it('lets nobody in without a password', async () => {
    const headers = { 'X-ClickHouse-User': 'grafana' }
    const response = await fetch(clickhouse.url, { method: 'POST', headers, body: 'SELECT 1' })
    expect(response.status).toBe(403)
  })
})
