/** The same telemetry gives the same fragments, and so the same events, whether it is sent to a door or lies on a topic. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Fragment } from '../../schema/fragment.ts'
import { areCapturesThere, captureFolder, recordFiles, signalOf } from '../../test/capture-files.ts'
import { setUp } from '../../test/intake-saying.ts'
import { startOtlpHttp } from '../otlp/http.ts'
import { post } from '../otlp/http-client.contract.ts'
import { INPUT, useCollector } from './running-collector.contract.ts'
import { logBody, traceBodies } from './sdk-bodies.contract.ts'

type Encoding = 'otlp_proto' | 'otlp_json'

interface Body {
  readonly signal: 'traces' | 'logs'
  readonly bytes: Uint8Array
}

interface Taken {
  readonly fragments: readonly Fragment[]
  readonly ends: Readonly<Record<string, number>>
  readonly received: Readonly<Record<string, number>>
}

const TOPICS = { traces: 'otlp_spans', logs: 'otlp_logs' }
const collector = useCollector()

async function throughDoor(bodies: readonly Body[], encoding: Encoding): Promise<Taken> {
  const { intake, published, counted } = setUp()
  const received: Record<string, number> = {}
  const door = await startOtlpHttp({
    host: '127.0.0.1',
    port: 0,
    intake,
    authenticate: () => ({ tenantId: INPUT.tenant }),
    count: (outcome, records) => counted.set(outcome, (counted.get(outcome) ?? 0) + records),
    received: (signal, records) => {
      received[signal] = (received[signal] ?? 0) + records
    },
  })
  const type = { 'content-type': encoding === 'otlp_proto' ? 'application/x-protobuf' : 'application/json' }
  for (const { signal, bytes } of bodies) {
    expect(await post(door.address, Buffer.from(bytes), type, `/v1/${signal}`)).toMatchObject({ status: 200 })
  }
  await door.close()
  return { fragments: published, ends: Object.fromEntries(counted), received }
}

async function throughTopics(bodies: readonly Body[], encoding: Encoding): Promise<Taken> {
  for (const { signal, bytes } of bodies) {
    collector.topics.add(TOPICS[signal], [bytes])
  }
  void collector.start({ input: { ...INPUT, encoding } })
  await Promise.all(Object.values(TOPICS).map((topic) => collector.topics.drained(topic)))
  return {
    fragments: collector.appends.flat(),
    ends: Object.fromEntries(collector.outcomes),
    received: Object.fromEntries(collector.received),
  }
}

/** Traces and logs are read beside each other, so only the order within one of them is fixed. */
const inOrder = ({ fragments, ...counts }: Taken) => ({
  spans: fragments.filter(({ signal }) => signal === 'span'),
  logs: fragments.filter(({ signal }) => signal === 'log'),
  ...counts,
})

async function expectSame(bodies: readonly Body[], encoding: Encoding): Promise<void> {
  const fromDoor = await throughDoor(bodies, encoding)
  expect(fromDoor.fragments.length).toBeGreaterThan(5)
  expect(inOrder(await throughTopics(bodies, encoding))).toEqual(inOrder(fromDoor))
  expect(collector.letters).toEqual([])
}

describe('what the SDK makes of sessions of agents', () => {
  it.each<Encoding>(['otlp_proto', 'otlp_json'])('in %s', async (encoding) => {
    const traces = (await traceBodies(encoding)).map((bytes) => ({ signal: 'traces', bytes }) as const)
    await expectSame([...traces, { signal: 'logs', bytes: logBody(encoding, 'call-1') }], encoding)
  })
})

describe.skipIf(!areCapturesThere)(
  'recorded requests of real agents (skipped where ../shared/data/otlp is absent)',
  () => {
    it.each<[Encoding, string]>([
      ['otlp_proto', '.pb'],
      ['otlp_json', '.json'],
    ])('in %s', async (encoding, ending) => {
      const files = recordFiles.filter((file) => file.endsWith(ending))
      const read = (file: string) => ({ signal: signalOf(file), bytes: readFileSync(join(captureFolder, file)) })
      await expectSame(files.map(read), encoding)
    })
  },
)
