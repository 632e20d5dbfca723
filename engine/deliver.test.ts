import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Sink } from '../alerts/sinks/sink.ts'
import type { DeadLetter } from '../schema/dead-letter.ts'
import { Rejected, Unavailable } from '../schema/errors.ts'
import { idOf } from '../schema/ids.ts'
import { committing } from '../test/committing.ts'
import { exampleNotice } from '../test/example-alert.ts'
import type { Bus } from './bus/bus.ts'
import { openEmbeddedBus } from './bus/embedded.ts'
import { runDelivery } from './deliver.ts'
import { decode, noticeRecord } from './records.ts'

let directory: string
let bus: Bus
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'telltale-deliver-'))
  bus = await openEmbeddedBus({ directory, sync: false })
})
afterEach(async () => {
  await bus.close()
  await rm(directory, { recursive: true })
})

/** A destination that answers as told, and remembers what it took. */
function destination(answer: (noticeId: string, attempt: number) => unknown): Sink & { readonly taken: string[] } {
  const taken: string[] = []
  const attempts = new Map<string, number>()
  return {
    name: 'siem',
    taken,
    write: async ({ notice_id }) => {
      const attempt = (attempts.get(notice_id) ?? 0) + 1
      attempts.set(notice_id, attempt)
      const error = answer(notice_id, attempt)
      if (error !== undefined) {
        throw error
      }
      taken.push(notice_id)
    },
  }
}

