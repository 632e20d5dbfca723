/** A process that reads topics of others (`collectors.kafka`): what it does with them, and what it tells of them. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pino from 'pino'
import { afterAll, describe, expect, it } from 'vitest'
import type { OnTopicTrouble } from '../collectors/kafka/otlp-topic.ts'
import { type Config, loadConfig } from '../config.ts'
import type { Bus } from '../engine/bus/bus.ts'
import { openEmbeddedBus } from '../engine/bus/embedded.ts'
import { TooMuchPoison } from '../engine/poison.ts'
import type { OpenTopics } from '../open-topics.ts'
import type { Role } from '../roles.ts'
import { type Process, startProcess } from '../run.ts'
import { Unavailable } from '../schema/errors.ts'
import { callRequest } from './one-call.ts'

const root = mkdtempSync(join(tmpdir(), 'telltale-topics-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

const GOOD = JSON.stringify(callRequest({ call: 1 }))
const silent = pino({ level: 'silent' })

function configOf(name: string, changes: Partial<Config> = {}): Config {
  return {
    ...loadConfig('test/config/topics.yml', {}),
    data: join(root, name),
    policies: 'test/live',
    listen: { host: '127.0.0.1', otlp_http_port: 0, otlp_grpc_port: 0, api_port: 0 },
    bus: { kafka: { brokers: ['kafka-1:9092'] } as NonNullable<Config['bus']['kafka']> },
    ...changes,
  }
}

/** A topic with one partition, which holds these messages and no more. */
function topicOf(values: readonly string[]) {
  const messages = values.map((value, offset) => ({ offset, value: Buffer.from(value), headers: new Map() }))
  const topic = {
    opened: [] as unknown[],
    committed: 0,
    tell: undefined as OnTopicTrouble | undefined,
    open: (({ brokers }, group) => {
      topic.opened.push({ brokers, group })
      return {
        consume: async ([name = ''], own, signal, onTrouble) => {
          topic.tell = onTrouble
          const nothing = () => new Promise<[]>((done) => signal.addEventListener('abort', () => done([])))
          const read = async () => (messages.length > 0 ? messages.splice(0) : nothing())
          const commit = async (next: number) => {
            topic.committed = next
          }
          await own({ topic: name, partition: 0, read, commit }, signal)
        },
      }
    }) satisfies OpenTopics,
  }
  return topic
}

/** A collector alone, which reads `topic`, for as long as `use` takes. */
async function collecting(
  name: string,
  topic: ReturnType<typeof topicOf>,
  use: (process: Process) => Promise<void>,
  append: (bus: Bus) => Bus['append'] = (bus) =>
    (...all) =>
      bus.append(...all),
): Promise<void> {
  const bus = await openEmbeddedBus({ directory: join(root, `${name}-bus`), sync: false })
  const outside = { openBus: async () => ({ ...shared(bus), append: append(bus) }), openTopics: topic.open }
  const process = await startProcess(configOf(name), silent, new Set<Role>(['collect']), outside)
  try {
    await use(process)
  } finally {
    await process.close()
    await bus.close()
  }
}

const shared = (bus: Bus): Bus => ({
  append: (topic, records) => bus.append(topic, records),
  consume: (options, own, signal) => bus.consume(options, own, signal),
  lag: () => bus.lag(),
  close: async () => undefined,
})

describe('a collector that reads topics of others', () => {
  it('takes what is on them as it takes what comes through the doors, and commits when the bus has it', async () => {
    const topic = topicOf([GOOD, 'no OTLP'])
    await collecting('taken', topic, async (process) => {
      await expect.poll(() => topic.committed).toBe(2)
      expect(topic.opened).toEqual([{ brokers: ['kafka-3:9092'], group: 'mine' }])
      const { records } = await process.health()
      expect(records).toEqual({ received: 2, outcomes: { 'collect.rejected:undecodable-request': 1 } })
      const metrics = await (await fetch(`${process.api}/metrics`)).text()
      expect(metrics).toContain('telltale_dead_letters_total{stage="collect",reason="undecodable-request"} 1')
    })
  })

  it('leaves them where they are while the bus is away: none goes to the spool', async () => {
    const topic = topicOf([GOOD, 'no OTLP'])
    let refusals = 0
    let isAway = true
    const append = (bus: Bus): Bus['append'] => {
      return async (...all) => {
        if (isAway) {
          refusals += 1
          throw new Unavailable('no broker answers', { retryAfterMs: 1 })
        }
        return bus.append(...all)
      }
    }
    const use = async (process: Process) => {
      await expect.poll(() => refusals).toBeGreaterThan(3)
      expect((await process.health()).spool).toMatchObject({ records: 0, spooling: false })
      expect(topic.committed).toBe(0)
      isAway = false
      await expect.poll(() => topic.committed).toBe(2)
    }
    await collecting('not-spooled', topic, use, append)
  })

  it('stops and names the topic when most of it is of no use', async () => {
    await collecting('poison', topicOf(Array(200).fill('no OTLP')), async (process) => {
      const error = await process.failed.catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(TooMuchPoison)
      expect((error as Error).message).toMatch(/^the collect \(input gateway, topic otlp_spans\) stage stopped: 200 of/)
      expect((await process.health()).status).toBe('down')
    })
  })

  it('tells of a topic that cannot be read for as long as it cannot', async () => {
    const topic = topicOf([])
    await collecting('trouble', topic, async (process) => {
      await expect.poll(() => topic.tell).toBeDefined()
      topic.tell?.('otlp_spans', 'there is no such topic yet')
      const { status, reasons } = await process.health()
      expect([status, reasons]).toEqual(['degraded', ['topic otlp_spans of input gateway: there is no such topic yet']])
      topic.tell?.('otlp_spans', undefined)
      expect(await process.health()).toMatchObject({ status: 'ok', reasons: [] })
    })
  })

  it('is refused before anything starts where its cluster cannot be reached as it is written', async () => {
    const tls = { ca_file: join(root, 'absent.pem') }
    const kafka = configOf('refused').collectors.kafka.map((input) => ({ ...input, tls }))
    const started = startProcess(configOf('refused', { collectors: { kafka } }), silent, new Set<Role>(['detect']))
    await expect(started).rejects.toThrow(/: collectors\.kafka\[0\]\.tls\.ca_file: cannot be read: ENOENT/)
    expect(existsSync(join(root, 'refused'))).toBe(false)
  })
})
