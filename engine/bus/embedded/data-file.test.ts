import { readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Misconfigured } from '../../../schema/errors.ts'
import { record } from '../consuming.contract.ts'
import { openEmbeddedBus } from '../embedded.ts'
import { embeddedBench, readAll } from './embedded-bench.contract.ts'

const { newDirectory, openBus, closeBus } = embeddedBench()

describe('a damaged data file', () => {
  test.each([
    ['cut short', (file: string) => truncateSync(file, Math.floor(statSync(file).size / 2)), /it is cut short/],
    ['cut by one page', (file: string) => truncateSync(file, statSync(file).size - 4096), /it is cut short/],
    [
      'cut to less than a header',
      (file: string) => truncateSync(file, 100),
      /its header is not that of a Telltale bus/,
    ],
    [
      'another file',
      (file: string) => writeFileSync(file, 'x'.repeat(100_000)),
      /its header is not that of a Telltale bus/,
    ],
    [
      'overwritten at its beginning',
      (file: string) => overwrite(file, 0, 64),
      /its header is not that of a Telltale bus/,
    ],
  ])('that is %s is told in words, and the directory is not left locked', async (_how, damage, message) => {
    const directory = newDirectory()
    const bus = await openBus({ directory })
    for (let append = 0; append < 20; append += 1) {
      await bus.append('events', [record('a', 'x'.repeat(10_000))])
    }
    await closeBus(bus)
    const file = join(directory, 'data.mdb')
    const whole = readFileSync(file)
    damage(file)
    const opened = openEmbeddedBus({ directory })
    await expect(opened).rejects.toThrow(Misconfigured)
    await expect(opened).rejects.toThrow(message)
    writeFileSync(file, whole)
    await openBus({ directory })
  })

  test('whose last pages are free ones is whole all the same', async () => {
    const directory = newDirectory()
    const bus = await openBus({ directory })
    await bus.append('events', [record('a', 'kept')])
    await closeBus(bus)
    const file = join(directory, 'data.mdb')
    claimOneMorePage(file)
    const again = await openBus({ directory })
    expect(await readAll(again)).toEqual(['kept'])
  })

  test('with other bytes in a record stops the reader, naming the place', async () => {
    const directory = newDirectory()
    const bus = await openBus({ directory })
    await bus.append('events', [record('a', 'before')])
    await bus.append('events', [record('a', `NEEDLE${'x'.repeat(10_000)}`)])
    await closeBus(bus)
    const file = join(directory, 'data.mdb')
    overwrite(file, readFileSync(file).indexOf('NEEDLE'), 3)
    const damaged = await openBus({ directory })
    await expect(readAll(damaged)).rejects.toThrow(
      'the bus is damaged: events/0, records from offset 1: the checksum does not match',
    )
  })
})

function overwrite(file: string, at: number, bytes: number): void {
  const content = readFileSync(file)
  content.fill(0xff, at, at + bytes)
  writeFileSync(file, content)
}

const META_PAGES = [0, 4096]
const LAST_PAGE_AT = 144

/** Writes down a page that is not in the file, as when the last pages were freed before they were ever written. */
function claimOneMorePage(file: string): void {
  const content = readFileSync(file)
  for (const meta of META_PAGES) {
    content.writeBigUInt64LE(content.readBigUInt64LE(meta + LAST_PAGE_AT) + 1n, meta + LAST_PAGE_AT)
  }
  writeFileSync(file, content)
}
