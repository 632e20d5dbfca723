/** The coverage report as its user meets it: from recordings, and from a Telltale that answers, or does not. */
import { writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Coverage } from '../engine/coverage.ts'
import type { Telemetry } from '../schema/telemetry.ts'
import { directories, run } from '../test/command-line.ts'
import { exampleEvent } from '../test/example-event.ts'
import { coverageText } from './coverage-text.ts'

vi.setConfig({ testTimeout: 60_000 })
const newDirectory = directories('telltale-coverage-')
const DEMO = resolve('replay/scenarios/demo/05-research-hijacked.otlp.jsonl')
let directory: string
beforeEach(() => {
  directory = newDirectory()
})

const servers: ReturnType<typeof createServer>[] = []
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close()
  }
})

/** An API that gives one answer; returns its address and what it was asked. */
async function answering(status: number, body: object) {
  const asked: IncomingMessage[] = []
  const server = createServer((request, response) => {
    asked.push(request)
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  })
  servers.push(server)
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
}

const report: Coverage = {
  agents: 2,
  detectors: [
    {
      id: 'egress',
      title: 'Unexpected egress',
      status: 'data-missing',
      on: ['egress'],
      agents: 2,
      covered: 1,
      missing: [{ needs: ['policy.egress'], agents: ['\u001b[31ma'.repeat(30)], count: 9 }],
    },
    { id: 'spawns', title: 'Spawns', status: 'blind', on: ['agent_spawn'], agents: 0, covered: 0, missing: [] },
  ],
  techniques: [{ id: 'AML.T0086', name: 'Exfiltration '.repeat(9), status: 'data-missing', detectors: ['egress'] }],
}

describe('telltale coverage FILE', () => {
  it('says what recordings cover, by the policies that come with Telltale', async () => {
    const { code, stdout, stderr } = await run(['coverage', DEMO], directory)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^egress +covered +1\/1$/m)
    expect(stdout).toMatch(/^AML\.T0086 +covered /m)
    // Of whole sessions, too.
    expect(stdout).toMatch(/^lethal-trifecta +/m)
  })

  it('names a missing policy section under other policies, and gives JSON', async () => {
    writeFileSync(join(directory, 'a.yml'), "version: 1\nid: a\nagent: {id: '*'}\ntools: {allow: ['*']}\n")
    const { stdout } = await run(['coverage', DEMO, '--policies', '.', '--json'], directory)
    const { detectors } = JSON.parse(stdout) as Coverage
    expect(detectors.find(({ id }) => id === 'purpose')).toMatchObject({
      status: 'blind',
      missing: [{ needs: ['policy.purpose'], agents: ['research-agent'], count: 1 }],
    })
  })

  it('takes each agent for what its last event says, whatever that one did', async () => {
    const labelled = (tier: string, timeMs: number, changes: Partial<Telemetry>) =>
      exampleEvent({ agent: { id: 'a', labels: { tier } }, time_ms: timeMs, ...changes })
    const events = [
      labelled('bronze', 2000, { operation: 'egress', tool: null, destinations: [{ host: 'example.org' }] }),
      labelled('gold', 3000, { operation: 'retrieval', tool: null }),
      labelled('bronze', 1000, {}),
    ]
    writeFileSync(join(directory, 'past.ndjson'), events.map((event) => `${JSON.stringify(event)}\n`).join(''))
    const policy = (tier: string, section: string) =>
      writeFileSync(
        join(directory, `${tier}.yml`),
        `version: 1\nid: ${tier}\nagent: {labels: {tier: ${tier}}}\n${section}\n`,
      )
    policy('gold', "tools: {allow: ['*']}")
    policy('bronze', "egress: {allow: ['*']}")
    const { stdout } = await run(['coverage', 'past.ndjson', '--policies', '.', '--json'], directory)
    const { detectors } = JSON.parse(stdout) as Coverage
    expect(detectors.find(({ id }) => id === 'tool-allowlist')).toMatchObject({ status: 'covered', agents: 1 })
  })
})

describe('telltale coverage', () => {
  it('asks a running Telltale about the last days, with its key', async () => {
    const { url, asked } = await answering(200, report)
    writeFileSync(join(directory, 'key'), 'tt_read_x\n')
    const before = Date.now()
    const args = ['coverage', '--url', url, '--key-file', 'key', '--since', '2d']
    const { code, stdout } = await run(args, directory)
    expect(code).toBe(0)
    expect(stdout).toContain('2 agents of the last 2d')
    expect(asked[0]?.headers.authorization).toBe('Bearer tt_read_x')
    const from = Number(new URL(asked[0]?.url ?? '', url).searchParams.get('from'))
    expect(before - from).toBeLessThanOrEqual(2 * 86_400_000)
    expect(before - from).toBeGreaterThan(2 * 86_400_000 - 60_000)
  })

  it('says what to do when nobody answers, the key is wrong, or the time makes no sense', async () => {
    const silent = await run(['coverage', '--url', 'http://127.0.0.1:9'], directory)
    expect([silent.code, silent.stderr]).toEqual([1, expect.stringContaining('start one, name another by --url')])
    const { url } = await answering(401, { error: { message: 'send a key' } })
    const refused = await run(['coverage', '--url', url], directory)
    expect([refused.code, refused.stderr.trim()]).toEqual([
      2,
      `${url}: answers 401: send a key (give a key by --key-file)`,
    ])
    for (const args of [
      ['--since', 'yesterday'],
      ['--url', 'nowhere'],
      ['--key-file', 'absent'],
    ]) {
      const ended = await run(['coverage', ...args], directory)
      expect([ended.code, ended.stderr.includes(args[1] as string)]).toEqual([2, true])
    }
  })
})

describe('the table', () => {
  const text = coverageText(report, '2 agents')

  it('fits a terminal, and lets no control character of an agent through', () => {
    expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80)
    expect(text).not.toContain('\u001b')
  })

  it('says who lacks what, and what nobody did', () => {
    expect(text).toContain('lacks policy.egress: ')
    expect(text).toContain(' and 8 more')
    expect(text).toContain('no agent did any of: agent_spawn')
    expect(text).toContain('telltale learn')
  })
})
