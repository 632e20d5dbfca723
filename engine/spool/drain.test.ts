import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Unavailable } from '../../schema/errors.ts'
import type { Assignment, StoredRecord } from '../bus/bus.ts'
import { type DrainOptions, drain } from './drain.ts'
import { FlakyRemote } from './flaky-remote.contract.ts'
import { SpoolLog } from './log.ts'
import { spooled } from './spooled-record.ts'

let directory: string
let log: SpoolLog

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'telltale-drain-'))
  log = await SpoolLog.open({ directory, maxBytes: 1000, now: () => 0, onChange: () => undefined })
})

afterEach(async () => {
  await log.close()
  rmSync(directory, { recursive: true, force: true })
})

function options(remote: FlakyRemote, onEmpty: () => void): DrainOptions {
  return {
    log,
    remote,
    isSpooling: () => true,
    onBegun: () => undefined,
    onAway: () => undefined,
    onNearlyEmpty: () => undefined,
    onEmpty,
  }
}

/** Drains what each of these reads finds, and answers after which of them, counted from 1, the log was empty. */
async function emptyAfter(reads: readonly (() => Promise<readonly StoredRecord[]>)[]): Promise<readonly number[]> {
  const stop = new AbortController()
  const emptied: number[] = []
  let count = 0
  const read = async (): Promise<readonly StoredRecord[]> => {
    count += 1
    if (count === reads.length) {
      stop.abort()
    }
    return (await reads[count - 1]?.()) ?? []
  }
  const assignment = { read, commit: async () => undefined } as unknown as Assignment
  await drain(
    assignment,
    stop.signal,
    options(new FlakyRemote(), () => emptied.push(count)),
  )
  return emptied
}

const nothing = async (): Promise<readonly StoredRecord[]> => []

describe('a log in which a read finds nothing', () => {
  test('is empty when nothing was on its way to it', async () => {
    expect(await emptyAfter([nothing, nothing])).toEqual([1, 2])
  })

  test('is not when an append began before the read, or during it, though it may have ended meanwhile', async () => {
    let append = log.append('fragments', [{ key: 'a', value: Buffer.from('before the read') }])
    const reads = [
      async () => {
        await append
        return []
      },
      async () => {
        append = log.append('fragments', [{ key: 'a', value: Buffer.from('during the read') }])
        await append
        return []
      },
      nothing,
    ]
    expect(await emptyAfter(reads)).toEqual([3])
  })
})

describe('a disk that refuses to note what was drained', () => {
  test('gets no appends until it does, and nothing is sent again', async () => {
    const stop = new AbortController()
    const remote = new FlakyRemote()
    const full = new Unavailable('the disk refused a write', { retryAfterMs: 1 })
    const append = () => log.append('fragments', [{ key: 'a', value: Buffer.from('1') }])
    const record = { offset: 0, ...spooled('fragments', 0, { key: 'a', value: Buffer.from('0') }) }
    const meanwhile: unknown[] = []
    let isRefused = false
    const commit = async (): Promise<void> => {
      if (isRefused) {
        meanwhile.push(await append().catch((error: unknown) => error))
        stop.abort()
        return
      }
      isRefused = true
      throw full
    }
    await drain(
      { read: async () => [record], commit } as unknown as Assignment,
      stop.signal,
      options(remote, () => undefined),
    )
    expect(meanwhile).toEqual([full])
    expect(remote.appends).toEqual([1])
    await append()
  })
})
