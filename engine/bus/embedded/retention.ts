/**
 * What of the log may go: chunks that every known group has committed, once they are too old or their partition
 * holds too much. Unread records never go; when they alone are too much, `append` refuses instead (`embedded.ts`).
 */
import { chunkFacts } from './chunk.ts'
import type { Groups } from './groups.ts'
import { logKey, offsetOf } from './keys.ts'
import type { Extent, PartitionLog } from './partition-log.ts'
import type { Storage } from './storage.ts'

export interface RetentionLimits {
  /** Records are kept at least until they are read, and at most about this long afterwards. */
  readonly maxAgeMs: number
  /** Of records that were read, at most about this much is kept, per partition. */
  readonly maxBytes: number
}

/** One chunk to delete, and what is left of its partition afterwards. */
export interface Deletion {
  readonly log: PartitionLog
  /** Its base offset. */
  readonly chunk: number
  readonly extent: Extent
}

/** Deleting reads each chunk once; this bounds what one transaction reads (a chunk is at most about 1 MiB). */
const CHUNKS_PER_TURN = 16

/**
 * The chunks of one partition that may go now, oldest first, a bounded number of them. `byAge` also looks at ages,
 * which costs a read even when nothing is too old: for the sweep, not for every transaction.
 */
export function expiredChunks(
  log: PartitionLog,
  {
    storage,
    groups,
    limits,
    nowMs,
    byAge,
  }: {
    readonly storage: Storage
    readonly groups: Groups
    readonly limits: RetentionLimits
    readonly nowMs: number
    readonly byAge: boolean
  },
): readonly Deletion[] {
  const floor = groups.floor(log)
  const tooMuch = log.extent.bytes > limits.maxBytes && floor >= log.oldestChunkEnd
  if (floor <= log.extent.start || !(byAge || tooMuch)) {
    return []
  }
  const deletions: Deletion[] = []
  let { start, end, bytes } = log.extent
  const range = {
    start: logKey(log.topic, log.partition, start),
    end: logKey(log.topic, log.partition, floor),
    limit: CHUNKS_PER_TURN,
  }
  for (const { key, value } of storage.log.getRange(range)) {
    const base = offsetOf(key)
    const chunk = chunkFacts(value)
    const chunkEnd = base + chunk.count
    log.oldestChunkEnd = chunkEnd
    const wanted = bytes > limits.maxBytes || chunk.appendedMs < nowMs - limits.maxAgeMs
    if (chunkEnd > floor || !wanted) {
      break
    }
    start = chunkEnd
    bytes -= chunk.bytes
    deletions.push({ log, chunk: base, extent: { start, end, bytes } })
  }
  return deletions
}
