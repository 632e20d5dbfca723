/**
 * `node dist/bench/bus.js [DIRECTORY]`: what durability costs: appends of 64 KiB one after the other, batches of 512 realistic records from one and from
 * several appenders, one record at a time from many, reading back, and commits of outputs, state and offset.
 * Writes to a directory of its own within DIRECTORY, by default the one for temporary files, and removes it.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { quantile } from 'simple-statistics'
import type { Bus, BusRecord } from '../engine/bus/bus.ts'
import { openEmbeddedBus } from '../engine/bus/embedded.ts'

interface BusResult {
  readonly what: string
  readonly recordsPerSecond: number
  readonly megabytesPerSecond: number
  /** Of one append, read or commit. */
  readonly p50Ms: number
  readonly p99Ms: number
}

const RECORD_BYTES = 1500
const BATCH = 512

/** How long each is measured. */
const SECONDS = 3

async function measureBus(directory: string): Promise<readonly BusResult[]> {
  const home = mkdtempSync(join(directory, 'telltale-bench-bus-'))
  const bus = await openEmbeddedBus({ directory: home, retention: { maxBytes: 512 * 1024 ** 2 } })
  try {
    const large = [record(0, 64 * 1024)]
    const batch = Array.from({ length: BATCH }, (_, index) => record(index, RECORD_BYTES))
    const single = [record(0, RECORD_BYTES)]
    return [
      await appending(bus, 'append 64 KiB, one after the other', large, 1),
      await appending(bus, `append ${BATCH} x 1.5 kB, one after the other`, batch, 1),
      await appending(bus, `append ${BATCH} x 1.5 kB, 4 at a time`, batch, 4),
      await appending(bus, 'append 1 x 1.5 kB, 256 at a time', single, 256),
      await reading(bus, `read up to 1,000 x 1.5 kB`, async () => undefined),
      await reading(bus, 'read 1,000, commit 1,000 outputs and 100 states of 4 KiB', commitLikeAStage),
    ]
  } finally {
    await bus.close()
    rmSync(home, { recursive: true, force: true })
  }
}

/** A table for the terminal. */
function describeBus(results: readonly BusResult[]): string {
  const rows = results.map(({ what, recordsPerSecond, megabytesPerSecond, p50Ms, p99Ms }) =>
    [
      what.padEnd(60),
      `${Math.round(recordsPerSecond).toLocaleString('en')}/s`.padStart(12),
      `${megabytesPerSecond.toFixed(0)} MB/s`.padStart(10),
      `p50 ${p50Ms.toFixed(2)} ms`.padStart(14),
      `p99 ${p99Ms.toFixed(2)} ms`.padStart(14),
    ].join(' '),
  )
  return ['embedded bus, every append and commit flushed to disk', ...rows].join('\n')
}

async function appending(
  bus: Bus,
  what: string,
  records: readonly BusRecord[],
  concurrency: number,
): Promise<BusResult> {
  const times: number[] = []
  const began = performance.now()
  const until = began + SECONDS * 1000
  const appender = async (): Promise<void> => {
    while (performance.now() < until) {
      const start = performance.now()
      await bus.append('fragments', records)
      times.push(performance.now() - start)
    }
  }
  await Promise.all(Array.from({ length: concurrency }, appender))
  return result(what, times, times.length * records.length, times.length * bytesOf(records), performance.now() - began)
}

type Assignment = Parameters<Parameters<Bus['consume']>[1]>[0]

/** Reads for `SECONDS` or until all is read; `then` is what a consumer does with a batch. */
async function reading(
  bus: Bus,
  what: string,
  then: (assignment: Assignment, records: Awaited<ReturnType<Assignment['read']>>) => Promise<void>,
): Promise<BusResult> {
  const times: number[] = []
  let count = 0
  let bytes = 0
  const began = performance.now()
  await bus.consume(
    { group: what, topic: 'fragments' },
    async (assignment) => {
      while (performance.now() < began + SECONDS * 1000) {
        const start = performance.now()
        const records = await assignment.read({ maxRecords: 1000, waitMs: 0 })
        if (records.length === 0) {
          return
        }
        await then(assignment, records)
        times.push(performance.now() - start)
        count += records.length
        bytes += bytesOf(records)
      }
    },
    new AbortController().signal,
  )
  return result(what, times, count, bytes, performance.now() - began)
}

const PROFILE = Buffer.alloc(4096, 'p')

async function commitLikeAStage(
  assignment: Assignment,
  records: Awaited<ReturnType<Assignment['read']>>,
): Promise<void> {
  await assignment.commit({
    next: (records.at(-1)?.offset ?? 0) + 1,
    outputs: [{ topic: 'events', records }],
    state: Array.from({ length: 100 }, (_, index) => ({ key: `agent-${index}`, value: PROFILE })),
  })
}

function result(what: string, times: readonly number[], records: number, bytes: number, elapsedMs: number): BusResult {
  return {
    what,
    recordsPerSecond: (records / elapsedMs) * 1000,
    megabytesPerSecond: bytes / elapsedMs / 1000,
    p50Ms: quantile([...times], 0.5),
    p99Ms: quantile([...times], 0.99),
  }
}

/** JSON-like text: the same everywhere would flatter a disk that compresses. */
function record(index: number, bytes: number): BusRecord {
  const text = Array.from({ length: Math.ceil(bytes / 6) }, (_, word) => `"${((index + 1) * (word + 7)) % 99991}":1,`)
  return { key: `trace-${index % 40}`, value: Buffer.from(text.join('')).subarray(0, bytes) }
}

function bytesOf(records: readonly BusRecord[]): number {
  let bytes = 0
  for (const { value } of records) {
    bytes += value.byteLength
  }
  return bytes
}

console.log(describeBus(await measureBus(process.argv[2] ?? tmpdir())))
