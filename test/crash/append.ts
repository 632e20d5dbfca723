/**
 * Program: appends without end and says what was acknowledged, while a consumer commits outputs, state and offset.
 * Arguments: directory, seed. Each append is told apart by `seed.writer.number` and says how many records it has, so
 * that a torn one can be told from a whole one.
 */
import { writeSync } from 'node:fs'
import { openEmbeddedBus } from '../../engine/bus/embedded.ts'
import { seeded } from './victim.ts'

const WRITERS = 8
const [directory = '', seed = '0'] = process.argv.slice(2)
const random = seeded(Number(seed))
const bus = await openEmbeddedBus({
  directory,
  partitions: 2,
  // Small, so that chunks are deleted all the time; the consumer's place keeps what is unread.
  retention: { maxBytes: 256 * 1024 },
})

async function write(writer: number): Promise<void> {
  for (let number = 0; ; number += 1) {
    const count = 1 + Math.floor(random() * 20)
    const id = `${seed}.${writer}.${number}`
    const records = Array.from({ length: count }, (_, index) => ({
      key: `${writer}-${index}`,
      value: Buffer.from(JSON.stringify({ id, count, index, padding: 'x'.repeat(Math.floor(random() * 3000)) })),
    }))
    await bus.append('events', records)
    writeSync(1, `${id}\n`)
  }
}

/** Says each record on, and keeps in state how many it has said. */
async function consume(): Promise<void> {
  await bus.consume(
    { group: 'count', topic: 'events' },
    async (assignment) => {
      let said = 0
      for await (const { value } of assignment.restore()) {
        said = Number(Buffer.from(value).toString())
      }
      for (;;) {
        const records = await assignment.read({ maxRecords: 1 + Math.floor(random() * 50), waitMs: 1000 })
        said += records.length
        await assignment.commit({
          next: (records.at(-1)?.offset ?? said - 1) + 1,
          outputs: [
            { topic: 'findings', records: records.map(({ value }) => ({ key: `${assignment.partition}`, value })) },
          ],
          state: [{ key: 'said', value: Buffer.from(`${said}`) }],
        })
      }
    },
    new AbortController().signal,
  )
}

await Promise.all([consume(), ...Array.from({ length: WRITERS }, (_, writer) => write(writer))])
