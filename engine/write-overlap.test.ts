import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { Unavailable } from '../schema/errors.ts'
import type { Store } from '../store/store.ts'
import type { Bus } from './bus/bus.ts'
import { openEmbeddedBus } from './bus/embedded.ts'
import { said } from './counting-stage.contract.ts'
import { FlakyStore } from './flaky-store.contract.ts'
import { watchReads } from './watch-reads.contract.ts'
import { runWriter } from './write.ts'

const home = mkdtempSync(join(tmpdir(), 'telltale-write-overlap-'))
const buses: Bus[] = []
let opened = 0

afterAll(async () => {
  await Promise.all(buses.map((bus) => bus.close()))
  rmSync(home, { recursive: true, force: true })
})

describe('the writer, while a batch is being stored', () => {
  const FULL = { rows: 25, read: 20, intervalMs: 20, isLost: false }
  const WAITING = { rows: 15, read: 15, intervalMs: 60_000, isLost: false }
  const NEXT = [
    ['full', FULL],
    ['waiting for more', WAITING],
    ['lost with the bus', { ...WAITING, isLost: true }],
  ] as const

  /** A writer that has read all it may while the store takes its time over the first ten rows. */
  async function storing(next: typeof FULL) {
    const bus = await openEmbeddedBus({ directory: join(home, `${++opened}`), sync: false })
    buses.push(bus)
    const store = new FlakyStore()
    const stop = new AbortController()
    let read = 0
    const watched = watchReads(bus, (count) => {
      read += count
      if (next.isLost && stop.signal.aborted) {
        throw new Unavailable('the bus is gone')
      }
    })
    let end = (_error?: Error) => {}
    const ending = new Promise<void>((resolve, reject) => {
      end = (error) => (error === undefined ? resolve() : reject(error))
    })
    const slow: Pick<Store, 'insert' | 'hasBatch'> = {
      hasBatch: store.hasBatch,
      insert: (batch) => {
        const stored = store.insert(batch)
        return ending.then(() => stored)
      },
    }
    const rows = Array.from({ length: next.rows }, (_, index) => `row ${index}`)
    await bus.append(
      'events',
      rows.map((row) => said('k', row)),
    )
    const batches: number[] = []
    const writing = runWriter({
      bus: watched,
      store: slow as Store,
      signal: stop.signal,
      topics: ['events'],
      limits: { intervalMs: next.intervalMs, maxRows: 10 },
      onBatch: (batch) => batches.push(batch.rows),
    })
    await expect.poll(() => read).toBe(next.read)
    // Were there anything to read on, or to store, it would be done by then.
    await new Promise((resolve) => setTimeout(resolve, 100))
    return { rows, store, writing, stop, end, batches, read: () => read }
  }

  it('reads on as far as the next batch goes, and has only one in doubt', async () => {
    const { rows, store, writing, stop, end, batches, read } = await storing(FULL)
    expect([read(), store.attempts.length]).toEqual([20, 1])
    end()
    await expect.poll(() => batches).toEqual([10, 10, 5])
    expect(store.rows).toEqual(rows)
    stop.abort()
    await writing
  })

  it.each(NEXT)('ends it when told to stop, and does not begin the next, which is %s', async (_, next) => {
    const { store, writing, stop, end, batches } = await storing(next)
    let hasEnded = false
    void writing.then(() => {
      hasEnded = true
    })
    stop.abort()
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(hasEnded).toBe(false)
    end()
    await writing
    expect([batches, store.attempts.length]).toEqual([[10], 1])
  })

  it.each(NEXT)(
    'rejects when it fails as no store should, even if told to stop by then; the next is %s',
    async (_, next) => {
      const { writing, stop, end } = await storing(next)
      stop.abort()
      end(new Error('a bug'))
      await expect(writing).rejects.toThrow('a bug')
    },
  )
})
