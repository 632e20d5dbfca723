/** The servers that one user of ours may ask, of which one is asked until it fails. */
import type { ClickHouseClient } from '@clickhouse/client'
import { Unavailable } from '../schema/errors.ts'
import { storeError } from './errors.ts'

export class Endpoints {
  readonly #clients: readonly ClickHouseClient[]
  #current: number

  /** @param clients at least one; each process begins with another, so that together they use all. */
  constructor(clients: readonly ClickHouseClient[]) {
    this.#clients = clients
    this.#current = Math.floor(Math.random() * clients.length)
  }

  /** Of the server that is asked now. */
  get client(): ClickHouseClient {
    return this.#clients[this.#current] as ClickHouseClient
  }

  /**
   * Runs work with the server that answered last; when it is unavailable, the next one is asked from then on.
   *
   * @throws what `storeError` makes of errors. The work itself is not repeated: it may have been done.
   */
  async once<Result>(work: (client: ClickHouseClient) => Promise<Result>): Promise<Result> {
    const index = this.#current
    try {
      return await work(this.client)
    } catch (error) {
      const known = storeError(error)
      // Who failed beside us may have moved on already.
      if (known instanceof Unavailable && this.#current === index) {
        this.#current = (index + 1) % this.#clients.length
      }
      throw known
    }
  }

  /** The same, and each server once before it is given up. For what only reads, or may run twice. */
  async any<Result>(work: (client: ClickHouseClient) => Promise<Result>): Promise<Result> {
    for (let left = this.#clients.length - 1; ; left -= 1) {
      try {
        return await this.once(work)
      } catch (error) {
        if (!(error instanceof Unavailable) || left === 0) {
          throw error
        }
      }
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()))
  }
}
