/** The same telemetry gives the same fragments, and so the same events, whether it is sent to a door or lies on a topic. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { areCapturesThere, captureFolder, recordFiles, signalOf } from '../../test/capture-files.ts'
import { INPUT, useCollector } from './running-collector.contract.ts'
import { logBody, traceBodies } from './sdk-bodies.contract.ts'
import { type Body, type Encoding, type Taken, throughDoor } from './through-door.contract.ts'

const TOPICS = { traces: 'otlp_spans', logs: 'otlp_logs' }
const collector = useCollector()

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
