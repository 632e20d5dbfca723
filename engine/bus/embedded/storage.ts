/**
 * The LMDB environment of the embedded bus: its databases, its format, and one way to write to it.
 *
 * Limits: the file grows as needed and never shrinks (freed pages are used again); a process maps all of it, so its
 * resident memory includes whatever of the file is in the page cache.
 */
import { join } from 'node:path'
import { type Database, open, type RootDatabase } from 'lmdb'
import { Misconfigured, Unavailable } from '../../../schema/errors.ts'
import { checkDataFile, damaged } from './data-file.ts'

const FORMAT = '1'
const FORMAT_KEY = Buffer.from('format')
const DATA_FILE = 'data.mdb'

/** One key to put or, without a value, to delete. */
export interface Entry {
  readonly database: 'meta' | 'log' | 'places' | 'state'
  readonly key: Buffer
  readonly value: Buffer | undefined
}

type Bytes = Database<Buffer, Buffer>

export interface Storage {
  readonly root: RootDatabase<Buffer, Buffer>
  /** Format, partition counts and extents, group numbers. */
  readonly meta: Bytes
  /** Chunks, by topic, partition and base offset. */
  readonly log: Bytes
  /** Committed offset and epoch, by group, topic and partition. */
  readonly places: Bytes
  /** Stage state, by group, topic, partition and key. */
  readonly state: Bytes
  /**
   * Writes all entries in one transaction, or none; resolves when they are on disk. One call at a time. Throws
   * `Unavailable` with the cause when the disk refuses.
   */
  write(entries: readonly Entry[]): Promise<void>
  close(): Promise<void>
}

/** Opens or creates the store. `sync: false` leaves flushing to the operating system: it survives `kill -9`, not a power cut. */
export async function openStorage(directory: string, sync: boolean): Promise<Storage> {
  const file = join(directory, DATA_FILE)
  checkDataFile(file)
  // With `overlappingSync` a commit resolves before its flush; without it, a resolved write is on disk.
  const durability = sync ? { overlappingSync: false } : { noSync: true, overlappingSync: false }
  const binary = { encoding: 'binary', keyEncoding: 'binary' } as const
  let root: RootDatabase<Buffer, Buffer>
  try {
    // Its own batching per event turn leaves a promise behind that nobody can handle when a commit fails.
    const grouping = { eventTurnBatching: false }
    root = open<Buffer, Buffer>({ path: directory, noSubdir: false, ...binary, ...durability, ...grouping })
  } catch (cause) {
    throw damaged(file, cause instanceof Error ? cause.message : String(cause))
  }
  const database = (name: Entry['database']): Bytes => root.openDB<Buffer, Buffer>({ name, ...binary })
  const databases = {
    meta: database('meta'),
    log: database('log'),
    places: database('places'),
    state: database('state'),
  }
  const write = async (entries: readonly Entry[]): Promise<void> => {
    try {
      await root.batch(() => {
        for (const { database: name, key, value } of entries) {
          void (value === undefined ? databases[name].remove(key) : databases[name].put(key, value))
        }
      })
    } catch (error) {
      throw await refusal(error)
    }
  }
  try {
    await checkFormat(databases.meta, directory, write)
  } catch (error) {
    await root.close()
    throw error
  }
  return { root, ...databases, write, close: () => root.close() }
}

async function checkFormat(meta: Bytes, directory: string, write: Storage['write']): Promise<void> {
  const format = meta.get(FORMAT_KEY)?.toString()
  if (format === undefined) {
    await write([{ database: 'meta', key: FORMAT_KEY, value: Buffer.from(FORMAT) }])
  } else if (format !== FORMAT) {
    throw new Misconfigured([
      {
        file: directory,
        message: `the data directory has format ${format}, and this Telltale reads format ${FORMAT}`,
        suggestion: 'run the version of Telltale that wrote it, or start with an empty directory',
      },
    ])
  }
}

/** LMDB's reason hides behind a second promise, which must be awaited or it counts as unhandled. */
async function refusal(error: unknown): Promise<Unavailable> {
  let cause = error
  if (error instanceof Error && 'commitError' in error) {
    await Promise.resolve(error.commitError).catch((reason: unknown) => {
      cause = reason
    })
  }
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new Unavailable(`the disk refused a write: ${reason}`, { retryAfterMs: 5000, cause })
}
