import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import { Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest'
import { type Brokers, startBrokers } from './brokers.ts'
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts'

const { version } = inject('kafka')

describe('the shared brokers', () => {
  test('give back what was produced', async () => {
    const topic = `brokers-${randomUUID()}`
    await produce(inject('bootstrap'), topic, ['a', 'b', 'c'])
    expect(await consume(inject('bootstrap'), topic, 3)).toEqual(['a', 'b', 'c'])
  })
})

describe('one broker', () => {
  let brokers: Brokers
  beforeAll(async () => {
    brokers = await startBrokers({ version })
  })
  afterAll(() => brokers?.stop())

  test('keeps its data and its port over kill -9', async () => {
    await produce(brokers.bootstrap, 'kept', ['a', 'b'])
    await brokers.kill(0)
    await expect(connected(brokers.bootstrap[0])).rejects.toThrow(/ECONNREFUSED/)
    await brokers.start(0)
    expect(await consume(brokers.bootstrap, 'kept', 2)).toEqual(['a', 'b'])
  })

  test('does not answer while it is frozen, and goes on when thawed', async () => {
    await produce(brokers.bootstrap, 'thawed', ['before'])
    const producer = client(brokers.bootstrap, 2000).producer({ retry: { retries: 0 } })
    const send = (value: string) => producer.send({ topic: 'thawed', messages: [{ value }] })
    await producer.connect()
    try {
      await send('connected')
      await brokers.freeze(0)
      await expect(send('unanswered')).rejects.toMatchObject({
        name: 'KafkaJSNumberOfRetriesExceeded',
        cause: { name: 'KafkaJSRequestTimeoutError' },
      })
    } finally {
      brokers.thaw(0)
      await producer.disconnect()
    }
    await produce(brokers.bootstrap, 'thawed', ['after'])
    // The broker finds what it was sent while it was frozen, and takes that too.
    expect(await consume(brokers.bootstrap, 'thawed', 4)).toEqual(['before', 'connected', 'unanswered', 'after'])
  })
})

describe('a broker behind a proxy', () => {
  let proxy: FaultProxy
  let brokers: Brokers
  beforeAll(async () => {
    proxy = await startFaultProxy()
    brokers = await startBrokers({ version, advertisedPorts: [proxy.port] })
    proxy.forwardTo(brokers.ports[0] as number)
  })
  afterAll(async () => {
    await proxy?.close()
    await brokers?.stop()
  })

  test('has taken what was produced when only its answer is lost', async () => {
    expect(brokers.bootstrap).toEqual([`127.0.0.1:${proxy.port}`])
    await produce(brokers.bootstrap, 'unheard', ['before'])
    const producer = client(brokers.bootstrap, 2000).producer({ retry: { retries: 0 } })
    await producer.connect()
    try {
      await producer.send({ topic: 'unheard', messages: [{ value: 'connected' }] })
      proxy.set({ dropAnswers: true })
      const sent = producer.send({ topic: 'unheard', messages: [{ value: 'unheard' }] })
      await expect(sent).rejects.toMatchObject({ cause: { name: 'KafkaJSRequestTimeoutError' } })
    } finally {
      proxy.set({})
      await producer.disconnect()
    }
    expect(await consume(brokers.bootstrap, 'unheard', 3)).toEqual(['before', 'connected', 'unheard'])
  })
})

describe('three brokers', () => {
  let brokers: Brokers
  beforeAll(async () => {
    brokers = await startBrokers({ version, count: 3 })
  })
  afterAll(() => brokers?.stop())

  test('lose nothing with one of them', async () => {
    await produce(brokers.bootstrap, 'replicated', ['a', 'b'])
    await brokers.kill(0)
    expect(await consume(brokers.bootstrap, 'replicated', 2)).toEqual(['a', 'b'])
  })
})

async function connected(address = ''): Promise<void> {
  const { hostname: host, port } = new URL(`tcp://${address}`)
  const socket = connect({ host, port: Number(port) })
  await once(socket, 'connect').finally(() => socket.destroy())
}

function client(bootstrap: readonly string[], requestTimeout = 30_000): Kafka {
  return new Kafka({
    brokers: [...bootstrap],
    logLevel: logLevel.NOTHING,
    connectionTimeout: 2000,
    requestTimeout,
    enforceRequestTimeout: true,
  })
}

async function produce(bootstrap: readonly string[], topic: string, values: readonly string[]): Promise<void> {
  const kafka = client(bootstrap)
  const admin = kafka.admin()
  const producer = kafka.producer()
  try {
    await admin.connect()
    await admin.createTopics({ topics: [{ topic }], waitForLeaders: false })
    await producer.connect()
    // Until the news of the topic has reached the broker asked, which kafkajs does not wait for.
    const send = () => producer.send({ topic, messages: values.map((value) => ({ value })) })
    await vi.waitFor(send, { timeout: 20_000, interval: 50 })
  } finally {
    await admin.disconnect()
    await producer.disconnect()
  }
}

/** The first `count` values of the topic. */
async function consume(bootstrap: readonly string[], topic: string, count: number): Promise<string[]> {
  const consumer = client(bootstrap).consumer({ groupId: randomUUID(), retry: { retries: 10 } })
  const values: string[] = []
  await consumer.connect()
  try {
    await consumer.subscribe({ topic, fromBeginning: true })
    await new Promise<void>((resolve, reject) => {
      consumer.on(consumer.events.CRASH, ({ payload }) => payload.restart || reject(payload.error))
      const eachMessage = async ({ message }: { message: { value: Buffer | null } }) => {
        if (values.push(String(message.value)) >= count) {
          resolve()
        }
      }
      consumer.run({ eachMessage }).catch(reject)
    })
  } finally {
    await consumer.disconnect()
  }
  return values
}
