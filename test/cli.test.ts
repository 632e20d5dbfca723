/** The command line as its user meets it: real processes, real ports, real signals. */
import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { commands } from '../commands/index.ts'
import { ROLES } from '../roles.ts'
import { addresses, CLI, directories, occupiedPort, type Running, run, start } from './command-line.ts'
import { callCalls, callRequest, postCalls } from './one-call.ts'

const newDirectory = directories('telltale-cli-')
let directory: string
beforeEach(() => {
  directory = newDirectory()
})

const FREE_PORTS = 'listen: {otlp_http_port: 0, otlp_grpc_port: 0, api_port: 0}\n'
// Starting a process with its store takes seconds on a machine that has other things to do.
vi.setConfig({ testTimeout: 60_000 })

function file(name: string, text: string): string {
  writeFileSync(join(directory, name), text)
  return name
}

async function up(more = ''): Promise<Running & ReturnType<typeof addresses>> {
  file('telltale.yml', FREE_PORTS + more)
  const running = start(['start'], directory)
  return { ...running, ...addresses(await running.says('policies')) }
}

async function stop({ child, ended }: Running): Promise<void> {
  child.kill('SIGTERM')
  expect(await ended).toMatchObject({ code: 0, signal: null })
}

const ask = (url: string, key?: string) =>
  fetch(url, key === undefined ? {} : { headers: { authorization: `Bearer ${key}` } })

/** Events that the store has; -1 while it does not answer. */
async function eventCount(api: string): Promise<number> {
  const response = await ask(`${api}/api/v1/events?limit=1000`)
  return response.status === 200 ? ((await response.json()) as { items: [] }).items.length : -1
}

describe('help', () => {
  it('lists every command, and is there for each', async () => {
    const { code, stdout } = await run(['--help'], directory)
    expect(code).toBe(0)
    for (const { syntax } of commands) {
      expect(stdout).toContain(`  ${syntax.name} `)
      const own = await run([syntax.name, '--help'], directory)
      expect(own).toMatchObject({ code: 0, stderr: '' })
      for (const option of Object.keys(syntax.options)) {
        expect(own.stdout).toContain(`--${option}`)
      }
    }
  })

  it('says of every stage what it does, needs and prints', async () => {
    for (const role of Object.keys(ROLES)) {
      const { stdout } = await run([role, '--help'], directory)
      expect(stdout).toMatch(new RegExp(`^telltale ${role} \\[STAGE...\\]: `))
      expect(stdout).toMatch(/^ {2}does .*\n(?:.*\n)* {2}needs .*\n(?:.*\n)* {2}prints .*\n/m)
    }
  })

  it('is shown when nothing is asked for, which is not success', async () => {
    const { code, stdout } = await run([], directory)
    expect(code).toBe(2)
    expect(stdout).toContain('telltale COMMAND')
  })

  it('says which version it is', async () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }
    expect(await run(['--version'], directory)).toMatchObject({ code: 0, stdout: `${version}\n` })
  })
})

describe('a command line that cannot be understood ends with 2, saying why:', () => {
  it.each([
    [['strat'], "there is no command 'strat'. Did you mean 'start'?"],
    [['toString'], "there is no command 'toString'."],
    [['start', '--insecur'], "Unknown option '--insecur'. Did you mean '--insecure'?"],
    [['start', '--frobnicate'], "Unknown option '--frobnicate'"],
    [['start', 'now'], 'start takes no operands'],
    [['start', '--config'], "Option '--config <value>' argument missing"],
    [['detect', 'corelate'], "there is no stage 'corelate'. Did you mean 'correlate'?"],
    [['detect', 'constructor'], "there is no stage 'constructor'."],
    [['detect'], 'bus: detect cannot run without collect, assemble, correlate, deliver, write: no other process'],
    [['serve'], 'store: serve cannot run without write: no other process can use an embedded store (name a ClickHouse'],
    [['replay'], 'replay takes FILE...'],
    [['shingles'], 'shingles takes FILE'],
    [['shingles', '-'], 'standard input: is empty'],
    [['shingles', 'absent.txt', '--out', 'a.txt'], 'a.txt: is a name that no policy can give'],
    [['key', 'root'], "'root' is not a scope"],
    [['key', 'read', '--tenant', ''], 'a tenant has a name'],
    [
      ['check', '--config', 'absent.yml'],
      "absent.yml: cannot be read: ENOENT: no such file or directory, open 'absent.yml'",
    ],
    [['check', '--policies', 'absent'], 'absent: cannot be listed: ENOENT'],
    [['start', '--config', 'absent.yml'], 'absent.yml: cannot be read'],
  ])('%j', async (args, said) => {
    const ended = await run(args, directory)
    expect(ended).toMatchObject({ code: 2, stdout: '' })
    expect(ended.stderr.startsWith(said)).toBe(true)
    expect(ended.stderr).not.toMatch(/^ +at /m)
  })
})

