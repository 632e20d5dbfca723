/** Policies changed under a running process: what is judged, what health and log say, and what stays when they are bad. */
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pino from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Health } from '../api/health.ts'
import { type Config, loadConfig } from '../config.ts'
import { openEmbeddedBus } from '../engine/bus/embedded.ts'
import { decode } from '../engine/records.ts'
import { type Process, startProcess } from '../run.ts'
import type { Finding } from '../schema/finding.ts'
import { callRequest, postCalls } from './one-call.ts'

describe('policies of a running process', () => {
  const root = mkdtempSync(join(tmpdir(), 'telltale-reload-'))
  const policies = join(root, 'policies')
  const said: Record<string, unknown>[] = []
  const findings: Finding[] = []
  const reading = new AbortController()
  let process: Process

  const write = (tools: string, name = 'a.yml') =>
    writeFileSync(join(policies, name), `version: 1\nid: p-${name[0]}\nagent: { id: claude-code }\ntools: ${tools}\n`)
  const health = async () => (await (await fetch(`${process.api}/api/v1/health`)).json()) as Health

  beforeAll(async () => {
    mkdirSync(policies)
    write('{ allow: [Bash] }')
    const bus = await openEmbeddedBus({ directory: join(root, 'bus'), partitions: 1, sync: false })
    const config: Config = {
      ...loadConfig(undefined, {}),
      data: join(root, 'data'),
      policies,
      listen: { host: '127.0.0.1', otlp_http_port: 0, otlp_grpc_port: 0, api_port: 0 },
      bus: { kafka: { brokers: ['kafka-1:9092'] } as NonNullable<Config['bus']['kafka']> },
    }
    const log = pino({ level: 'debug' }, { write: (line: string) => said.push(JSON.parse(line)) })
    process = await startProcess(config, log, new Set(['collect', 'assemble', 'detect']), {
      openBus: async () => bus,
      openTopics: () => {
        throw new Error('nothing is read from topics here')
      },
    })
    void bus.consume(
      { group: 'test', topic: 'findings' },
      async (assignment, signal) => {
        while (!signal.aborted) {
          const records = await assignment.read({ maxRecords: 100, waitMs: 20 })
          findings.push(...records.map(({ value }) => decode<Finding>(value)))
        }
      },
      reading.signal,
    )
  }, 60_000)

  afterAll(async () => {
    reading.abort()
    await process?.close()
    rmSync(root, { recursive: true, force: true })
  })

  it('follow their files, and say which set judges', { timeout: 60_000 }, async () => {
    const before = (await health()).policies
    expect(before).toMatchObject({ id: expect.stringMatching(/^[0-9a-f]{16}$/), count: 1, ending: [] })
    const http = process.doors?.otlpHttp ?? ''
    await postCalls(http, callRequest({ call: 1, agent: 'claude-code', tool: 'Bash' }))
    await expect.poll(async () => (await health()).records.outcomes['detect.judged'], { timeout: 20_000 }).toBe(1)
    expect(findings).toEqual([])

    write('{ deny: [Bash] }')
    await expect.poll(async () => (await health()).policies?.id, { timeout: 20_000 }).not.toBe(before?.id)
    await postCalls(http, callRequest({ call: 2, agent: 'claude-code', tool: 'Bash' }))
    await expect.poll(() => findings.length, { timeout: 20_000 }).toBe(1)
    expect(findings[0]).toMatchObject({ detector: 'tool-allowlist', evidence: { rule: 'denied' } })
    const after = (await health()).policies?.id
    const taken = { policies: after, msg: 'judging by other policies from now on' }
    expect(said).toContainEqual(expect.objectContaining(taken))
  })

  it('stay as they are when the files are bad, and say exactly what is wrong and since when', {
    timeout: 60_000,
  }, async () => {
    const good = (await health()).policies?.id
    write('{ dney: [Bash] }')
    await expect.poll(async () => (await health()).policies?.refused, { timeout: 20_000 }).toBeDefined()
    const { status, reasons, policies: now } = await health()
    const problem = `${join(policies, 'a.yml')}:4:10: tools: unknown key 'dney' (did you mean 'deny'?)`
    expect(now).toMatchObject({ id: good, refused: { since_ms: expect.any(Number), problems: [problem] } })
    expect(status).toBe('degraded')
    const since = new Date(now?.refused?.since_ms ?? 0).toISOString()
    expect(reasons).toContain(`policies: refused since ${since}, the set ${good} stays: ${problem}`)
    expect(said).toContainEqual(expect.objectContaining({ level: 50, policies: good, problems: [problem] }))

    await postCalls(process.doors?.otlpHttp ?? '', callRequest({ call: 3, agent: 'claude-code', tool: 'Bash' }))
    await expect.poll(() => findings.length, { timeout: 20_000 }).toBe(2)

    write('{ allow: [Bash] }')
    await expect.poll(async () => (await health()).policies?.refused, { timeout: 20_000 }).toBeUndefined()
    await expect.poll(async () => (await health()).policies?.id, { timeout: 20_000 }).not.toBe(good)
  })

  it('name their decoys to collectors: what comes in from then on is masked as the decoy that it is', {
    timeout: 60_000,
  }, async () => {
    // Known by the name before it, so that nobody but the collector ever sees it.
    const decoy = 'heron-7'
    const use = (call: number) =>
      postCalls(
        process.doors?.otlpHttp ?? '',
        callRequest({ call, agent: 'honey', tool: 'login', arguments: JSON.stringify({ password: decoy }) }),
      )
    const found = () => findings.filter(({ detector }) => detector === 'canary')
    const before = (await health()).policies?.id
    const judged = async () => (await health()).records.outcomes['detect.judged'] ?? 0
    const soFar = await judged()
    await use(10)
    await expect.poll(judged, { timeout: 20_000 }).toBe(soFar + 1)

    const hash = createHash('sha256').update(decoy).digest('hex')
    const policy = `version: 1\nid: honey\nagent: { id: honey }\ncanaries: { tokens: [${hash}] }\n`
    writeFileSync(join(policies, 'honey.yml'), policy)
    await expect.poll(async () => (await health()).policies?.id, { timeout: 20_000 }).not.toBe(before)
    let call = 10
    await expect
      .poll(
        async () => {
          call += 1
          await use(call)
          return found().length
        },
        { timeout: 20_000 },
      )
      .toBeGreaterThan(0)
    expect(found()[0]).toMatchObject({ evidence: { entry: expect.stringContaining(hash.slice(0, 12)) } })
  })
})
