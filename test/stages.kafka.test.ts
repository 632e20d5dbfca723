/** Every stage as a process of its own on a real Kafka: what comes through the door reaches sink and store. */
import { randomUUID } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { Notice } from '../schema/alert.ts'
import { healthOf, itemsOf, stages } from './kafka/stage.ts'
import { callRequest, postCalls } from './one-call.ts'

const CALLS = 30
const COPY = { sinks: [{ type: 'ndjson', name: 'copy', file: 'alerts.ndjson' }] }
const stage = stages()

it('stages alone take calls to the store and their alerts to the sink, and stop cleanly', async () => {
  const prefix = `${randomUUID()}.`
  const [collect, assemble, detect, other, correlate, deliver, serve] = await Promise.all([
    stage(prefix, ['collect'], COPY),
    stage(prefix, ['assemble'], COPY),
    stage(prefix, ['detect'], COPY),
    stage(prefix, ['detect'], COPY),
    stage(prefix, ['correlate'], COPY),
    stage(prefix, ['deliver'], COPY),
    stage(prefix, ['write', 'serve'], COPY),
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
  await expect.poll(async () => (await itemsOf(serve, 'events')).length, { timeout: 20_000 }).toBe(CALLS)
  await expect.poll(async () => (await itemsOf(serve, 'alerts')).length, { timeout: 20_000 }).toBe(CALLS)
  await expect
    .poll(async () => Object.values((await healthOf(collect)).lag), { timeout: 20_000 })
    .toEqual(Array(8).fill(0))
  expect(await healthOf(collect)).toMatchObject({ status: 'ok', records: { received: CALLS }, bus: { kind: 'kafka' } })
  const owned = await Promise.all([detect, other].map(healthOf))
  const partitions = owned.flatMap((one) => one.partitions['detect/events'] ?? [])
  expect([...partitions].sort()).toEqual([0, 1, 2])
  for (const { child, ended } of [collect, assemble, detect, other, correlate, deliver, serve]) {
    child.kill('SIGTERM')
    expect(await ended).toMatchObject({ code: 0, signal: null })
  }
}, 180_000)
