/**
 * Program: appends until the disk refuses, then tries again twice, and says how many appends were acknowledged and
 * how it was refused. Argument: directory.
 */
import { writeSync } from 'node:fs'
import { openEmbeddedBus } from '../../engine/bus/embedded.ts'

const [directory = ''] = process.argv.slice(2)
const bus = await openEmbeddedBus({ directory })
const refusals: string[] = []
for (let number = 0; refusals.length < 3; number += 1) {
  try {
    await bus.append('events', [{ key: 'a', value: Buffer.alloc(100_000, `${number} `) }])
    writeSync(1, `${number}\n`)
  } catch (error) {
    refusals.push(error instanceof Error ? error.name : 'not an error')
  }
}
writeSync(1, `refused ${refusals.join()}\n`)
await bus.close()
