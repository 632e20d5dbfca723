/**
 * Looks at an LMDB data file before it is mapped. A file that is cut short or overwritten kills the process with
 * SIGBUS or SIGSEGV once it is mapped, so what can be seen beforehand is told in words instead.
 */
import { spawnSync } from 'node:child_process'
import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs'
import { Misconfigured } from '../../../schema/errors.ts'

/** The databases of the file, each read to its end when the file is in doubt. */
export const DATABASES = ['meta', 'log', 'places', 'state'] as const

/** Offsets within a meta page, 64-bit little-endian LMDB as built into `lmdb` 3.5 (struct MDB_meta behind a page header). */
const META = { magic: 24, pageSize: 48, lastPage: 144, transaction: 152, bytes: 160 } as const
const MAGIC = 0xbeefc0de

/** Throws `Misconfigured`, naming the file and what to do, when `path` cannot be a whole data file. A missing or empty one is new. */
export function checkDataFile(path: string): void {
  if (!existsSync(path)) {
    return
  }
  const file = openSync(path, 'r')
  try {
    const { size } = fstatSync(file)
    if (size === 0) {
      return
    }
    const metas = metaPages(file)
    if (metas === undefined) {
      throw damaged(path, 'its header is not that of a Telltale bus')
    }
    const newest = metas[0].transaction > metas[1].transaction ? metas[0] : metas[1]
    const expected = (newest.lastPage + 1) * newest.pageSize
    // A whole file may be shorter when its last pages are free ones that were never written: then reading it all decides.
    if (size < expected && !readsToTheEnd(path)) {
      throw damaged(path, `it is cut short: ${size} of ${expected} bytes are there`)
    }
  } finally {
    closeSync(file)
  }
}

export function damaged(path: string, what: string): Misconfigured {
  return new Misconfigured([
    {
      file: path,
      message: `the data file is damaged: ${what}`,
      suggestion: 'restore the directory from a backup, or move it aside to start with an empty one',
    },
  ])
}

interface Meta {
  readonly pageSize: number
  readonly lastPage: number
  readonly transaction: number
}

/** Both meta pages, or `undefined` unless both are sound. */
function metaPages(file: number): readonly [Meta, Meta] | undefined {
  const first = metaAt(file, 0)
  const second = first && metaAt(file, first.pageSize)
  return first && second && first.pageSize === second.pageSize ? [first, second] : undefined
}

function metaAt(file: number, position: number): Meta | undefined {
  const page = Buffer.alloc(META.bytes)
  if (readSync(file, page, 0, page.length, position) < page.length || page.readUInt32LE(META.magic) !== MAGIC) {
    return undefined
  }
  const pageSize = page.readUInt32LE(META.pageSize)
  const sound = pageSize >= 512 && pageSize <= 65_536 && Number.isInteger(Math.log2(pageSize))
  if (!sound) {
    return undefined
  }
  const lastPage = Number(page.readBigUInt64LE(META.lastPage))
  return { pageSize, lastPage, transaction: Number(page.readBigUInt64LE(META.transaction)) }
}

/** Reads every entry in a process of its own, which is the one to die of it. Reads a few GB/s; only asked of short files. */
function readsToTheEnd(path: string): boolean {
  const script = `
    const { open } = await import(process.argv[1])
    const root = open({ path: process.argv[2], noSubdir: true, readOnly: true, encoding: 'binary', keyEncoding: 'binary' })
    for (const name of process.argv.slice(3)) {
      const database = root.openDB({ name, encoding: 'binary', keyEncoding: 'binary' })
      for (const entry of database?.getRange({}) ?? []) { entry.value }
    }`
  const options = ['--input-type=module', '-e', script, import.meta.resolve('lmdb'), path, ...DATABASES]
  return spawnSync(process.execPath, options, { stdio: 'ignore', timeout: 600_000 }).status === 0
}
