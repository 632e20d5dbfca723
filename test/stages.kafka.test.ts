/** Every stage as a process of its own on a real Kafka: what comes through the door reaches sink and store. */
import { randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterAll, expect, inject, it } from 'vitest'
import type { Notice } from '../schema/alert.ts'
import { addresses, directories, type Running, start } from './command-line.ts'
import { callRequest, postCalls } from './one-call.ts'

const CALLS = 30
const newDirectory = directories('telltale-stages-kafka-')
const running: Running[] = []

afterAll(async () => {
  for (const { child } of running) {
    child.kill('SIGKILL')
  }
  await Promise.all(running.map(({ ended }) => ended))
})

/** A machine of its own: its directory, and the configuration that all share. */
async function stage(prefix: string, ...names: string[]) {
  const directory = newDirectory()
  mkdirSync(join(directory, 'data'))
  const kafka = { brokers: inject('bootstrap'), topic_prefix: prefix, partitions: 3, session_timeout_ms: 6000 }
  const settings = {
    policies: resolve('test/live'),
    listen: { otlp_http_port: 0, otlp_grpc_port: 0, api_port: 0 },
    bus: { kafka },
    sinks: [{ type: 'ndjson', name: 'copy', file: 'alerts.ndjson' }],
  }
  writeFileSync(join(directory, 'telltale.yml'), JSON.stringify(settings))
  const process = start(names, directory)
  running.push(process)
  const said = await process.says('/api/v1/health')
  return { ...process, ...addresses(said), health: /http:\S+health/.exec(said)?.[0] ?? '', directory }
}

it('stages alone take calls to the store and their alerts to the sink, and stop cleanly', async () => {
  const prefix = `${randomUUID()}.`
  const [collect, assemble, detect, other, correlate, deliver, serve] = await Promise.all([
    stage(prefix, 'collect'),
    stage(prefix, 'assemble'),
    stage(prefix, 'detect'),
    stage(prefix, 'detect'),
    stage(prefix, 'correlate'),
    stage(prefix, 'deliver'),
    stage(prefix, 'write', 'serve'),
  ])
  for (let call = 0; call < CALLS; call += 1) {
    const request = callRequest({ call, agent: 'claude-code', session: `session-${call}`, tool: 'Bash' })
    expect((await postCalls(collect.http, request)).status).toBe(200)
  }
  const file = join(deliver.directory, 'data', 'alerts.ndjson')
  const sessions = () => {
    const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : []
    return new Set(lines.map((line) => (JSON.parse(line) as Notice).alert.session_id)).size
  }
  await expect.poll(sessions, { timeout: 40_000 }).toBe(CALLS)
  const items = async (what: string) => {
    const body = (await (await fetch(`${serve.api}/api/v1/${what}?limit=1000`)).json()) as { items: [] }
    return body.items.length
  }
  await expect.poll(() => items('events'), { timeout: 20_000 }).toBe(CALLS)
  await expect.poll(() => items('alerts'), { timeout: 20_000 }).toBe(CALLS)
  const health = async (process: { readonly health: string }) => (await fetch(process.health)).json()
  await expect
    .poll(async () => Object.values(((await health(collect)) as { lag: object }).lag), { timeout: 20_000 })
    .toEqual(Array(8).fill(0))
  expect(await health(collect)).toMatchObject({ status: 'ok', records: { received: CALLS }, bus: { kind: 'kafka' } })
  const owned = await Promise.all([detect, other].map(health))
  const partitions = owned.flatMap(
    (one) => (one as { partitions: Record<string, number[]> }).partitions['detect/events'],
  )
  expect(partitions.sort()).toEqual([0, 1, 2])
  for (const { child, ended } of [collect, assemble, detect, other, correlate, deliver, serve]) {
    child.kill('SIGTERM')
    expect(await ended).toMatchObject({ code: 0, signal: null })
  }
}, 180_000)
