/** The doors in their thread: what the engine says reaches the sender, and what happens there is counted here. */
import { randomBytes } from 'node:crypto'
import { Worker } from 'node:worker_threads'
import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { type Doors, openDoors } from '../doors.ts'
import type { DoorsConfig } from '../doors-thread.ts'
import type { BusRecord } from '../engine/bus/bus.ts'
import { Unavailable } from '../schema/errors.ts'

const CONFIG: DoorsConfig = {
  listen: { host: '127.0.0.1', otlp_http_port: 0, otlp_grpc_port: 0, api_port: 0 },
  limits: {
    request_bytes: 1024 * 1024,
    compressed_bytes: 64 * 1024,
    in_flight_bytes: 8 * 1024 * 1024,
    backlog_ms: 5000,
  },
  keys: [],
  tenant: 'default',
  retention: { content: 'masked', store_days: 1, log_days: 1, log_bytes: 16 * 1024 * 1024 },
}

const open: Doors[] = []

afterEach(async () => {
  await Promise.all(open.splice(0).map((doors) => doors.close()))
})

async function opened(append: (records: readonly BusRecord[]) => Promise<void>, isFull = () => false) {
  const counts: Record<string, number> = {}
  const bugs: unknown[] = []
  const add = (name: string, records: number) => {
    counts[name] = (counts[name] ?? 0) + records
  }
  const doors = await openDoors({
    config: CONFIG,
    closeMs: 1000,
    append,
    received: (signal, records) => add(`received:${signal}`, records),
    count: add,
    isFull,
    bug: (error) => bugs.push(error),
  })
  open.push(doors)
  return { doors, counts, bugs }
}

function post(doors: Doors, body: unknown): Promise<Response> {
  const headers = { 'content-type': 'application/json' }
  return fetch(`${doors.otlpHttp}/v1/traces`, { method: 'POST', headers, body: JSON.stringify(body) })
}

const call = {
  traceId: `${'0'.repeat(31)}1`,
  spanId: `${'0'.repeat(15)}1`,
  name: 'execute_tool read',
  startTimeUnixNano: '1700000000000000000',
  endTimeUnixNano: '1700000001000000000',
  attributes: [
    { key: 'gen_ai.operation.name', value: { stringValue: 'execute_tool' } },
    { key: 'gen_ai.tool.name', value: { stringValue: 'read' } },
  ],
}
const request = (...spans: readonly unknown[]) => ({ resourceSpans: [{ scopeSpans: [{ spans }] }] })

