import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Unavailable } from '../schema/errors.ts'
import { FlakyStore } from './flaky-store.contract.ts'
import { SharedInserts } from './shared-inserts.ts'

/** Timers stand still unless a test moves them: what is done without that did not wait for one. */
beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

const rows = (...texts: string[]) => texts.map((text) => Buffer.from(text))
const fine = async () => {}
const STORED = { isStored: true, refused: [] }
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms)
const failed = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  )

/** A promise that the test settles. */
function pending() {
  let resolve = () => {}
  let reject = (_error: Error) => {}
  const promise = new Promise<void>((done, fail) => {
    resolve = done
    reject = fail
  })
  return { promise, resolve, reject }
}

/** Inserts that that many partitions share, and the store they go to. */
function shared(partitions: number, store = new FlakyStore()) {
  const confirmed: number[] = []
  const inserts = new SharedInserts({ store, table: 'events', onInsert: (durationMs) => confirmed.push(durationMs) })
  for (let partition = 0; partition < partitions; partition += 1) {
    inserts.enter()
  }
  return { inserts, store, confirmed }
}

/** A store whose inserts end when the test says so. */
function heldStore() {
  const store = new FlakyStore()
  const held: (() => void)[] = []
  const insertNow = store.insert
  store.insert = async (batch) => {
    await new Promise<void>((resolve) => held.push(resolve))
    return await insertNow(batch)
  }
  return { store, held }
}

describe('shared inserts gather', () => {
  it('nobody else when there is one partition, without waiting', async () => {
    const { inserts, store } = shared(1)
    expect(await inserts.insert(rows('a', 'b'), fine)).toEqual(STORED)
    expect(await inserts.insert(rows('c'), fine)).toEqual(STORED)
    expect([...store.batches.values()].map((batch) => batch.rows)).toEqual([['a', 'b'], ['c']])
  })

  it('the rows of all partitions under one id, without waiting when all have come', async () => {
    const { inserts, store, confirmed } = shared(3)
    const ids: string[] = []
    const announce = async (batchId: string) => {
      ids.push(batchId)
    }
    const all = [rows('a', 'b'), rows('c'), rows('d')].map((part) => inserts.insert(part, announce))
    expect(await Promise.all(all)).toEqual([STORED, STORED, STORED])
    expect([...store.batches]).toEqual([[ids[0], { table: 'events', rows: ['a', 'b', 'c', 'd'] }]])
    expect(ids).toEqual([ids[0], ids[0], ids[0]])
    expect(confirmed.length).toBe(1)
  })

  it('for a short time when not all come', async () => {
    const { inserts, store } = shared(3)
    const first = inserts.insert(rows('a'), fine)
    await pass(40)
    const second = inserts.insert(rows('b'), fine)
    await pass(9)
    expect(store.attempts.length).toBe(0)
    await pass(2)
    expect(await Promise.all([first, second])).toEqual([STORED, STORED])
    expect(store.attempts.length).toBe(1)
  })

  it('without waiting for a partition that is no longer written', async () => {
    const { inserts } = shared(2)
    const first = inserts.insert(rows('a'), fine)
    inserts.leave()
    expect(await first).toEqual(STORED)
  })

  it('on while an insert is under way, because only one is at a time', async () => {
    const { store, held } = heldStore()
    const { inserts } = shared(3, store)
    const first = inserts.insert(rows('a'), fine)
    await pass(51)
    const second = inserts.insert(rows('b'), fine)
    await pass(1000)
    expect(held.length).toBe(1)
    const third = inserts.insert(rows('c'), fine)
    held[0]?.()
    expect(await first).toEqual(STORED)
    await pass(1)
    expect(held.length).toBe(2)
    held[1]?.()
    expect(await Promise.all([second, third])).toEqual([STORED, STORED])
    expect([...store.batches.values()].map((batch) => batch.rows)).toEqual([['a'], ['b', 'c']])
  })

  it('who comes again as soon as the insert before has ended', async () => {
    const { store, held } = heldStore()
    const { inserts } = shared(3, store)
    const again = inserts.insert(rows('a'), fine).then(() => inserts.insert(rows('c'), fine))
    await pass(51)
    const other = inserts.insert(rows('b'), fine)
    await pass(51)
    held[0]?.()
    await pass(1)
    held[1]?.()
    await Promise.all([again, other])
    expect([...store.batches.values()].map((batch) => batch.rows)).toEqual([['a'], ['b', 'c']])
  })

  it('no more than 32 MiB, and what is more is inserted after it', async () => {
    const { store, held } = heldStore()
    const { inserts } = shared(4, store)
    const mebibytes = (count: number) => Array.from({ length: count }, () => Buffer.alloc(1024 * 1024))
    const all = [16, 15, 33, 1].map((count) => inserts.insert(mebibytes(count), fine))
    for (let insert = 0; insert < 3; insert += 1) {
      await pass(60)
      expect(held.length).toBe(insert + 1)
      held[insert]?.()
    }
    expect(await Promise.all(all)).toEqual([STORED, STORED, STORED, STORED])
    expect([...store.batches.values()].map((batch) => batch.rows.length)).toEqual([31, 33, 1])
  })
})