describe('check', () => {
  it('finds what comes with Telltale valid', async () => {
    const { code, stdout } = await run(['check'], directory)
    expect(code).toBe(0)
    expect(stdout).toMatch(/^All is valid: \d+ policies, 0 sinks, 0 keys\. \d+ tests of policies passed\.\n {2}\S+/)
  })

  it('runs the tests inside policies, and says which fail, where and why', async () => {
    mkdirSync(join(directory, 'own'))
    const policy = (expect: string) =>
      `version: 1\nid: a\nagent: { id: a }\nexpires: 2020-01-01\ntools: { allow: [] }\ntests:\n  - { name: t, event: { tool: x }, expect: ${expect} }\n`
    file('own/a.yml', policy('allowed'))
    const failed = await run(['check', '--policies', 'own'], directory)
    expect(failed).toMatchObject({ code: 2, stdout: '' })
    expect(failed.stderr).toContain(
      "own/a.yml:7: test 't': expected it to be allowed, but tool-allowlist says: 'a' called 'x'",
    )
    file('own/a.yml', policy('[tool-allowlist]'))
    const passed = await run(['check', '--policies', 'own'], directory)
    expect(passed).toMatchObject({ code: 0, stderr: '' })
    expect(passed.stdout).toContain('1 test of policies passed.')
    expect(passed.stdout).toContain("note: policy 'a' (own/a.yml:4) governs no more: it expired 2020-01-01")
  })

  it('tells everything that is wrong with configuration, policies and sinks in one run', async () => {
    mkdirSync(join(directory, 'policies'))
    file('policies/one.yml', 'policy: one\nagnets: {id: a}\n')
    file('policies/two.yml', 'policy: two\nagents: [\n')
    file(
      'own.yml',
      'tenant: 7\npolicies: ./policies\nsinks:\n  - {type: webhook, name: a, url: "ftp://b", secret: c}\n  - {type: pager}\n',
    )
    const { code, stderr } = await run(['check', '--config', 'own.yml'], directory)
    expect(code).toBe(2)
    const places = stderr.trim().split('\n')
    expect(places.find((line) => line.startsWith('own.yml:1:9: tenant: must be text'))).toBeDefined()
    expect(places.find((line) => line.startsWith("own.yml:5:12: sinks[1].type: 'pager' is not"))).toBeDefined()
    expect(places.find((line) => line.startsWith("own.yml:4:5: sink 'a': url must be"))).toBeDefined()
    expect(places.find((line) => /one\.yml:2:1: unknown key 'agnets'/.test(line))).toBeDefined()
    expect(places.find((line) => /two\.yml:\d+:\d+: /.test(line))).toBeDefined()
  })
})

describe('a stage alone', () => {
  const FILE = `${FREE_PORTS}bus:
  kafka: { brokers: ["127.0.0.1:1"] }
store: { url: "http://127.0.0.1:1" }
`

  it('says what it works on when it is ready, waits for Kafka when that is away, and stops when told to', async () => {
    file('telltale.yml', FILE)
    const detect = start(['correlate', 'detect'], directory)
    const said = await detect.says('policies')
    expect(said.split('\n').map((line) => line.trim())).toEqual([
      'Telltale is ready.',
      'stages     detect correlate',
      'bus        Kafka at 127.0.0.1:1, topics telltale.*',
      'store      none',
      expect.stringMatching(/^health {5}http:\/\/127\.0\.0\.1:\d+\/api\/v1\/health$/),
      expect.stringMatching(/^policies {3}\d+ loaded, set [0-9a-f]{16}$/),
      '',
    ])
    const health = /http:\S+/.exec(said)?.[0] ?? ''
    expect((await ask(health)).status).toBe(503)
    expect((await ask(new URL('/livez', health).href)).status).toBe(200)
    await stop(detect)
    expect((await detect.ended).stderr).toContain('"msg":"the bus has trouble"')
  })

  it('is told where in its file the embedded bus is that it cannot have', async () => {
    file('telltale.yml', `${FREE_PORTS}store: { url: "http://127.0.0.1:1" }\nbus: {}\n`)
    const ended = await run(['deliver'], directory)
    expect(ended).toMatchObject({ code: 2, stdout: '' })
    expect(ended.stderr).toContain('telltale.yml:3:6: bus: deliver cannot run without collect')
  })
})

