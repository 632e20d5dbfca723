/**
 * Program: appends through a spool without end and says what was acknowledged, while the bus fails, takes parts, freezes
 * and recovers. Arguments: directory of the spool, file of the bus, seed. Each writer has a key of its own and appends one
 * thing after the other, as `key seed.number.index;`.
 */
import { writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { BusRecord, Topic } from '../../engine/bus/bus.ts'
import { openSpool } from '../../engine/spool.ts'
import { Unavailable } from '../../schema/errors.ts'
import { FileRemote } from './file-remote.ts'
import { seeded } from './victim.ts'

const WRITERS = 8
const [directory = '', bus = '', seed = '0'] = process.argv.slice(2)
const random = seeded(Number(seed))
const file = new FileRemote(bus)

const MOODS = ['up', 'up', 'up', 'down', 'half', 'frozen'] as const
let mood: (typeof MOODS)[number] = 'up'
let appendsLeft = 0

async function append(topic: Topic, records: readonly BusRecord[]): Promise<void> {
  if (appendsLeft === 0) {
    appendsLeft = 1 + Math.floor(random() * 40)
    mood = MOODS[Math.floor(random() * MOODS.length)] ?? 'up'
  }
  appendsLeft -= 1
  if (mood === 'frozen') {
    // Twice the deadline, and then it lands or does not: a late repeat, or one that is still to come.
    await sleep(20)
  }
  if (mood === 'up' || (mood === 'frozen' && random() < 0.5)) {
    return file.append(topic, records)
  }
  if (mood === 'half') {
    await file.append(topic, records.slice(0, records.length / 2))
  }
  throw new Unavailable(mood, { retryAfterMs: 2 })
}

const spool = await openSpool({ directory, remote: { append }, deadlineMs: 10, maxBytes: 100_000 })

async function write(writer: number): Promise<void> {
  for (let number = 0; ; number += 1) {
    const id = `${seed}.${number}`
    const records = Array.from({ length: 1 + Math.floor(random() * 20) }, (_, index) => ({
      key: `writer-${writer}`,
      value: Buffer.from(`${id}.${index};`),
    }))
    await acknowledged(records)
    writeSync(1, records.map(({ key, value }) => `${key} ${value}\n`).join(''))
  }
}

/** As a client does: the same again, until it is taken. */
async function acknowledged(records: readonly BusRecord[]): Promise<void> {
  for (;;) {
    try {
      return await spool.append('fragments', records)
    } catch (error) {
      if (!(error instanceof Unavailable)) {
        throw error
      }
      await sleep(2)
    }
  }
}

await Promise.race([spool.failed, ...Array.from({ length: WRITERS }, (_, writer) => write(writer))])
