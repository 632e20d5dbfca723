import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Misconfigured, Rejected, Unavailable } from '../schema/errors.ts'
import { WatchedSpool } from './spool/watched-spool.contract.ts'
import { openSpool } from './spool.ts'

let watched: WatchedSpool

beforeEach(() => {
  watched = new WatchedSpool()
})

afterEach(() => watched.end())

describe('while the bus takes records', () => {
  test('they go straight to it, and nothing goes to disk', async () => {
    await watched.open()
    await Promise.all([watched.append('a', '1', '2'), watched.append('b', '3')])
    await watched.append('a', '4')
    expect(watched.remote.landed).toEqual(['fragments a 1', 'fragments a 2', 'fragments b 3', 'fragments a 4'])
    expect(watched.remote.appends).toEqual([2, 1, 1])
    expect(watched.states.filter(({ isSpooling, bytes }) => isSpooling || bytes > 0)).toEqual([])
  })

  test('what it rejects is the business of who appends', async () => {
    await watched.open()
    watched.remote.rejected = 'a'
    await expect(watched.append('a', '1')).rejects.toBeInstanceOf(Rejected)
    expect(watched.spool.state.isSpooling).toBe(false)
  })
})

describe('while the bus is away', () => {
  test('records are acknowledged when they are on disk, and the state says how much waits since when and why', async () => {
    await watched.open({ now: () => 1_700_000_000_000 })
    watched.remote.mood = 'down'
    await watched.append('a', '1', '2')
    await watched.append('a', '3')
    expect(watched.remote.landed).toEqual([])
    expect(watched.spool.state).toEqual({
      isSpooling: true,
      records: 3,
      bytes: 3 * (8 + 'fragments 1700000000000 a'.length + 1),
      oldestMs: 1_700_000_000_000,
      reason: 'the broker is down',
    })
  })

  test('a bus that does not answer holds nobody for longer than the deadline', async () => {
    await watched.open({ deadlineMs: 20 })
    watched.remote.mood = 'frozen'
    await watched.append('a', '1')
    expect(watched.remote.frozen).toBeGreaterThan(0)
    expect(watched.spool.state).toMatchObject({ isSpooling: true, records: 1, reason: 'no answer within 20 ms' })
  })

  test('what is under way when one of them fails is spooled with it, in the order of the calls', async () => {
    await watched.open({ deadlineMs: 60_000 })
    watched.remote.mood = 'frozen'
    const calls = [watched.append('a', '1'), watched.append('b', '2'), watched.append('a', '3')]
    watched.remote.mood = 'down'
    calls.push(watched.append('a', '4'))
    await Promise.all(calls)
    watched.remote.mood = 'up'
    await watched.drained()
    expect(watched.remote.first).toEqual(['fragments a 1', 'fragments b 2', 'fragments a 3', 'fragments a 4'])
  })

  test('one that lands late lands beside its copy, and before what came after it', async () => {
    await watched.open({ deadlineMs: 20 })
    watched.remote.mood = 'frozen'
    await watched.append('a', '1')
    await watched.append('a', '2')
    watched.remote.thaw(true)
    await watched.drained()
    await watched.append('a', '3')
    expect(watched.remote.landed).toEqual(
      // The first is the one that was given up on, or the copy; whichever it is, the other one is a repeat.
      expect.arrayContaining(['fragments a 1', 'fragments a 1', 'fragments a 2', 'fragments a 3']),
    )
    expect(watched.remote.first).toEqual(['fragments a 1', 'fragments a 2', 'fragments a 3'])
  })

  test('what the bus took in part before it failed is repeated whole', async () => {
    await watched.open()
    watched.remote.mood = 'half'
    await watched.spool.append('fragments', [
      { key: 'b', value: Buffer.from('taken') },
      { key: 'a', value: Buffer.from('not taken') },
    ])
    watched.remote.mood = 'up'
    await watched.drained()
    expect(watched.remote.landed.slice(-2)).toEqual(['fragments b taken', 'fragments a not taken'])
  })

  test('topics, keys and bytes come out of the log as they went in', async () => {
    await watched.open()
    watched.remote.mood = 'down'
    const hostile = ['', ' ', 'events 0 a', '__proto__', 'a b\n c', '😀']
    for (const key of hostile) {
      await watched.spool.append('alerts', [{ key, value: Buffer.from(`of ${key}`) }])
    }
    await watched.spool.append('fragments', [{ key: 'a', value: Buffer.alloc(0) }])
    watched.remote.mood = 'up'
    await watched.drained()
    expect(watched.remote.first).toEqual([...hostile.map((key) => `alerts ${key} of ${key}`), 'fragments a '])
  })

  test('more bytes than may be without an answer count as no answer', async () => {
    await watched.open({ deadlineMs: 60_000, maxUnderWayBytes: 1000 })
    watched.remote.mood = 'frozen'
    await Promise.all(Array.from({ length: 11 }, () => watched.append('a', 'x'.repeat(91))))
    expect(watched.spool.state).toMatchObject({ isSpooling: true, records: 11, reason: '1000 bytes are not answered' })
  })
})