describe('the doors in their thread', () => {
  it('answer when what came in is appended, and not before', async () => {
    const appended: (readonly BusRecord[])[] = []
    let release: () => void = () => undefined
    const { doors, counts } = await opened(async (records) => {
      appended.push(records)
      await new Promise<void>((resolve) => {
        release = resolve
      })
    })
    let status = 0
    const answered = post(doors, request(call, { ...call, spanId: 'no id' })).then((response) => {
      status = response.status
    })
    await expect.poll(() => appended.length).toBe(1)
    expect(status).toBe(0)
    release()
    await answered
    expect(status).toBe(200)
    const [[record]] = appended as [[BusRecord]]
    expect(JSON.parse(Buffer.from(record.value).toString())).toMatchObject({ tool: { name: 'read' } })
    expect(record.key).toContain(call.traceId)
    await doors.counted()
    const ends = Object.entries(counts).filter(([name]) => !name.startsWith('received:'))
    expect(counts['received:traces']).toBe(2)
    expect(ends.reduce((sum, [, records]) => sum + records, appended.flat().length)).toBe(2)
  })

  it('tell senders to come back when the engine does', async () => {
    const { doors, bugs } = await opened(() =>
      Promise.reject(new Unavailable('the disk is full', { retryAfterMs: 7000 })),
    )
    const response = await post(doors, request(call))
    expect(response.status).toBe(503)
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThanOrEqual(7)
    expect(bugs).toEqual([])
  })

  it('hold requests to the limits that are configured, and count those that do not keep them', async () => {
    const { doors, counts } = await opened(() => Promise.resolve())
    const send = async (body: Buffer, coding: string) => {
      const headers = { 'content-type': 'application/json', 'content-encoding': coding }
      const response = await fetch(`${doors.otlpHttp}/v1/logs`, { method: 'POST', headers, body })
      return [response.status, ((await response.json()) as { message: string }).message]
    }
    const most = (bytes: number, what = '') => [413, `the body may have at most ${bytes} bytes${what}`]
    const limits = CONFIG.limits
    expect(await send(Buffer.alloc(limits.request_bytes + 1, ' '), 'identity')).toEqual(most(limits.request_bytes))
    const noise = gzipSync(randomBytes(limits.compressed_bytes))
    expect(await send(noise, 'gzip')).toEqual(most(limits.compressed_bytes, ' compressed'))
    const bomb = gzipSync(Buffer.alloc(limits.request_bytes + 1, ' '))
    expect(await send(bomb, 'gzip')).toEqual(most(limits.request_bytes, ' once inflated'))
    await doors.counted()
    expect(counts).toEqual({ 'received:logs': 3, 'rejected:too-large': 3 })
  })

  it('let nobody in while the stages are behind, and everybody when they are not', async () => {
    let isBehind = true
    const { doors } = await opened(
      () => Promise.resolve(),
      () => isBehind,
    )
    await expect.poll(async () => (await post(doors, request(call))).status).toBe(503)
    isBehind = false
    await expect.poll(async () => (await post(doors, request(call))).status).toBe(200)
  })

  it('say so when an append fails as nobody expected', async () => {
    const { doors, bugs } = await opened(() => Promise.reject(new Error('a bug')))
    expect((await post(doors, request(call))).status).toBe(500)
    await doors.counted()
    expect(bugs).toMatchObject([{ message: 'a bug' }])
  })

  it('tell what they counted without being asked, although nothing is appended', async () => {
    const { doors, counts } = await opened(() => Promise.resolve())
    const headers = { 'content-type': 'application/json' }
    await fetch(`${doors.otlpHttp}/v1/traces`, { method: 'POST', headers, body: '{' })
    await expect.poll(() => Object.keys(counts).length, { timeout: 5000 }).toBeGreaterThan(1)
  })

  it('cannot be opened where a port is taken, and say which', async () => {
    const { doors } = await opened(() => Promise.resolve())
    const port = Number(new URL(doors.otlpHttp).port)
    const again = openDoors({
      config: { ...CONFIG, listen: { ...CONFIG.listen, otlp_http_port: port } },
      closeMs: 1000,
      append: () => Promise.resolve(),
      received: () => undefined,
      count: () => undefined,
      isFull: () => false,
      bug: () => undefined,
    })
    await expect(again).rejects.toMatchObject({ code: 'EADDRINUSE', port })
  })

  it('finish what has come in when they close, and then are gone', async () => {
    const { doors } = await opened(() => new Promise((resolve) => setTimeout(resolve, 200)))
    const answered = post(doors, request(call))
    await new Promise((resolve) => setTimeout(resolve, 100))
    await doors.close()
    open.length = 0
    expect((await answered).status).toBe(200)
    await expect(post(doors, request(call))).rejects.toThrow()
    await doors.counted()
  })

  it('say when their thread has died, and keep nobody waiting who asks for counts then', async () => {
    const spoken = vi.spyOn(Worker.prototype, 'postMessage')
    const { doors } = await opened(() => Promise.resolve())
    await doors.counted()
    const [thread] = spoken.mock.contexts as Worker[]
    spoken.mockRestore()
    const asked = doors.counted()
    await thread?.terminate()
    await expect(doors.failed).rejects.toThrow('the thread of the doors ended by itself')
    await asked
    await doors.counted()
  })
})
