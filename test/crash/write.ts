/**
 * Program: appends events without end and says which were acknowledged, while the write stage stores them. Arguments:
 * directory, seed. An event is `seed.number`; every tenth is amended a little later.
 */
import { writeSync } from 'node:fs'
import { join } from 'node:path'
import { openEmbeddedBus } from '../../engine/bus/embedded.ts'
import { eventRecord } from '../../engine/records.ts'
import { runWriter } from '../../engine/write.ts'
import { idOf } from '../../schema/ids.ts'
import { openStore } from '../../store/clickhouse.ts'
import { exampleEvent } from '../example-event.ts'

const [directory = '', seed = '0'] = process.argv.slice(2)
const bus = await openEmbeddedBus({ directory: join(directory, 'bus'), sync: false })
const store = await openStore({ embedded: { directory: join(directory, 'store') } })
// So that a test can kill the engine alone.
writeSync(1, `engine ${(await store.health()).enginePid}\n`)

async function append(): Promise<never> {
  for (let number = 0; ; ) {
    const count = 1 + (number % 97)
    const events = Array.from({ length: count }, (_, index) => {
      const id = `${seed}.${number + index}`
      return exampleEvent({ event_id: idOf(id), attributes: { id }, content: { result: 'x'.repeat(1000) } })
    })
    const amended = events.filter((_, index) => (number + index) % 10 === 0)
    await bus.append('events', events.map(eventRecord))
    await bus.append(
      'events',
      amended.map((event) => eventRecord({ ...event, attributes: { ...event.attributes, amended: true } })),
    )
    number += count
    writeSync(1, `acknowledged ${seed} ${number}\n`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

await Promise.all([
  append(),
  runWriter({
    bus,
    store,
    signal: new AbortController().signal,
    // Small and often: what is looked for happens between batches.
    limits: { maxRows: 300, intervalMs: 20 },
    onBatch: ({ rows }) => writeSync(1, `stored ${rows}\n`),
  }),
])
