/** A store for tests of the writer. */
import { Unavailable } from '../schema/errors.ts'
import type { RefusedRow, RowBatch, Store } from '../store/store.ts'

const text = (value: Uint8Array) => Buffer.from(value).toString('utf8')

/** What becomes of an insert. */
export type Failure = 'fine' | 'before' | 'after' | 'death before' | 'death after'

/**
 * A store in memory that can be told to fail: before it stored anything, or after, which to its caller looks the
 * same; or to end the writer there, as a death would. Rows that begin with `bad` it refuses; a death after that is one
 * with the refusal unheard.
 */
export class FlakyStore implements Pick<Store, 'insert' | 'hasBatch'> {
  readonly batches = new Map<string, { table: string; rows: string[] }>()
  readonly attempts: string[] = []
  asked = 0
  failures: Failure[] = []

  get rows(): string[] {
    return [...this.batches.values()].flatMap(({ rows }) => rows)
  }

  insert = async ({ batchId, table, rows }: RowBatch): Promise<readonly RefusedRow[]> => {
    this.attempts.push(batchId)
    const failure = this.failures.shift()
    if (failure === 'death before') {
      throw new Error('killed')
    }
    if (failure === 'before') {
      throw new Unavailable('down', { retryAfterMs: 1 })
    }
    const texts = rows.map(text)
    const refused = texts.flatMap((row, index) => (row.startsWith('bad') ? [{ index, reason: 'unstorable' }] : []))
    if (refused.length === 0) {
      this.batches.set(batchId, { table, rows: texts })
    }
    if (failure === 'after') {
      throw new Unavailable('the answer was lost', { retryAfterMs: 1 })
    }
    if (failure === 'death after') {
      throw new Error('killed')
    }
    return refused
  }

  hasBatch = async (_table: string, batchId: string): Promise<boolean> => {
    this.asked += 1
    return this.batches.has(batchId)
  }
}
