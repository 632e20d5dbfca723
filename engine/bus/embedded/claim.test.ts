import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Misconfigured } from '../../../schema/errors.ts'
import { openEmbeddedBus } from '../embedded.ts'
import { embeddedBench } from './embedded-bench.contract.ts'

const { newDirectory, openBus, closeBus } = embeddedBench()

describe('one process per directory', () => {
  test('a second bus on the same directory is refused, naming directory and process', async () => {
    const directory = newDirectory()
    await openBus({ directory })
    const second = openEmbeddedBus({ directory })
    await expect(second).rejects.toThrow(Misconfigured)
    await expect(second).rejects.toThrow(`${directory}: the data directory is in use by process ${process.pid}`)
  })

  test('a second process is refused, until the first is gone, however it ended', async () => {
    const directory = newDirectory()
    mkdirSync(join(directory, 'owner'), { recursive: true })
    const holder = await holdClaim(directory)
    await expect(openEmbeddedBus({ directory })).rejects.toThrow(`in use by process ${holder.pid}`)
    holder.kill('SIGKILL')
    await once(holder, 'close')
    await openBus({ directory })
  })

  test('is free again after close', async () => {
    const directory = newDirectory()
    await closeBus(await openBus({ directory }))
    await openBus({ directory })
  })

  test('another number of partitions is refused: state lives in the partition of its key', async () => {
    const directory = newDirectory()
    await closeBus(await openBus({ directory, partitions: 2 }))
    await expect(openEmbeddedBus({ directory, partitions: 3 })).rejects.toThrow(
      'the data directory has 2 partitions per topic, and 3 are configured',
    )
    await openBus({ directory, partitions: 2 })
  })
})

/** A process that holds the directory's claim as a bus does, without needing to be compiled. */
async function holdClaim(directory: string) {
  const script = `
    const { open } = await import(process.argv[1])
    const environment = open({ path: process.argv[2], noSubdir: false, overlappingSync: false })
    globalThis.slot = environment.useReadTransaction()
    environment.get('owner', { transaction: globalThis.slot })
    console.log('held')
    setInterval(() => {}, 1000)`
  const args = ['--input-type=module', '-e', script, import.meta.resolve('lmdb'), join(directory, 'owner')]
  const holder = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(holder.stdout, 'data')
  return holder
}
