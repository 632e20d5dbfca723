import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Unavailable } from '../../schema/errors.ts'
import { SpoolLog } from './log.ts'

test('what the disk refuses takes no room in the log', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'telltale-spool-log-'))
  const log = await SpoolLog.open({ directory, maxBytes: 1000, now: () => 0, onChange: () => undefined })
  await log.close()
  await expect(log.append('fragments', [{ key: 'a', value: Buffer.from('1') }])).rejects.toBeInstanceOf(Unavailable)
  expect(log).toMatchObject({ records: 0, bytes: 0 })
  rmSync(directory, { recursive: true, force: true })
})
