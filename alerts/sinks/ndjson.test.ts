import { mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Unavailable } from '../../schema/errors.ts'
import { exampleNotice } from '../../test/example-alert.ts'
import { ndjson } from './ndjson.ts'

const forever = new AbortController().signal
let directory = ''

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'telltale-ndjson-'))
})

afterEach(() => rm(directory, { recursive: true, force: true }))

function open(file = 'alerts.ndjson') {
  return ndjson.open({ type: 'ndjson', name: 'file', file }, { version: '0', dataDirectory: directory })
}

async function lines(file = 'alerts.ndjson'): Promise<readonly { readonly notice_id: string }[]> {
  const text = await readFile(join(directory, file), 'utf8')
  expect(text.endsWith('\n')).toBe(true)
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
}

describe('a file of alerts', () => {
  it('lies in the data directory, in folders that are made for it, and is only for its owner', async () => {
    await open('siem/today/alerts.ndjson').write(exampleNotice(1), forever)
    expect(await lines('siem/today/alerts.ndjson')).toEqual([exampleNotice(1)])
    expect((await stat(join(directory, 'siem/today/alerts.ndjson'))).mode & 0o777).toBe(0o600)
  })

  it('is begun anew when it was moved away', async () => {
    const sink = open()
    await sink.write(exampleNotice(1), forever)
    await rename(join(directory, 'alerts.ndjson'), join(directory, 'old.ndjson'))
    await sink.write(exampleNotice(2), forever)
    expect(await lines('old.ndjson')).toEqual([exampleNotice(1)])
    expect(await lines()).toEqual([exampleNotice(2)])
  })

  it('does not go on with a line that a crash cut off', async () => {
    await writeFile(join(directory, 'alerts.ndjson'), '{"cut')
    await open().write(exampleNotice(1), forever)
    const text = await readFile(join(directory, 'alerts.ndjson'), 'utf8')
    expect(text).toBe(`{"cut\n${JSON.stringify(exampleNotice(1))}\n`)
  })

  it('that cannot be written says where and why, is tried again, and does not hold up what comes after', async () => {
    await writeFile(join(directory, 'occupied'), '')
    const refused = await open('occupied/alerts.ndjson')
      .write(exampleNotice(1), forever)
      .catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(Unavailable)
    expect(String(refused)).toMatch(/cannot write \S+occupied\/alerts\.ndjson: E(EXIST|NOTDIR)/)

    const sink = open('later/alerts.ndjson')
    await writeFile(join(directory, 'later'), '')
    await expect(sink.write(exampleNotice(1), forever)).rejects.toThrow(Unavailable)
    await rm(join(directory, 'later'))
    await sink.write(exampleNotice(2), forever)
    expect(await lines('later/alerts.ndjson')).toEqual([exampleNotice(2)])
  })
})
