import { describe, expect, it } from 'vitest'
import { Unavailable } from '../schema/errors.ts'
import { untilAvailable } from './until-available.ts'

const LONG_MS = 3_600_000

/** Something outside that is away for so many calls. */
function away(calls: number, retryAfterMs = 0) {
  const made: number[] = []
  const call = async () => {
    made.push(made.length)
    if (made.length <= calls) {
      throw new Unavailable('away', { retryAfterMs })
    }
    return 'there'
  }
  return { call, made }
}

describe('what is waited for', () => {
  const never = new AbortController().signal

  it('is tried until it is there, and told of each time', async () => {
    const { call } = away(3)
    const told: string[] = []
    expect(await untilAvailable(call, never, ({ message }) => told.push(message))).toBe('there')
    expect(told).toEqual(['away', 'away', 'away'])
  })

  it('is tried after the caller’s time when the error says a longer one', async () => {
    const { call, made } = away(1, LONG_MS)
    expect(await untilAvailable(call, never, undefined, 1)).toBe('there')
    expect(made).toHaveLength(2)
  })

  it('is tried once by who was told to stop before, and not again by who is told while it waits', async () => {
    const before = away(9)
    expect(await untilAvailable(before.call, AbortSignal.abort())).toBeUndefined()
    expect(before.made).toHaveLength(1)
    const meanwhile = away(1, LONG_MS)
    const stop = new AbortController()
    const tried = untilAvailable(meanwhile.call, stop.signal, () => setImmediate(() => stop.abort()))
    expect(await tried).toBeUndefined()
    expect(meanwhile.made).toHaveLength(1)
  })

  it('throws what is not about being away', async () => {
    const bug = async () => {
      throw new TypeError('bug')
    }
    await expect(untilAvailable(bug, never)).rejects.toThrow(TypeError)
  })
})