describe('when the bus is back', () => {
  test('what waits is drained in large batches before anything goes straight, even under steady clients', async () => {
    await watched.open({ deadlineMs: 60_000 })
    watched.remote.mood = 'down'
    const numbers = Array.from({ length: 8 }, () => 0)
    let isOver = false
    const client = async (index: number): Promise<void> => {
      while (!isOver) {
        numbers[index] = (numbers[index] ?? 0) + 1
        await watched.append(`${index}`, `${numbers[index]}`)
      }
    }
    const clients = numbers.map((_, index) => client(index))
    await watched.when(({ records }) => records > 500)
    const before = watched.remote.appends.length
    watched.remote.mood = 'up'
    await watched.drained()
    isOver = true
    await Promise.all(clients)
    expect(Math.max(...watched.remote.appends.slice(before))).toBeGreaterThan(500)
    for (const [index, count] of numbers.entries()) {
      const values = watched.remote.first.filter((record) => record.startsWith(`fragments ${index} `))
      expect(values).toEqual(Array.from({ length: count }, (_, number) => `fragments ${index} ${number + 1}`))
    }
    expect(watched.spool.state).toEqual({
      isSpooling: false,
      records: 0,
      bytes: 0,
      oldestMs: undefined,
      reason: undefined,
    })
  })

  test('a bus that freezes at the end of a drain holds nobody for longer than the deadline', async () => {
    await watched.open({ deadlineMs: 20 })
    watched.remote.mood = 'down'
    await watched.append('a', '1')
    watched.remote.mood = 'up'
    await watched.when(({ records }) => records === 0)
    watched.remote.mood = 'frozen'
    await watched.append('a', '2')
    await watched.append('a', '3')
    expect(watched.spool.state).toMatchObject({ isSpooling: true, records: 2 })
  })

  test('the room in the log is free again, and used again', async () => {
    await watched.open({ maxBytes: 100_000 })
    const sizes: number[] = []
    for (let outage = 0; outage < 10; outage += 1) {
      watched.remote.mood = 'down'
      for (let number = 0; number < 6; number += 1) {
        await watched.append('a', `${outage} ${number} ${'x'.repeat(10_000)}`)
      }
      watched.remote.mood = 'up'
      await watched.drained()
      sizes.push(statSync(join(watched.directory, 'data.mdb')).size)
    }
    expect(watched.remote.first).toHaveLength(60)
    expect(sizes.at(-1)).toBeLessThan(2.5 * (sizes[0] ?? 0))
  })
})

describe('a spool that is full', () => {
  test('refuses with the time to come back, loses nothing, and takes records again once it is drained', async () => {
    await watched.open({ maxBytes: 1000 })
    watched.remote.mood = 'down'
    const taken: string[] = []
    let refusal: unknown
    for (let number = 0; refusal === undefined && number < 100; number += 1) {
      await watched.append('a', `${number}`).then(
        () => taken.push(`fragments a ${number}`),
        (error: unknown) => {
          refusal = error
        },
      )
    }
    expect(refusal).toBeInstanceOf(Unavailable)
    expect(refusal).toMatchObject({ message: expect.stringContaining('the spool is full'), retryAfterMs: 5000 })
    expect(taken.length).toBeGreaterThan(20)
    expect(Math.max(...watched.states.map(({ bytes }) => bytes))).toBeLessThanOrEqual(1000)
    watched.remote.mood = 'up'
    await watched.drained()
    await watched.append('a', 'after')
    expect(watched.remote.first).toEqual([...taken, 'fragments a after'])
  })
})