describe('a shared insert begins', () => {
  it('when everybody has announced it', async () => {
    const { inserts, store } = shared(2)
    const slow = pending()
    const all = [inserts.insert(rows('a'), fine), inserts.insert(rows('b'), () => slow.promise)]
    await pass(900)
    expect(store.attempts.length).toBe(0)
    slow.resolve()
    expect(await Promise.all(all)).toEqual([STORED, STORED])
  })

  it('with the rows of those whose announcement failed, which may be there all the same', async () => {
    const { inserts, store } = shared(2)
    const taken = async () => {
      throw new Unavailable('the partition was taken away')
    }
    const all = [inserts.insert(rows('a'), taken), inserts.insert(rows('b'), fine)]
    expect(await Promise.all(all)).toEqual([STORED, STORED])
    expect(store.rows).toEqual(['a', 'b'])
  })

  it('in a second at most after somebody has announced it; who has not is held up alone', async () => {
    const { inserts, store } = shared(2)
    const stuck = pending()
    const all = [inserts.insert(rows('a'), () => stuck.promise), inserts.insert(rows('b'), fine)]
    await pass(1001)
    expect(await all[1]).toEqual(STORED)
    expect(store.rows).toEqual(['a', 'b'])
    let hasEnded = false
    void all[0]?.then(() => {
      hasEnded = true
    })
    await pass(1000)
    // Its calls to the bus are made one at a time.
    expect(hasEnded).toBe(false)
    stuck.reject(new Unavailable('no answer'))
    expect(await all[0]).toEqual(STORED)
  })

  it('never when nobody could announce it, and each learns why', async () => {
    const { inserts, store } = shared(2)
    const all = ['a', 'b'].map((text) =>
      inserts.insert(rows(text), async () => {
        throw new Unavailable(`no bus for ${text}`)
      }),
    )
    expect(await Promise.all(all.map(failed))).toEqual([
      new Unavailable('no bus for a'),
      new Unavailable('no bus for b'),
    ])
    expect(store.attempts.length).toBe(0)
  })

  it('and ends before who has a bug learns of it', async () => {
    const { store, held } = heldStore()
    const { inserts } = shared(2, store)
    const bug = failed(
      inserts.insert(rows('a'), async () => {
        throw new TypeError('a bug')
      }),
    )
    let hasEnded = false
    void bug.then(() => {
      hasEnded = true
    })
    const other = inserts.insert(rows('b'), fine)
    await pass(1)
    expect([held.length, hasEnded]).toEqual([1, false])
    held[0]?.()
    expect(await other).toEqual(STORED)
    expect(await bug).toEqual(new TypeError('a bug'))
  })
})

describe('a shared insert that fails', () => {
  it('tells each the refused rows of its own, and is void for all', async () => {
    const { inserts, store, confirmed } = shared(3)
    const all = [rows('a', 'bad b'), rows('c'), rows('bad d', 'e', 'bad f')].map((part) => inserts.insert(part, fine))
    const refused = (...indexes: number[]) => ({
      isStored: false,
      refused: indexes.map((index) => ({ index, reason: 'unstorable' })),
    })
    expect(await Promise.all(all)).toEqual([refused(1), refused(), refused(0, 2)])
    expect([store.rows, confirmed]).toEqual([[], []])
    const again = [rows('a'), rows('c'), rows('e')].map((part) => inserts.insert(part, fine))
    expect(await Promise.all(again)).toEqual([STORED, STORED, STORED])
    expect(new Set(store.attempts).size).toBe(2)
  })

  it('is in doubt for all, and the next goes on', async () => {
    const { inserts, store, confirmed } = shared(2)
    store.failures = ['after']
    const all = ['a', 'b'].map((text) => failed(inserts.insert(rows(text), fine)))
    const [first, second] = await Promise.all(all)
    expect(first).toEqual(new Unavailable('the answer was lost', { retryAfterMs: 1 }))
    expect(second).toBe(first)
    expect(confirmed).toEqual([])
    const next = ['c', 'd'].map((text) => inserts.insert(rows(text), fine))
    expect(await Promise.all(next)).toEqual([STORED, STORED])
  })
})
