/**
 * A bus on another machine, that may be away when this process starts. The process then starts all the same, so that
 * collectors spool and every stage can say what it waits for; the bus is tried again until it is there.
 */
import { Misconfigured, Unavailable } from '../schema/errors.ts'
import type { Bus } from './bus/bus.ts'
import { untilAvailable } from './until-available.ts'

/** A cluster that refuses us is mended by somebody who needs a while. */
const REFUSED_RETRY_MS = 5000

/**
 * Resolves when the bus is open, or was found away once; from then on `append` and `lag` throw `Unavailable` and `consume`
 * waits, until it is there.
 *
 * @param onTrouble told each time that it is away again, or that the cluster refuses us now.
 * @throws Misconfigured when the cluster refuses us at once: then it is the configuration that is wrong.
 */
export async function openLate(open: () => Promise<Bus>, onTrouble: (message: string) => void): Promise<Bus> {
  try {
    return await open()
  } catch (error) {
    if (!(error instanceof Unavailable)) {
      throw error
    }
    onTrouble(error.message)
    return new LateBus(open, error, onTrouble)
  }
}

class LateBus implements Bus {
  readonly #stop = new AbortController()
  /** `undefined` when it was closed before it was there. */
  readonly #opened: Promise<Bus | undefined>
  #bus: Bus | undefined
  #why: Error

  constructor(open: () => Promise<Bus>, why: Unavailable, onTrouble: (message: string) => void) {
    this.#why = why
    const tellingWhy = (error: Unavailable) => {
      this.#why = error
      onTrouble(error.message)
    }
    this.#opened = this.#open(open, tellingWhy)
    this.#opened.catch((error: Error) => {
      this.#why = error
    })
  }

  async #open(open: () => Promise<Bus>, onRetry: (error: Unavailable) => void): Promise<Bus | undefined> {
    // The first attempt was made already: it is waited before the next one, too.
    let first: Error | undefined = this.#why
    const attempt = async () => {
      const failed = first
      first = undefined
      if (failed !== undefined) {
        throw failed
      }
      return open().catch((error: unknown) => {
        const retryAfterMs = REFUSED_RETRY_MS
        throw error instanceof Misconfigured ? new Unavailable(error.message, { retryAfterMs, cause: error }) : error
      })
    }
    this.#bus = await untilAvailable(attempt, this.#stop.signal, (error) =>
      error === this.#why ? undefined : onRetry(error),
    )
    return this.#bus
  }

  append: Bus['append'] = async (topic, records) => this.#there().append(topic, records)

  lag: Bus['lag'] = async () => this.#there().lag()

  consume: Bus['consume'] = async (options, own, signal) => {
    const stopped = new Promise<undefined>((resolve) => {
      signal.addEventListener('abort', () => resolve(undefined), { once: true })
    })
    const bus = signal.aborted ? undefined : await Promise.race([this.#opened, stopped])
    await bus?.consume(options, own, signal)
  }

  close: Bus['close'] = async () => {
    this.#stop.abort()
    const bus = await this.#opened.catch(() => undefined)
    await bus?.close()
  }

  #there(): Bus {
    if (this.#bus === undefined) {
      throw this.#why
    }
    return this.#bus
  }
}
