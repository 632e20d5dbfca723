/**
 * Alerts as lines of a file: one notice a line, flushed to disk before it counts as delivered. For log shippers, and
 * for those who want a copy. A notice may stand there twice after a crash; `notice_id` tells.
 */
import { mkdir, open, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { Type } from 'typebox'
import { Unavailable } from '../../schema/errors.ts'
import type { Sink, SinkContext, SinkType } from './sink.ts'

export interface NdjsonConfig {
  readonly type: 'ndjson'
  readonly name: string
  readonly file: string
}

export const ndjson: SinkType<NdjsonConfig> = {
  type: 'ndjson',
  config: Type.Object(
    {
      type: Type.Literal('ndjson'),
      name: Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,62}$', description: 'lower-case letters, digits and -' }),
      /** Relative to the data directory. Opened anew for every write, so it may be moved away at any time. */
      file: Type.String({ minLength: 1 }),
    },
    { additionalProperties: false },
  ),
  open: openNdjson,
}

function openNdjson(config: NdjsonConfig, context: SinkContext): Sink {
  const path = resolve(context.dataDirectory, config.file)
  let turn: Promise<void> = Promise.resolve()
  return {
    name: config.name,
    write: async (notice, signal) => {
      signal.throwIfAborted()
      // One at a time: two appends must never share a line.
      const mine = turn.then(() => appendLine(path, JSON.stringify(notice)))
      turn = mine.catch(() => undefined)
      await mine
    },
  }
}

async function appendLine(path: string, line: string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true })
    const file = await open(path, 'a', 0o600)
    try {
      await file.appendFile(`${(await endsMidLine(path)) ? '\n' : ''}${line}\n`)
      await file.datasync()
    } finally {
      await file.close()
    }
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new Unavailable(`cannot write ${path}: ${reason}`, { retryAfterMs: 5000, cause })
  }
}

/** After a crash in the middle of a line the next line must not continue it. */
async function endsMidLine(path: string): Promise<boolean> {
  const { size } = await stat(path)
  if (size === 0) {
    return false
  }
  const file = await open(path, 'r')
  try {
    const { buffer } = await file.read(Buffer.alloc(1), 0, 1, size - 1)
    return buffer[0] !== 0x0a
  } finally {
    await file.close()
  }
}
