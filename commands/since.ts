/** `--since 7d`: how far back a command looks. */
import { durationMs } from '../rules/duration.ts'
import { UsageError } from './arguments.ts'

/** Milliseconds of a duration as policies write them. Throws `UsageError` with an example for anything else. */
export function sinceMs(written: string): number {
  if (!/^\d{1,6}[smhd]$/.test(written) || durationMs(written) === 0) {
    throw new UsageError(`'${written.slice(0, 40)}' is not how far back to look; write 12h, 7d or 30d after --since`)
  }
  return durationMs(written)
}
