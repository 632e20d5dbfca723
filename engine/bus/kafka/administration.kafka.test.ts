import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest'
import { Unavailable } from '../../../schema/errors.ts'
import { Administration } from './administration.ts'
import { makeRawTopic } from './raw-topic.contract.ts'

describe(`administration on Kafka ${inject('kafka').version}`, () => {
  const brokers = inject('bootstrap')
  let administration: Administration
  beforeEach(() => {
    administration = new Administration({ brokers })
  })
  afterEach(() => administration.close())

  it('goes on asking for others when one call fails', async () => {
    const topic = await makeRawTopic({ brokers })
    await administration.groups('none.')
    // kafkajs looks a topic's partitions up before it asks for offsets, and fails where there is no such topic.
    const failing = Array.from({ length: 4 }, () => administration.committed('nobody', `missing-${randomUUID()}`))
    const asking = Array.from({ length: 40 }, async (_, turn) => {
      for (let step = 0; step < turn % 8; step++) {
        await new Promise(setImmediate)
      }
      return administration.committed('nobody', topic)
    })
    for (const failed of failing) {
      await expect(failed).rejects.toThrow(Unavailable)
    }
    expect(await Promise.all(asking)).toEqual(Array.from({ length: 40 }, () => new Map()))
  })

  it('asks anew after a failure, and when it was closed has nothing open', async () => {
    await expect(administration.committed('nobody', `missing-${randomUUID()}`)).rejects.toThrow(Unavailable)
    expect(await administration.groups(`${randomUUID()}.`)).toEqual([])
  })
})
