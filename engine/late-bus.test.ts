import { describe, expect, it } from 'vitest'
import { Misconfigured, Unavailable } from '../schema/errors.ts'
import type { Bus } from './bus/bus.ts'
import { openLate } from './late-bus.ts'

const away = () => new Unavailable('no broker answers', { retryAfterMs: 1 })
const refused = () => new Misconfigured([{ file: 'bus.kafka', message: 'may not be read by us' }])

/** A bus that remembers what was asked of it. */
function there() {
  const asked: string[] = []
  const bus: Bus = {
    append: async (topic) => {
      asked.push(`append ${topic}`)
    },
    consume: async ({ group }) => {
      asked.push(`consume ${group}`)
    },
    lag: async () => [],
    close: async () => {
      asked.push('close')
    },
  }
  return { bus, asked }
}

/** Opens what each attempt gives in turn; the last one for ever. */
const attempts =
  (...results: readonly (Error | Bus)[]) =>
  async (): Promise<Bus> => {
    const [result] = results.length > 1 ? (results as (Error | Bus)[]).splice(0, 1) : results
    if (result instanceof Error) {
      throw result
    }
    return result as Bus
  }

const never = new AbortController().signal
const own = async () => undefined

describe('a bus that is away at the start', () => {
  it('is the bus itself when it is not', async () => {
    const { bus } = there()
    expect(await openLate(attempts(bus), () => undefined)).toBe(bus)
  })

  it('is unavailable until it is there, and then works', async () => {
    const { bus, asked } = there()
    const troubles: string[] = []
    let open: (bus: Bus) => void = () => undefined
    let isFirst = true
    const late = await openLate(
      () => {
        if (isFirst) {
          isFirst = false
          return Promise.reject(away())
        }
        return new Promise((resolve) => {
          open = resolve
        })
      },
      (message) => troubles.push(message),
    )
    await expect(late.append('fragments', [])).rejects.toThrow(Unavailable)
    await expect(late.lag()).rejects.toThrow('no broker answers')
    const consumed = late.consume({ group: 'detect', topic: 'events' }, own, never)
    await expect
      .poll(async () => {
        open(bus)
        return late.lag().catch(() => undefined)
      })
      .toEqual([])
    await consumed
    await late.append('fragments', [])
    await late.close()
    expect(asked).toEqual(['consume detect', 'append fragments', 'close'])
    expect(troubles).toEqual(['no broker answers'])
  })

  it('is tried again although it refuses us then, and says so', async () => {
    const troubles: string[] = []
    const late = await openLate(attempts(away(), refused()), (message) => troubles.push(message))
    await expect.poll(() => troubles).toEqual(['no broker answers', 'bus.kafka: may not be read by us'])
    await expect(late.lag()).rejects.toThrow(Unavailable)
    await late.close()
  })

  it('is no bus at all when it refuses us at once', async () => {
    await expect(openLate(attempts(refused()), () => undefined)).rejects.toThrow(Misconfigured)
  })

  it('can be closed, and stopped being waited for, while it is away', async () => {
    const late = await openLate(attempts(away()), () => undefined)
    const stop = new AbortController()
    const consumed = late.consume({ group: 'detect', topic: 'events' }, own, stop.signal)
    stop.abort()
    await consumed
    await late.close()
  })

  it('gives a bug to whoever uses it', async () => {
    const late = await openLate(attempts(away(), new Error('a bug')), () => undefined)
    await expect(late.consume({ group: 'detect', topic: 'events' }, own, never)).rejects.toThrow('a bug')
    await expect(late.append('events', [])).rejects.toThrow('a bug')
    await late.close()
  })
})
