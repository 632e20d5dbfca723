import { createRequire } from 'node:module'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import './kafkajs.ts'

interface Queue {
  pending: unknown[]
  throttledUntil: number
  checkPendingRequests(): void
  destroy(): void
}

const RequestQueue = createRequire(import.meta.url)('kafkajs/src/network/requestQueue') as new (
  options: object,
) => Queue

describe('a connection of kafkajs', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  function open(): { readonly queue: Queue; readonly looks: () => number } {
    const logger = { debug: () => undefined, warn: () => undefined }
    const queue = new RequestQueue({
      clientId: 'c',
      broker: 'b',
      logger,
      requestTimeout: 1000,
      isConnected: () => true,
    })
    let looks = 0
    const look = queue.checkPendingRequests.bind(queue)
    queue.checkPendingRequests = () => {
      looks += 1
      look()
    }
    return { queue, looks: () => looks }
  }

  it('does not wake up while nothing waits', () => {
    const { queue, looks } = open()
    queue.checkPendingRequests()
    vi.advanceTimersByTime(10_000)
    expect(looks()).toBe(1)
    queue.destroy()
  })

  it('looks again when the broker has throttled it', () => {
    const { queue, looks } = open()
    queue.throttledUntil = Date.now() + 100
    queue.checkPendingRequests()
    vi.advanceTimersByTime(99)
    expect(looks()).toBe(1)
    vi.advanceTimersByTime(10)
    expect(looks()).toBe(2)
    queue.destroy()
  })
})
