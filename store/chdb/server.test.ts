import { execFileSync, fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ClickHouseClient, ClickHouseLogLevel, createClient } from '@clickhouse/client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Misconfigured } from '../../schema/errors.ts'
import { type Connection, connectEmbedded } from '../connection.ts'
import { hasChdb } from './installed.contract.ts'
import { type Embedded, type EmbeddedEvent, openEmbedded } from './supervisor.ts'

const home = mkdtempSync(join(tmpdir(), 'telltale-chdb-'))
afterAll(() => rmSync(home, { recursive: true, force: true }))

interface Reply {
  readonly status: number
  readonly code: string | undefined
  readonly text: string
}

/** One request on the socket, as a client would send it. */
function ask(
  socketPath: string,
  {
    path,
    method = 'POST',
    body = '',
    headers = {},
  }: { path: string; method?: string; body?: string | Buffer; headers?: Record<string, string> },
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, path, method, headers }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          code: response.headers['x-clickhouse-exception-code'] as string | undefined,
          text: Buffer.concat(chunks).toString('utf8'),
        }),
      )
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

const until = async (condition: () => boolean | Promise<boolean>): Promise<void> => {
  while (!(await condition())) {
    await sleep(20)
  }
}

describe.skipIf(!hasChdb)('the embedded engine (needs the optional package chdb)', { timeout: 60_000 }, () => {
  let connection: Connection
  let socketPath: string
  const password = 'grafana-reads'
  beforeAll(async () => {
    connection = await connectEmbedded({ directory: join(home, 'main'), reading: { port: 0, password } })
    socketPath = (connection.embedded as Embedded).socketPath
    await connection.writer.client.command({
      query: 'CREATE TABLE t (a UInt32, b String) ENGINE = MergeTree ORDER BY a',
    })
  })
  afterAll(() => connection.close())

  const values = async <Row>(client: ClickHouseClient, query: string, query_params = {}): Promise<Row[]> => {
    const result = await client.query({ query, query_params, format: 'JSONEachRow' })
    return await result.json<Row>()
  }

  describe('speaks the ClickHouse interface', () => {
    it('answers pings', async () => {
      expect(await ask(socketPath, { path: '/ping', method: 'GET' })).toMatchObject({ status: 200, text: 'Ok.\n' })
      expect(await connection.reader.client.ping()).toEqual({ success: true })
    })

    it('takes the statement from the address or the body', async () => {
      expect((await ask(socketPath, { path: '/?query=SELECT+1', method: 'GET' })).text).toBe('1\n')
      expect((await ask(socketPath, { path: '/?default_format=CSV', body: "SELECT 'x'" })).text).toBe('"x"\n')
      expect((await ask(socketPath, { path: '/', body: 'SELECT 2 FORMAT JSONCompactEachRow' })).text).toBe('[2]\n')
    })

    it.each(['plain', "it's", 'tab\tline\nback\\slash', '{a:String}', "'; DROP TABLE t; --", '', '\\N', '😀'])(
      'binds the value %j as it is',
      async (value) => {
        expect(await values(connection.reader.client, 'SELECT {value:String} AS v', { value })).toEqual([{ v: value }])
      },
    )

    it('binds numbers and NULL', async () => {
      const query = 'SELECT {n:Int64} AS n, {none:Nullable(String)} AS none'
      expect(await values(connection.writer.client, query, { n: 1_790_000_000_123, none: null })).toEqual([
        { n: 1_790_000_000_123, none: null },
      ])
    })

    it('does not mix up the parameters of statements that run together', async () => {
      const all = await Promise.all(
        Array.from({ length: 40 }, (_, n) =>
          values(n % 2 ? connection.reader.client : connection.writer.client, 'SELECT {n:Int64} AS n', { n }),
        ),
      )
      expect(all).toEqual(Array.from({ length: 40 }, (_, n) => [{ n }]))
    })

    it('takes rows as JSON and as RowBinary', async () => {
      await connection.writer.client.insert({ table: 't', format: 'JSONEachRow', values: [{ a: 1, b: 'one' }] })
      const row = Buffer.concat([Buffer.from([2, 0, 0, 0, 3]), Buffer.from('two')])
      const path = `/?query=${encodeURIComponent('INSERT INTO t FORMAT RowBinary')}`
      expect(await ask(socketPath, { path, body: row })).toMatchObject({ status: 200, text: '' })
      expect(await values(connection.reader.client, 'SELECT a, b FROM t ORDER BY a')).toEqual([
        { a: 1, b: 'one' },
        { a: 2, b: 'two' },
      ])
    })

    it('stores all rows of an insert or none, and leaves nothing in the spool', async () => {
      const query = (format: string) => `/?query=${encodeURIComponent(`INSERT INTO t FORMAT ${format}`)}`
      const half = await ask(socketPath, { path: query('JSONEachRow'), body: '{"a":8,"b":"x"}\n{"a":"no"}' })
      const cut = await ask(socketPath, { path: query('RowBinary'), body: Buffer.from([9, 0, 0, 0, 1, 120, 9, 0]) })
      expect([half.status, cut.status]).toEqual([500, 500])
      expect(await values(connection.reader.client, 'SELECT count() AS n FROM t WHERE a IN (8, 9)')).toEqual([{ n: 0 }])
      expect(readdirSync(join(home, 'main/spool'))).toEqual([])
    })

    it.each([
      ['SELEKT 1', 400, '62'],
      ['SELECT nothing', 400, '47'],
      ['SELECT * FROM absent', 404, '60'],
      ["SELECT throwIf(1, 'no')", 500, '395'],
    ])('answers %s with %i and the code %s', async (body, status, code) => {
      const reply = await ask(socketPath, { path: '/', body })
      expect(reply).toMatchObject({ status, code })
      expect(reply.text).toMatch(new RegExp(`^Code: ${code}\\. DB::Exception: .+\\([A-Z_]+\\)`, 's'))
    })

    it('refuses a body that is too large, and goes on', async () => {
      const path = `/?query=${encodeURIComponent('INSERT INTO t FORMAT RowBinary')}`
      const reply = await ask(socketPath, { path, body: Buffer.alloc(65 * 1024 * 1024) }).catch(() => undefined)
      expect(reply === undefined || reply.status === 413).toBe(true)
      expect((await ask(socketPath, { path: '/', body: 'SELECT 1' })).text).toBe('1\n')
    })
  })

  describe('guards the machine from readers', () => {
    it.each([
      "SELECT * FROM file('/etc/passwd', 'LineAsString', 'a String')",
      "SELECT file('/etc/passwd')",
      "SELECT * APPLY(file) FROM (SELECT '/etc/passwd' AS a)",
      "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString', 'a String')",
      "SELECT * FROM s3('http://127.0.0.1:1/bucket/x', NOSIGN, 'TSV', 'a String')",
      "SELECT * FROM remote('127.0.0.1', 'system.one')",
      "SELECT * FROM executable('id', 'TSV', 'a String')",
      "SELECT 1 INTO OUTFILE '/tmp/telltale-out'",
      "INSERT INTO FUNCTION file('/tmp/telltale-out.csv') SELECT 1",
      'INSERT INTO t VALUES (1, 1)',
      'DROP TABLE t',
      'SELECT 1; DROP TABLE t',
      'SET readonly = 0',
      'SELECT 1 SETTINGS readonly = 0',
      'SELECT 1 SETTINGS max_execution_time = 1000',
      'CREATE TEMPORARY TABLE x (a UInt8)',
      'SYSTEM SHUTDOWN',
    ])('refuses %s', async (query) => {
      await expect(connection.reader.client.command({ query })).rejects.toMatchObject({ code: '164' })
      expect(existsSync('/tmp/telltale-out') || existsSync('/tmp/telltale-out.csv')).toBe(false)
    })

    it('refuses an insert with rows', async () => {
      const insert = connection.reader.client.insert({ table: 't', format: 'JSONEachRow', values: [{ a: 1, b: '' }] })
      await expect(insert).rejects.toMatchObject({ code: '164' })
    })

    it('bounds what an answer holds and what it costs', async () => {
      await expect(values(connection.reader.client, 'SELECT number FROM numbers(200000)')).rejects.toMatchObject({
        code: '396',
      })
      const hungry = 'SELECT length(groupArray(toString(number))) FROM numbers(100000000)'
      await expect(values(connection.reader.client, hungry)).rejects.toMatchObject({ code: '241' })
    })

    it('never gives one the rest of an answer to another', async () => {
      // Rows that were put out before a limit was met.
      await values(connection.reader.client, 'SELECT number FROM numbers(200000)').catch(() => undefined)
      expect(await values(connection.reader.client, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
      const cut = 'SELECT throwIf(number = 90000) AS a FROM numbers(100000)'
      const [, after] = await Promise.allSettled([
        values(connection.writer.client, cut),
        values(connection.writer.client, 'SELECT 2 AS two'),
      ])
      expect(after).toMatchObject({ value: [{ two: 2 }] })
    })

    it('cannot be raised above the limit by the writer either', async () => {
      const hungry = 'SELECT length(groupArray(toString(number))) FROM numbers(100000000)'
      await expect(values(connection.writer.client, hungry)).rejects.toMatchObject({ code: '241' })
    })
  })

  it('gives its socket and files to this user only', () => {
    expect(statSync(socketPath).mode & 0o777).toBe(0o600)
    expect(statSync(join(home, 'main')).mode & 0o077).toBe(0)
    expect(statSync(join(home, 'main/chdb/telltale-engine.xml')).mode & 0o077).toBe(0)
  })

  it('reads on a port for who knows the password, and only reads', async () => {
    const url = `http://127.0.0.1:${(connection.embedded as Embedded).readingPort()}`
    const log = { level: ClickHouseLogLevel.OFF }
    const known = createClient({ url, log, username: 'default', password })
    const stranger = createClient({ url, log, username: 'reader', password: 'guess' })
    try {
      expect(await values(known, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
      await expect(known.command({ query: 'DROP TABLE t' })).rejects.toMatchObject({ code: '164' })
      await expect(values(stranger, 'SELECT 1')).rejects.toMatchObject({ code: '516' })
    } finally {
      await Promise.all([known.close(), stranger.close()])
    }
  })
})

describe.skipIf(!hasChdb)('the supervisor (needs the optional package chdb)', { timeout: 60_000 }, () => {
  it('restarts the engine when it dies, with what was stored', async () => {
    const events: EmbeddedEvent[] = []
    const connection = await connectEmbedded({
      directory: join(home, 'restart'),
      onEvent: (event) => events.push(event),
    })
    try {
      const embedded = connection.embedded as Embedded
      await connection.writer.client.command({ query: 'CREATE TABLE t (a UInt32) ENGINE = MergeTree ORDER BY a' })
      await connection.writer.client.command({ query: 'INSERT INTO t VALUES (7)' })
      process.kill(embedded.health().pid as number, 'SIGKILL')
      await until(() => embedded.health().state === 'restarting')
      await until(() => embedded.health().state === 'running')
      const rows = await connection.reader.client.query({ query: 'SELECT a FROM t', format: 'JSONEachRow' })
      expect(await rows.json()).toEqual([{ a: 7 }])
      await until(() => embedded.health().restarts === 1)
      expect(events.map(({ type }) => type)).toEqual(['crashed', 'restarted'])
    } finally {
      await connection.close()
    }
    expect(connection.embedded?.health()).toMatchObject({ state: 'closed' })
  })

  it('refuses a directory that another process has, and says which', async () => {
    const directory = join(home, 'taken')
    const first = await openEmbedded({ directory })
    try {
      const second = openEmbedded({ directory, lockWaitMs: 0 })
      await expect(second).rejects.toThrow(Misconfigured)
      await expect(second).rejects.toThrow(/taken.*another process/)
    } finally {
      await first.close()
    }
    // Once it is let go, it can be had.
    await (await openEmbedded({ directory })).close()
  })

  it('moves files aside that will not open, and says so', async () => {
    const directory = join(home, 'broken')
    const before = await connectEmbedded({ directory })
    await before.writer.client.command({ query: 'CREATE TABLE t (a UInt32) ENGINE = MergeTree ORDER BY a' })
    await before.close()
    const [metadata] = readdirSync(join(directory, 'chdb/store'), { recursive: true, encoding: 'utf8' }).filter(
      (name) => name.endsWith('t.sql'),
    )
    writeFileSync(join(directory, 'chdb/store', metadata as string), 'ATTACH TABLE nonsense')
    const events: EmbeddedEvent[] = []
    const after = await openEmbedded({ directory, onEvent: (event) => events.push(event) })
    await after.close()
    expect(events).toMatchObject([{ type: 'moved_aside', from: join(directory, 'chdb') }])
    const { to } = events[0] as EmbeddedEvent & { type: 'moved_aside' }
    expect(readFileSync(join(to, 'store', metadata as string), 'utf8')).toBe('ATTACH TABLE nonsense')
  })

  it('finds another place for the socket when the path is too long for one', async () => {
    const directory = join(home, 'deep'.repeat(30))
    mkdirSync(directory)
    const embedded = await openEmbedded({ directory })
    try {
      expect(embedded.socketPath.length).toBeLessThan(100)
      expect((await ask(embedded.socketPath, { path: '/ping' })).status).toBe(200)
      expect(statSync(join(embedded.socketPath, '..')).mode & 0o077).toBe(0)
    } finally {
      await embedded.close()
    }
  })

  it('leaves no engine behind when the parent is killed', async () => {
    const directory = join(home, 'orphan')
    const parent = join(home, 'parent.mjs')
    const supervisor = new URL('../../dist/store/chdb/supervisor.js', import.meta.url)
    writeFileSync(
      parent,
      `import { openEmbedded } from ${JSON.stringify(supervisor.href)}
       const embedded = await openEmbedded({ directory: ${JSON.stringify(directory)} })
       process.send(embedded.health().pid)
       setInterval(() => {}, 1000)`,
    )
    const child = fork(parent, { execArgv: [] })
    const [pid] = (await once(child, 'message')) as [number]
    child.kill('SIGKILL')
    await until(() => !isRunning(pid))
    await (await openEmbedded({ directory })).close()
  })
})

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    // A process that has ended and was not waited for still has a number.
    return !/\bZ/.test(execFileSync('ps', ['-o', 'stat=', '-p', `${pid}`], { encoding: 'utf8' }))
  } catch {
    return false
  }
}
