import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { Unavailable } from '../../../schema/errors.ts'
import { Telling } from './telling.ts'

/** A group that answers when the test says so. */
function group() {
  const words: { readonly offsets: Record<number, number>; readonly answer: (isTaken: boolean) => Promise<void> }[] = []
  const telling = new Telling((offsets) => {
    return new Promise((resolve, reject) => {
      words.push({
        offsets: Object.fromEntries(offsets),
        answer: async (isTaken) => {
          isTaken ? resolve() : reject(new Unavailable('no answer'))
          await turn()
        },
      })
    })
  })
  return { telling, words, said: () => words.map(({ offsets }) => offsets) }
}

describe('how far partitions are', () => {
  it('is told once, the newest of each, and nothing when there is nothing new', async () => {
    const { telling, words, said } = group()
    await telling.tell()
    telling.reach(1, 10)
    telling.reach(1, 11)
    telling.reach(2, 20)
    const told = telling.tell()
    await words[0]?.answer(true)
    await told
    await telling.tell()
    expect(said()).toEqual([{ 1: 11, 2: 20 }])
  })

  it('is never told in an older word behind a newer one', async () => {
    const { telling, words, said } = group()
    telling.reach(1, 10)
    void telling.tell()
    telling.reach(1, 11)
    void telling.tell()
    expect(said()).toEqual([{ 1: 10 }])
    await words[0]?.answer(false)
    void telling.tell()
    await words[1]?.answer(true)
    await telling.tell()
    expect(said()).toEqual([{ 1: 10 }, { 1: 11 }])
  })

  it('is told again when the group did not take it, as long as the partition is owned here', async () => {
    const { telling, words, said } = group()
    telling.reach(1, 10)
    telling.reach(2, 20)
    void telling.tell()
    telling.leave(2, true)
    await words[0]?.answer(false)
    void telling.tell()
    expect(said().slice(1)).toEqual([{ 1: 10 }])
  })

  it('is the next owner’s to tell once the partition is lost, but not when we stop', async () => {
    const { telling, words, said } = group()
    telling.reach(1, 10)
    telling.reach(2, 20)
    telling.leave(1, true)
    telling.leave(2, false)
    const last = telling.tellAll()
    await turn()
    await words[0]?.answer(true)
    await last
    expect(said()).toEqual([{ 2: 20 }])
    expect(telling.reached.size).toBe(0)
  })
})
