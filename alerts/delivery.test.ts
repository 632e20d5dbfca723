import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Rejected, Unavailable } from '../schema/errors.ts'
import { exampleNotice } from '../test/example-alert.ts'
import { type DeliveryQueue, deliveryQueue, type GivenUp, RETRY_DELAYS_MS } from './delivery.ts'

const HOUR_MS = 3_600_000
const down = new Unavailable('the receiver answered 503')

/** Runs the queue in simulated time until it is empty; the receiver decides about each attempt. */
function drain(queue: DeliveryQueue, receive: (noticeId: string, nowMs: number) => unknown, startMs = 0) {
  const letters: GivenUp[] = []
  const attempts: { noticeId: string; atMs: number }[] = []
  let nowMs = startMs
  while (queue.size > 0) {
    for (const notice of queue.start(nowMs, 8)) {
      attempts.push({ noticeId: notice.notice_id, atMs: nowMs })
      const error = receive(notice.notice_id, nowMs)
      if (error === undefined) {
        queue.accepted(notice.notice_id)
      } else {
        const letter = queue.failed(notice.notice_id, error, nowMs)
        letters.push(...(letter === undefined ? [] : [letter]))
      }
    }
    const nextMs = queue.nextMs()
    if (nextMs !== undefined) {
      nowMs = Math.max(nowMs, nextMs)
    }
  }
  return { letters, attempts, endMs: nowMs }
}

/** A queue restored from what the changes of another would have left in the state. */
function restarted(queue: DeliveryQueue, store: Map<string, Uint8Array>): DeliveryQueue {
  for (const { key, value } of queue.changes()) {
    if (value === undefined) {
      store.delete(key)
    } else {
      store.set(key, value)
    }
  }
  return deliveryQueue([...store].map(([key, value]) => ({ key, value })))
}

describe('deliveryQueue', () => {
  it('hands out a new notice at once', () => {
    const queue = deliveryQueue([])
    queue.add(exampleNotice(1), 500)
    expect(queue.nextMs()).toBe(500)
    expect(queue.start(500, 8)).toHaveLength(1)
  })

  it('tries for about three days, then gives a dead letter with the last error', () => {
    const queue = deliveryQueue([])
    queue.add(exampleNotice(1), 0)
    const { letters, attempts, endMs } = drain(queue, () => down)
    expect(attempts).toHaveLength(RETRY_DELAYS_MS.length + 1)
    expect(letters).toMatchObject([{ reason: 'attempts-exhausted', detail: down.message, attempts: attempts.length }])
    expect(endMs / HOUR_MS).toBeGreaterThan(60)
    expect(endMs / HOUR_MS).toBeLessThan(95)
  })

  it('spreads retries of different notices, the same way every time', () => {
    const times = [1, 2].map((n) => {
      const queue = deliveryQueue([])
      queue.add(exampleNotice(n), 0)
      return drain(queue, () => down).attempts.map(({ atMs }) => atMs)
    })
    expect(times[0]).not.toEqual(times[1])
    const queue = deliveryQueue([])
    queue.add(exampleNotice(1), 0)
    expect(drain(queue, () => down).attempts.map(({ atMs }) => atMs)).toEqual(times[0])
  })

  it('waits at least as long as the receiver asked, but never longer than a day', () => {
    for (const [asked, least, most] of [
      [60_000, 60_000, 60_000],
      [10 * 24 * HOUR_MS, 24 * HOUR_MS, 24 * HOUR_MS],
    ] as const) {
      const queue = deliveryQueue([])
      queue.add(exampleNotice(1), 0)
      queue.failed(exampleNotice(1).notice_id, new Unavailable('429', { retryAfterMs: asked }), 0)
      expect(queue.nextMs()).toBeGreaterThanOrEqual(least)
      expect(queue.nextMs()).toBeLessThanOrEqual(most)
    }
  })

  it('makes a dead letter of what is refused for good, at once', () => {
    const queue = deliveryQueue([])
    queue.add(exampleNotice(1), 0)
    expect(queue.failed(exampleNotice(1).notice_id, new Rejected('http-422', 'no'), 0)).toMatchObject({
      reason: 'http-422',
      attempts: 1,
    })
    expect(queue.size).toBe(0)
  })

  it('keeps the order of one alert: an update waits for what came before it', () => {
    const created = exampleNotice(1)
    const updated = exampleNotice(1, {}, 'alert.updated')
    const queue = deliveryQueue([])
    queue.add(created, 0)
    queue.add(updated, 0)
    expect(queue.start(0, 8)).toEqual([created])
    queue.failed(created.notice_id, down, 0)
    expect(queue.start(0, 8)).toEqual([])
    queue.accepted(created.notice_id)
    expect(queue.start(0, 8)).toEqual([updated])
  })

  it('sends only a probe while the sink is down, and all again once one is accepted', () => {
    const queue = deliveryQueue([])
    for (let n = 0; n < 20; n += 1) {
      queue.add(exampleNotice(n), 0)
    }
    for (const notice of queue.start(0, 8)) {
      queue.failed(notice.notice_id, down, 0)
    }
    expect(queue.isDown).toBe(true)
    expect(queue.start(0, 8)).toHaveLength(0)
    const [probe, ...others] = queue.start(120_000, 8)
    expect(others).toHaveLength(0)
    expect(queue.start(120_000, 8)).toEqual([])
    expect(queue.nextMs()).toBeUndefined()
    queue.accepted(probe?.notice_id ?? '')
    expect(queue.isDown).toBe(false)
    expect(queue.start(120_000, 8)).toHaveLength(8)
  })

  it('forgets nothing over a restart at any point', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ ok: fc.boolean(), restart: fc.boolean() }), { maxLength: 60 }),
        fc.integer({ min: 1, max: 12 }),
        (script, count) => {
          const store = new Map<string, Uint8Array>()
          let queue = deliveryQueue([])
          const left = new Set<string>()
          for (let n = 0; n < count; n += 1) {
            queue.add(exampleNotice(n), 0)
            left.add(exampleNotice(n).notice_id)
          }
          let nowMs = 0
          for (const { ok, restart } of script) {
            if (restart) {
              queue = restarted(queue, store)
            }
            nowMs = Math.max(nowMs, queue.nextMs() ?? 0)
            for (const { notice_id } of queue.start(nowMs, 1)) {
              if (ok) {
                queue.accepted(notice_id)
                left.delete(notice_id)
              } else if (queue.failed(notice_id, down, nowMs) !== undefined) {
                left.delete(notice_id)
              }
            }
          }
          expect(restarted(queue, store).size).toBe(left.size)
        },
      ),
    )
  })

  it('ends every one of 10,000 notices, delivered or dead, with a receiver that fails half the time', () => {
    const delivered = new Set<string>()
    const letters: GivenUp[] = []
    let turn = 0
    const receive = (noticeId: string) => {
      turn = (turn * 1_103_515_245 + 12_345) % 2_147_483_648
      if (turn % 100 < 2) {
        return new Rejected('http-400', 'no')
      }
      if (turn % 2 === 0) {
        return down
      }
      delivered.add(noticeId)
      return undefined
    }
    for (let block = 0; block < 20; block += 1) {
      const queue = deliveryQueue([])
      for (let n = 0; n < 500; n += 1) {
        queue.add(exampleNotice(block * 500 + n), 0)
      }
      letters.push(...drain(queue, receive).letters)
    }
    expect(delivered.size + letters.length).toBe(10_000)
    expect(letters.length).toBeGreaterThan(100)
  })
})
