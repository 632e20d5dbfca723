/**
 * Program: runs a counting stage over what is on the bus and ends when all of it is committed. Arguments: directory,
 * records per batch. Says a line per batch.
 */
import { writeSync } from 'node:fs'
import { openEmbeddedBus } from '../../engine/bus/embedded.ts'
import { runStage } from '../../engine/loop.ts'
import type { Stage } from '../../engine/stage.ts'

const [directory = '', maxRecords = '10'] = process.argv.slice(2)

/** `key=3` for the third record of a key; a record `bad` is poison. */
const stage: Stage = {
  id: 'count',
  input: 'events',
  open: (_partition, state) => {
    const counts = new Map([...state].map(({ key, value }) => [key, Number(Buffer.from(value).toString())]))
    let changed = new Set<string>()
    return {
      apply: (records) => {
        const good = records.filter(({ value }) => Buffer.from(value).toString() !== 'bad')
        const findings = good.map(({ key }) => {
          const count = (counts.get(key) ?? 0) + 1
          counts.set(key, count)
          changed.add(key)
          return { key, value: Buffer.from(`${key}=${count}`) }
        })
        const poison = records.filter((record) => !good.includes(record)).map((record) => ({ record, reason: 'bad' }))
        return {
          outputs: [{ topic: 'findings', records: findings }],
          outcomes: new Map([['judged', good.length]]),
          poison,
        }
      },
      changes: () => {
        const entries = [...changed].map((key) => ({ key, value: Buffer.from(`${counts.get(key)}`) }))
        changed = new Set()
        return entries
      },
    }
  },
}

const bus = await openEmbeddedBus({ directory, partitions: 2 })
const stop = new AbortController()
const running = runStage({
  bus,
  stage,
  signal: stop.signal,
  batch: { maxRecords: Number(maxRecords) },
  onOutcomes: () => writeSync(1, 'batch\n'),
})
const isDone = async () => (await bus.lag()).every(({ committed, end }) => committed === end)
do {
  await Promise.race([running, new Promise((resolve) => setTimeout(resolve, 20))])
} while (!(await isDone()))
stop.abort()
await running
await bus.close()
