/** Waiting for the other side, as `Unavailable` asks for. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Unavailable } from '../schema/errors.ts'

/**
 * Repeats `call` for as long as it throws `Unavailable`, waiting in between as long as the error says, but no longer than
 * `mostMs`. Any other error is thrown on. `undefined` when `signal` aborts meanwhile (a partition that is lost aborts its
 * signal, too).
 */
export async function untilAvailable<Result>(
  call: () => Promise<Result>,
  signal: AbortSignal,
  onRetry?: (error: Unavailable) => void,
  mostMs = Number.POSITIVE_INFINITY,
): Promise<Result | undefined> {
  for (;;) {
    try {
      return await call()
    } catch (error) {
      if (!(error instanceof Unavailable)) {
        throw error
      }
      if (!signal.aborted) {
        onRetry?.(error)
        await sleep(Math.min(error.retryAfterMs, mostMs), undefined, { signal }).catch(() => undefined)
      }
      if (signal.aborted) {
        // Another may own it by now: claiming a partition once more would take it from him.
        return undefined
      }
    }
  }
}
