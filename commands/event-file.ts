/**
 * Writes the events of a replay, one a line, each once: when an event is amended, only its last version stays. Lines
 * go to disk as they come, so that the length of a recording does not matter.
 */

import { once } from 'node:events'
import { createReadStream, createWriteStream, renameSync, unlinkSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { finished } from 'node:stream/promises'
import type { Telemetry } from '../schema/telemetry.ts'

export interface EventFile {
  write(event: Telemetry): void
  /** Resolves when the file is complete under its name; how many events it holds. */
  close(): Promise<number>
}

export function openEventFile(path: string): EventFile {
  const scratch = `${path}.partial`
  const stream = createWriteStream(scratch, { mode: 0o600 })
  // Ids are hashes: 52 bits of them tell events of one recording apart.
  const lastLine = new Map<number, number>()
  let lines = 0
  let amended = false
  return {
    write: (event) => {
      const id = Number.parseInt(event.event_id.slice(0, 13), 16)
      amended ||= lastLine.has(id)
      lastLine.set(id, lines)
      lines += 1
      stream.write(`${JSON.stringify(event)}\n`)
    },
    close: async () => {
      stream.end()
      await finished(stream)
      if (amended) {
        await keepLines(scratch, path, new Set(lastLine.values()))
        unlinkSync(scratch)
      } else {
        renameSync(scratch, path)
      }
      return lastLine.size
    },
  }
}

async function keepLines(from: string, to: string, kept: ReadonlySet<number>): Promise<void> {
  const output = createWriteStream(to, { mode: 0o600 })
  let number = 0
  for await (const line of createInterface({ input: createReadStream(from) })) {
    if (kept.has(number) && !output.write(`${line}\n`)) {
      await once(output, 'drain')
    }
    number += 1
  }
  output.end()
  await finished(output)
}
