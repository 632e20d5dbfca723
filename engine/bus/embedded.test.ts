import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { busContract } from './bus.contract.ts'
import { openEmbeddedBus } from './embedded.ts'

const home = mkdtempSync(join(tmpdir(), 'telltale-bus-'))

afterAll(() => rmSync(home, { recursive: true, force: true }))

busContract(
  'embedded',
  ({ name, partitions }) =>
    openEmbeddedBus({ directory: join(home, name), ...(partitions === undefined ? {} : { partitions }) }),
  { largestRecordBytes: 24 * 1024 * 1024 },
)
