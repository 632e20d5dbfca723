/**
 * A sink: somewhere alerts go. One request per `write`; queueing, retries, backoff, dead letters and restarts
 * belong to `alerts/delivery.ts`, so that no sink writes them again.
 */
import type { TSchema } from 'typebox'
import type { Notice } from '../../schema/alert.ts'

export interface Sink {
  /** Unique name from the configuration; also the name of its consumer group, so it must not change. */
  readonly name: string
  /**
   * Resolves once the destination has durably accepted the notice. Throws `Unavailable` (try again, honouring
   * `retryAfterMs`) or `Rejected` (never will be accepted: dead-lettered with its reason). May be called again with a
   * notice it has already accepted. Must give up when `signal` aborts.
   */
  write(notice: Notice, signal: AbortSignal): Promise<void>
  close?(): Promise<void>
}

/** One kind of sink: a file of this folder and a line in `index.ts`. */
export interface SinkType<Config extends { readonly name: string }> {
  /** The value of `type` in the configuration; equals the file name. */
  readonly type: string
  /** Validates its entry of `sinks:` and documents it. */
  readonly config: TSchema
  /** @throws Misconfigured when the entry is well formed but cannot work. Opens no connection yet. */
  open(config: Config, context: SinkContext): Sink
}

/** What a sink needs of the process that runs it. */
export interface SinkContext {
  /** Version of Telltale, for user agents. */
  readonly version: string
  /** Relative file names of sinks are below it. */
  readonly dataDirectory: string
  /** Name resolution; given by tests of rebinding. Default: the system's. */
  readonly lookup?: LookupAll
}

/** Every address of a name. Rejects when there is none. */
export type LookupAll = (hostname: string) => Promise<readonly { readonly address: string; readonly family: number }[]>

/** A sink type whose configuration the caller need not know. */
// biome-ignore lint/suspicious/noExplicitAny: the configuration was validated against the type's own schema.
export type AnySinkType = SinkType<any>