/** Delivers with a clock that stands still except when it is moved, until `done`. */
async function deliverUntil(sink: Sink, done: () => boolean, clock = { ms: 0 }): Promise<void> {
  const stop = new AbortController()
  const running = runDelivery({ bus, sink, signal: stop.signal, now: () => clock.ms })
  while (!done()) {
    clock.ms += 60_000
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  stop.abort()
  await running
}

const append = (...numbers: readonly number[]) =>
  bus.append(
    'alerts',
    numbers.map((n) => noticeRecord(exampleNotice(n))),
  )
const id = (n: number) => exampleNotice(n).notice_id

async function deadLetters(): Promise<DeadLetter[]> {
  const letters: DeadLetter[] = []
  const stop = new AbortController()
  await bus.consume(
    { group: 'test', topic: 'dead_letters' },
    async (assignment) => {
      for (const { value } of await assignment.read({ maxRecords: 1000, waitMs: 50 })) {
        letters.push(decode(value))
      }
      stop.abort()
    },
    stop.signal,
  )
  return letters
}

it('tells how it stands for each partition, until that is delivered here no longer', async () => {
  const stop = new AbortController()
  const told: unknown[] = []
  await append(1)
  const sink = destination(() => new Unavailable('down'))
  await runDelivery({
    bus,
    sink,
    signal: stop.signal,
    now: () => 0,
    onState: (name, partition, state) => {
      told.push([name, partition, state?.pending])
      stop.abort()
    },
  })
  expect(told).toEqual([
    ['siem', 0, 1],
    ['siem', 0, undefined],
  ])
})

describe('runDelivery', () => {
  it('delivers every notice once when all goes well', async () => {
    const sink = destination(() => undefined)
    await append(1, 2, 3)
    await deliverUntil(sink, () => sink.taken.length === 3)
    expect(new Set(sink.taken)).toEqual(new Set([id(1), id(2), id(3)]))
  })

  it('tries again what was refused for now', async () => {
    const sink = destination((_notice, attempt) => (attempt < 4 ? new Unavailable('503') : undefined))
    await append(1, 2)
    await deliverUntil(sink, () => sink.taken.length === 2)
    expect(await deadLetters()).toEqual([])
  })

  it('writes a dead letter for what is refused for good, and goes on', async () => {
    const sink = destination((notice) => (notice === id(1) ? new Rejected('http-422', 'no') : undefined))
    const notice = exampleNotice(1, { tenant_id: 'tenant-1' })
    await bus.append('alerts', [noticeRecord(notice)])
    await append(2)
    await deliverUntil(sink, () => sink.taken.length === 1)
    expect(sink.taken).toEqual([id(2)])
    const value_base64 = Buffer.from(JSON.stringify(notice)).toString('base64')
    const { key } = noticeRecord(notice)
    expect(await deadLetters()).toEqual([
      {
        letter_id: idOf('deliver', 'siem', undefined, undefined, undefined, key, value_base64),
        tenant_id: 'tenant-1',
        time_ms: expect.any(Number),
        ...{ stage: 'deliver', reason: 'http-422', detail: 'no', sink: 'siem', attempts: 1 },
        ...{ alert_id: notice.alert.alert_id, key, value_base64 },
      },
    ])
  })

  it('writes a dead letter for what is not a notice', async () => {
    const sink = destination(() => undefined)
    const { tenant_id: _, ...ofNobody } = exampleNotice(2).alert
    const texts = ['{"notice_id": 1}', JSON.stringify({ ...exampleNotice(2), alert: ofNobody })]
    await bus.append(
      'alerts',
      texts.map((text) => ({ key: 'tenant-1\u001fk', value: Buffer.from(text) })),
    )
    await append(1)
    await deliverUntil(sink, () => sink.taken.length === 1)
    const about = { tenant_id: 'tenant-1', stage: 'deliver', reason: 'invalid-notice', sink: 'siem', topic: 'alerts' }
    expect(await deadLetters()).toMatchObject(
      texts.map((text, offset) => ({ ...about, offset, value_base64: Buffer.from(text).toString('base64') })),
    )
  })

  it('goes on after a restart where it was: what is pending is tried, what was taken is not sent again', async () => {
    const first = destination((notice) => (notice === id(2) ? new Unavailable('503') : undefined))
    await append(1, 2, 3)
    await deliverUntil(first, () => first.taken.length === 2)
    const second = destination(() => undefined)
    await deliverUntil(second, () => second.taken.length === 1, { ms: 10_000_000 })
    expect(second.taken).toEqual([id(2)])
  })

  it('lets one notice be slow without delaying those behind it', async () => {
    let release = () => {}
    const slow = new Promise<void>((resolve) => {
      release = resolve
    })
    const taken: string[] = []
    const sink: Sink = {
      name: 'siem',
      write: async ({ notice_id }) => {
        await (notice_id === id(1) ? slow : undefined)
        taken.push(notice_id)
        if (taken.length === 29) {
          release()
        }
      },
    }
    const numbers = Array.from({ length: 30 }, (_, n) => n + 1)
    await append(...numbers)
    await deliverUntil(sink, () => taken.length === 30)
    expect(taken.at(-1)).toBe(id(1))
    expect(new Set(taken).size).toBe(30)
  })

  it('does not send again what was accepted while it was told to stop', async () => {
    const stop = new AbortController()
    const sink: Sink = {
      name: 'siem',
      write: async () => {
        stop.abort()
        await new Promise((resolve) => setTimeout(resolve, 20))
      },
    }
    await append(1)
    await runDelivery({ bus, sink, signal: stop.signal, now: () => 0 })
    const later = destination(() => undefined)
    await append(2)
    await deliverUntil(later, () => later.taken.length > 0, { ms: 10_000_000 })
    expect(later.taken).toEqual([id(2)])
  })

  it('commits nothing after a commit that it gave up when told to stop', async () => {
    const stop = new AbortController()
    let commits = 0
    // The first passes, and all that come once it was told to stop.
    const refusing = committing(bus, async (assignment, commit) => {
      commits += 1
      if (commits === 1 || stop.signal.aborted) {
        await assignment.commit(commit)
        return
      }
      if (commits > 4) {
        stop.abort()
      }
      throw new Unavailable('the disk is full', { retryAfterMs: 1 })
    })
    const sink: Sink = {
      name: 'siem',
      write: async () => {
        await append(2, 3)
        while (!stop.signal.aborted) {
          await new Promise((resolve) => setTimeout(resolve, 1))
        }
      },
    }
    await append(1)
    await runDelivery({ bus: refusing, sink, signal: stop.signal, now: () => 0 })
    const later = destination(() => undefined)
    await deliverUntil(later, () => later.taken.length === 3, { ms: 10_000_000 })
    expect(new Set(later.taken)).toEqual(new Set([id(1), id(2), id(3)]))
  })

  it('lets one sink hang without delaying another', async () => {
    const stop = new AbortController()
    const hanging: Sink = {
      name: 'hanging',
      write: (_notice, signal) =>
        new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Unavailable('stopped')))),
    }
    const stuck = runDelivery({ bus, sink: hanging, signal: stop.signal, now: () => 0 })
    const sink = destination(() => undefined)
    await append(1, 2, 3)
    await deliverUntil(sink, () => sink.taken.length === 3)
    stop.abort()
    await stuck
  })

  it('ends with the error when a sink has a bug', async () => {
    const sink = destination(() => new TypeError('bug'))
    await append(1)
    const running = runDelivery({ bus, sink, signal: new AbortController().signal, now: () => 0 })
    await expect(running).rejects.toThrow('bug')
  })
})