describe('a restart', () => {
  test('drains what it finds before anything goes straight, and knows how much and since when', async () => {
    const first = await watched.open({ now: () => 1000 })
    watched.remote.mood = 'down'
    await watched.append('a', '1')
    await watched.append('a', '2')
    expect(await first.close(0)).toMatchObject({ isSpooling: true, records: 2, oldestMs: 1000 })
    const second = await watched.open({ now: () => 2000 })
    expect(second.state).toMatchObject({ isSpooling: true, records: 2, oldestMs: 1000 })
    expect(second.state.bytes).toBeGreaterThan(0)
    await watched.append('a', '3')
    watched.remote.mood = 'up'
    await watched.drained()
    await watched.append('a', '4')
    expect(watched.remote.first).toEqual([1, 2, 3, 4].map((value) => `fragments a ${value}`))
  })

  test('finds nothing after a drain', async () => {
    const first = await watched.open()
    watched.remote.mood = 'down'
    await watched.append('a', '1')
    watched.remote.mood = 'up'
    await watched.drained()
    await first.close(1000)
    const landed = watched.remote.landed.length
    const second = await watched.open()
    expect(second.state).toMatchObject({ isSpooling: false, records: 0, bytes: 0 })
    await watched.append('a', '2')
    expect(watched.remote.landed.slice(landed)).toEqual(['fragments a 2'])
  })
})

describe('closing', () => {
  test('drains what it can within the time', async () => {
    const spool = await watched.open()
    watched.remote.mood = 'down'
    await watched.append('a', '1')
    const closed = spool.close(60_000)
    watched.remote.mood = 'up'
    expect(await closed).toMatchObject({ isSpooling: false, records: 0 })
    expect(watched.remote.first).toEqual(['fragments a 1'])
  })

  test('keeps on disk what a frozen bus did not answer, acknowledges it, and says how much is left', async () => {
    const spool = await watched.open({ deadlineMs: 60_000 })
    watched.remote.mood = 'frozen'
    const call = watched.append('a', '1', '2')
    expect(await spool.close(0)).toMatchObject({ isSpooling: true, records: 2 })
    await call
  })

  test('refuses what comes after it', async () => {
    const spool = await watched.open()
    await spool.close(0)
    await expect(watched.append('a', '1')).rejects.toBeInstanceOf(Unavailable)
  })
})

describe('what cannot be helped', () => {
  test('a directory that is in use is told at the start', async () => {
    await watched.open()
    const second = openSpool({ directory: watched.directory, remote: watched.remote })
    await expect(second).rejects.toBeInstanceOf(Misconfigured)
  })

  test('a log that is damaged fails the start, and says what and where', async () => {
    const spool = await watched.open()
    watched.remote.mood = 'down'
    await watched.append('a', 'to be damaged')
    await spool.close(0)
    const file = join(watched.directory, 'data.mdb')
    const bytes = readFileSync(file)
    for (let at = bytes.indexOf('to be damaged'); at >= 0; at = bytes.indexOf('to be damaged', at)) {
      bytes.write('TO', at)
    }
    writeFileSync(file, bytes)
    await expect(watched.open()).rejects.toThrow(/the bus is damaged: fragments\/0.*checksum/)
  })

  test('a record that the bus rejects after all is kept, and those before it go on; the state says why', async () => {
    await watched.open()
    watched.remote.mood = 'down'
    for (const key of ['a', 'b', 'c', 'd', 'e']) {
      await watched.append(key, '1')
    }
    watched.remote.rejected = 'd'
    watched.remote.mood = 'up'
    await watched.when(({ reason }) => reason === 'more than the topic takes at once')
    expect(watched.remote.first).toEqual(['fragments a 1', 'fragments b 1', 'fragments c 1'])
    await watched.append('f', '1')
    await watched.spool.close(0)
    // The operator lets it in.
    watched.remote.rejected = undefined
    await watched.open()
    await watched.drained()
    expect(watched.remote.first).toEqual(['a', 'b', 'c', 'd', 'e', 'f'].map((key) => `fragments ${key} 1`))
  })

  test('a bug of the bus while draining is told, and what waits stays on disk', async () => {
    const spool = await watched.open()
    watched.remote.mood = 'down'
    await watched.append('a', '1')
    watched.remote.bug = new Error('a bug')
    await expect(spool.failed).rejects.toBe(watched.remote.bug)
    await spool.close(0)
    watched.remote.bug = undefined
    watched.remote.mood = 'up'
    await watched.open()
    await watched.drained()
    expect(watched.remote.first).toEqual(['fragments a 1'])
  })
})
