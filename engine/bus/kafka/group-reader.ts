/**
 * One consumer group over one topic, in this process: joins it, follows its dealing, and has somebody work on every
 * partition that is ours. What work is, and how far it got, is for those who use it.
 */
import { setMaxListeners } from 'node:events'
import type { Unavailable } from '../../../schema/errors.ts'
import { aborted } from '../aborted.ts'
import { Fetcher } from './fetcher.ts'
import { Link } from './link.ts'
import { Membership } from './membership.ts'
import { Owners, type Ownership } from './owners.ts'
import type { KafkaSettings } from './settings.ts'

export interface GroupReaderParts {
  readonly settings: KafkaSettings
  readonly groupId: string
  /** As Kafka knows it. */
  readonly topic: string
  readonly sessionTimeoutMs: number
  /** As of `Membership`. */
  readonly lookEveryMs?: number
  /** Works on a partition until its signal aborts; what it rejects with ends the reader. */
  readonly work: (ownership: Ownership) => Promise<void>
  readonly onTrouble: (error: Unavailable) => void
}

export class GroupReader {
  readonly membership: Membership
  readonly fetcher: Fetcher
  /** For polls, for membership, and for everything else: each waits for its own answers only. */
  readonly links: { readonly polls: Link; readonly group: Link; readonly rest: Link }
  readonly #failed = new AbortController()
  readonly #owners: Owners

  constructor({ settings, work, onTrouble, ...group }: GroupReaderParts) {
    setMaxListeners(0, this.#failed.signal)
    this.links = { polls: new Link(settings), group: new Link(settings), rest: new Link(settings) }
    this.fetcher = new Fetcher({ link: this.links.polls, onTrouble })
    this.#owners = new Owners(work, (error) => this.fail(error))
    this.membership = new Membership({
      ...group,
      link: this.links.group,
      commitLink: this.links.rest,
      onTrouble,
      onAssigned: (partitions, isContinuous) => this.#owners.assign(partitions, isContinuous),
    })
  }

  /** Aborts when somebody's work has failed: the others are to stop. */
  get failed(): AbortSignal {
    return this.#failed.signal
  }

  /** Ends the reader with a bug of those who use it. */
  fail(error: unknown): void {
    this.#failed.abort(error)
  }

  /**
   * Runs until `signal` aborts or work fails; then all work has ended, and the group knows.
   *
   * @param open what comes before joining, until the signal it is given aborts.
   * @param close what comes between the end of all work and leaving.
   */
  async run(
    signal: AbortSignal,
    open: (stopped: AbortSignal) => Promise<void>,
    close: () => Promise<void>,
  ): Promise<void> {
    const stopped = AbortSignal.any([signal, this.failed])
    setMaxListeners(0, stopped)
    try {
      if (!stopped.aborted) {
        await open(stopped)
      }
      await Promise.race([this.membership.run(stopped), aborted(stopped)])
    } finally {
      await this.#owners.stop()
      await close()
      await this.membership.leave()
      this.fetcher.close()
      await Promise.all(Object.values(this.links).map((link) => link.close().catch(() => undefined)))
    }
    this.failed.throwIfAborted()
  }
}