describe('start, where it cannot', () => {
  it.each(['otlp_http_port', 'otlp_grpc_port', 'api_port'])('have its %s, says which and what to do', async (name) => {
    const taken = await occupiedPort()
    file('telltale.yml', FREE_PORTS.replace(`${name}: 0`, `${name}: ${taken.port}`))
    const ended = await run(['start'], directory)
    await taken.close()
    expect(ended).toMatchObject({ code: 2, stdout: '' })
    expect(ended.stderr).toMatch(
      new RegExp(
        `^telltale\\.yml:1:\\d+: listen\\.${name}: port ${taken.port} of 127\\.0\\.0\\.1 is in use by another process ` +
          `\\(stop that process, or set listen\\.${name}\\)\\n$`,
      ),
    )
  })

  it.each(['192.0.2.1', 'name.invalid'])('have its address %s, says so', async (host) => {
    file('telltale.yml', `insecure: true\n${FREE_PORTS.replace('{', `{host: ${host}, `)}`)
    const ended = await run(['start'], directory)
    expect(ended).toMatchObject({ code: 2, stdout: '' })
    expect(ended.stderr).toContain(`telltale.yml:2:16: listen.host: ${host} cannot be listened on`)
  })

  it('make its data directory, says so', async () => {
    file('occupied', '')
    file('telltale.yml', `${FREE_PORTS}data: ./occupied/data\n`)
    const ended = await run(['start'], directory)
    expect(ended).toMatchObject({ code: 2, stdout: '' })
    expect(ended.stderr).toContain('telltale.yml:2:7:')
    expect(ended.stderr).toContain('cannot be used as data directory: ENOTDIR')
  })

  it('have the data directory for itself, says who has it, and leaves that one alone', async () => {
    const first = await up()
    const second = await run(['start'], directory)
    expect(second).toMatchObject({ code: 2, stdout: '' })
    expect(second.stderr).toMatch(
      new RegExp(
        `data(/bus)?: the data directory is in use by process ${first.child.pid} \\(stop that process, or give`,
      ),
    )
    expect((await ask(`${first.api}/api/v1/health`)).status).toBe(200)
    await stop(first)
  })
})

describe('a signal to stop', () => {
  it('ends it cleanly, with nothing lost of what was acknowledged', async () => {
    const first = await up()
    const acknowledged = await Promise.all(
      Array.from({ length: 40 }, async (_, index) => {
        const response = await postCalls(first.http, callRequest({ call: index }))
        return response.status === 200
      }),
    )
    expect(acknowledged).not.toContain(false)
    // At once: some of it is still on its way.
    await stop(first)
    const second = await up()
    await expect.poll(() => eventCount(second.api), { timeout: 30_000 }).toBe(40)
    await stop(second)
  })

  it('is not held up by connections that are idle, or that never finish their request', async () => {
    const running = await up()
    await ask(`${running.api}/api/v1/health`)
    await postCalls(running.http, callRequest({ call: 1 }))
    const head =
      'POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{'
    const dawdlers = [running.http, running.grpc, running.api].map((door) => {
      const socket = connect(Number(new URL(door).port), '127.0.0.1').on('error', () => undefined)
      socket.write(head)
      return socket
    })
    await stop(running)
    for (const socket of dawdlers) {
      socket.destroy()
    }
  })

  it.each(['SIGINT', 'SIGTERM'] as const)('given twice ends it however it may be: %s', async (signal) => {
    const running = await up()
    await postCalls(running.http, callRequest({ call: 1 }))
    running.child.kill(signal)
    running.child.kill(signal)
    const ended = await running.ended
    expect([`${ended.code}`, ended.signal]).toContainEqual(expect.stringMatching(/^(0|SIGINT|SIGTERM)$/))
    expect(ended.stderr).not.toMatch(/^ +at /m)
    const again = await up()
    await expect.poll(() => eventCount(again.api), { timeout: 30_000 }).toBe(1)
    await stop(again)
  })
})

describe('a reader that goes away', () => {
  /** Runs a command whose output nobody reads beyond the first line. */
  const firstLineOf = (args: string, both = false) =>
    new Promise<{ readonly code: number | null; readonly said: string }>((end) => {
      const script = `"${process.execPath}" "${CLI}" ${args} ${both ? '2>&1 ' : ''}| head -n 1; exit "\${PIPESTATUS[0]}"`
      const child = spawn('bash', ['-c', script], { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'] })
      let said = ''
      for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding('utf8').on('data', (text: string) => {
          said += text
        })
      }
      child.once('close', (code) => end({ code, said }))
    })

  it.each(['--help', 'check', 'key read'])('does not disturb %s', async (args) => {
    const { code, said } = await firstLineOf(args)
    expect(code).toBe(0)
    expect(said.trim().split('\n')).toHaveLength(1)
  })

  it('does not disturb a replay that has much to say', async () => {
    file('garbage.ndjson', 'no record\n'.repeat(10_000))
    expect((await firstLineOf('replay garbage.ndjson', true)).code).toBe(0)
    expect((await firstLineOf('replay --out alerts.ndjson garbage.ndjson')).code).toBe(0)
    expect(readFileSync(join(directory, 'alerts.ndjson'), 'utf8')).toBe('')
  })

  it('does not stop the engine, not even when it has something to tell', async () => {
    const running = await up()
    running.child.stdout?.destroy()
    running.child.stderr?.destroy()
    // The death of the embedded store's process is written to the log.
    const { pid } = running.child
    const store = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')
    expect(store).toHaveLength(1)
    process.kill(Number(store[0]), 'SIGKILL')
    expect((await postCalls(running.http, callRequest({ call: 1 }))).status).toBe(200)
    await expect.poll(() => eventCount(running.api), { timeout: 30_000 }).toBe(1)
    running.child.kill('SIGTERM')
    expect((await running.ended).code).toBe(0)
  })
})

describe('a key as it is printed', () => {
  it('lets its bearer do what it is for, and nothing else, over every door', async () => {
    const printed = await Promise.all(
      ['ingest --tenant acme', 'read --tenant acme', 'admin', 'read'].map((args) =>
        run(['key', ...args.split(' ')], directory),
      ),
    )
    const [ingest, read, admin, other] = printed.map(({ stdout }) => /^ {2}(tt_\S+)$/m.exec(stdout)?.[1] as string)
    const entries = printed.map(({ stdout }) => /^ {2}- .*$/m.exec(stdout)?.[0] as string)
    expect(printed[0]?.stdout).toContain('\nkeys:\n  - ')
    const running = await up(`keys:\n${entries.join('\n')}\n`)
    const sent = async (key: string | undefined) => {
      const request = callRequest({ call: 1 })
      const { status } = await postCalls(running.http, request, key)
      return [status, await callCalls(running.grpc, request, key)]
    }
    // gRPC: OK, UNAUTHENTICATED, PERMISSION_DENIED.
    expect(await sent(ingest)).toEqual([200, 0])
    expect(await sent(admin)).toEqual([200, 0])
    expect(await sent(undefined)).toEqual([401, 16])
    expect(await sent('tt_ingest_wrong')).toEqual([401, 16])
    expect(await sent(read)).toEqual([403, 7])
    const status = async (key?: string) => (await ask(`${running.api}/api/v1/events`, key)).status
    expect([await status(read), await status(admin)]).toEqual([200, 200])
    expect([await status(), await status('tt_read_wrong'), await status(ingest)]).toEqual([401, 401, 403])
    const agents = async (key?: string) => {
      const { items } = (await (await ask(`${running.api}/api/v1/agents`, key)).json()) as { items: [] }
      return items.length
    }
    // The key says whose data it is: acme's reader finds what acme's agents sent, another tenant's what the admin key sent.
    await expect.poll(() => agents(read), { timeout: 30_000 }).toBe(1)
    await expect.poll(() => agents(other), { timeout: 30_000 }).toBe(1)
    await stop(running)
  })
})
