/**
 * Program: appends through a spool whose bus is down until the disk refuses, then lets the bus take records while a client
 * goes on trying, and ends when all is drained. Says `taken`, `refused` and `landed`. Argument: directory.
 */
import { writeSync } from 'node:fs'
import { setImmediate as turn } from 'node:timers/promises'
import type { BusRecord, Topic } from '../../engine/bus/bus.ts'
import { openSpool } from '../../engine/spool.ts'
import { Unavailable } from '../../schema/errors.ts'

const [directory = ''] = process.argv.slice(2)
let isUp = false

async function append(_topic: Topic, records: readonly BusRecord[]): Promise<void> {
  if (!isUp) {
    throw new Unavailable('down', { retryAfterMs: 1 })
  }
  for (const { key } of records) {
    writeSync(1, `landed ${key}\n`)
  }
}

let drained = (): void => undefined
const whenDrained = new Promise<void>((resolve) => {
  drained = resolve
})
const spool = await openSpool({
  directory,
  remote: { append },
  onState: ({ isSpooling }) => {
    if (isUp && !isSpooling) {
      drained()
    }
  },
})

let number = 0
async function tryOne(): Promise<boolean> {
  number += 1
  const key = `${number}`
  try {
    await spool.append('fragments', [{ key, value: Buffer.alloc(100_000, key) }])
    writeSync(1, `taken ${key}\n`)
    return true
  } catch (error) {
    writeSync(1, `refused ${error instanceof Error ? error.name : error}\n`)
    return false
  }
}

while (await tryOne()) {
  // Until the disk is full.
}
isUp = true
let isOver = false
const client = (async () => {
  while (!isOver) {
    await tryOne()
    await turn()
  }
})()
await Promise.race([whenDrained, spool.failed])
isOver = true
await client
await spool.close(0)
