import { randomUUID } from 'node:crypto'
import { createRequire } from 'node:module'
import { afterEach, beforeEach, describe, expect, inject, it, type MockInstance, vi } from 'vitest'
import { openKafkaBus } from '../kafka.ts'
import { ForeignTopics } from './foreign-topics.ts'
import type { Broker } from './kafkajs.ts'
import { makeRawTopic } from './raw-topic.contract.ts'

const KafkaBroker = createRequire(import.meta.url)('kafkajs/src/broker') as { readonly prototype: Broker }
const brokers = inject('bootstrap')

describe(`a consumer on Kafka ${inject('kafka').version} is missed after six seconds`, () => {
  let joining: MockInstance<Broker['joinGroup']>
  beforeEach(() => {
    joining = vi.spyOn(KafkaBroker.prototype, 'joinGroup')
  })
  afterEach(() => joining.mockRestore())

  /** Consumes until it is given a partition. @returns what it told the group of its session. */
  async function sessionOf(
    consume: (own: () => Promise<void>, signal: AbortSignal) => Promise<void>,
  ): Promise<number[]> {
    const stop = new AbortController()
    await consume(async () => stop.abort(), stop.signal)
    return joining.mock.calls.map(([{ sessionTimeout }]) => sessionTimeout)
  }

  it('where it reads the bus', async () => {
    const bus = await openKafkaBus({ brokers, topicPrefix: `${randomUUID()}.`, partitions: 1 })
    const told = await sessionOf((own, signal) => bus.consume({ group: 'g', topic: 'events' }, own, signal))
    await bus.close()
    expect(told).toEqual([6000])
  })

  it('where it reads topics of others', async () => {
    const topic = await makeRawTopic({ brokers })
    const topics = new ForeignTopics({ settings: { brokers }, group: 'g' })
    const told = await sessionOf((own, signal) => topics.consume([topic], own, signal, () => undefined))
    expect(told).toEqual([6000])
  })
})
