import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Assignment, StoredRecord } from '../bus/bus.ts'
import { drain } from './drain.ts'
import { FlakyRemote } from './flaky-remote.contract.ts'
import { SpoolLog } from './log.ts'

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
  await drain(assignment, stop.signal, {
    log,
    remote: new FlakyRemote(),
    isSpooling: () => true,
    onBegun: () => undefined,
    onAway: () => undefined,
    onNearlyEmpty: () => undefined,
    onEmpty: () => emptied.push(count),
  })
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
