/** Where a page ended: the time and id of its last row, bound to the tenant and the listing it came from. */
import { createHash } from 'node:crypto'
import { Rejected } from '../schema/errors.ts'

export interface Position {
  readonly timeMs: number
  readonly id: string
}

/** The longest cursor, in characters: ids are at most 256 units of UTF-16, each at most eight characters here. */
export const CURSOR_LIMIT = 4096

/** Opaque to clients. Holds nothing secret: the tenant's condition is in every query whatever a cursor says. */
export function writeCursor(listing: string, tenant: string, position: Position): string {
  return Buffer.from(JSON.stringify([binding(listing, tenant), position.timeMs, position.id])).toString('base64url')
}

/** @throws Rejected when the cursor is not one that `writeCursor` gave for this listing and tenant. */
export function readCursor(listing: string, tenant: string, cursor: string): Position {
  if (cursor.length <= CURSOR_LIMIT && /^[\w-]+$/.test(cursor)) {
    try {
      const [bound, timeMs, id] = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')) as unknown[]
      if (bound === binding(listing, tenant) && Number.isSafeInteger(timeMs) && typeof id === 'string') {
        return { timeMs: timeMs as number, id }
      }
    } catch {
      // Not ours; said below.
    }
  }
  throw new Rejected('invalid-cursor', 'The cursor is not one of this listing')
}

function binding(listing: string, tenant: string): string {
  return createHash('sha256').update(`${listing}\0${tenant}`).digest('base64url').slice(0, 16)
}
