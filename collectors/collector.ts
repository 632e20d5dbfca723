/**
 * Where telemetry comes in. A collector decodes, lets the dialect speak, masks, publishes, and only then
 * acknowledges. It holds nothing back, so it has no state to lose.
 */
import type { Fragment } from '../schema/fragment.ts'
import type { OtlpRecord } from './otlp/records.ts'

/**
 * Hands fragments to the bus. Resolves once they are durably there, so a collector that awaits it before it
 * acknowledges its own client gets backpressure and at-least-once delivery for free. Throws `Unavailable`
 * when the bus is full or down: tell the client to come back later.
 */
export type Publish = (fragments: readonly Fragment[]) => Promise<void>

/** What a collector fetched and cannot use, whole: nobody is there to be told. */
export interface GivenUp {
  readonly tenantId: string
  /** Name of the input it was fetched by. */
  readonly input: string
  readonly topic: string
  readonly partition: number
  readonly offset: number
  /** Kebab-case. */
  readonly reason: string
  /** What is wrong with it, in words of ours. */
  readonly detail: string
  /** Empty when there was none. */
  readonly value: Uint8Array
}

/** Writes dead letters. Resolves once they are durably on the bus; throws `Unavailable` when that is full or down. */
export type GiveUp = (messages: readonly GivenUp[]) => Promise<void>

/** Counts the end of `records` records under a name of the outcome catalogue. */
export type CountOutcome = (outcome: string, records: number) => void

/** A decoded request: what could be read, and what could not with the reason, record by record. */
export interface DecodedRequest {
  readonly signal: 'span' | 'log'
  readonly records: readonly OtlpRecord[]
  /** Records that were there but cannot be accepted. Reasons are kebab-case: `invalid-trace-id`, ... */
  readonly rejected: readonly { readonly reason: string; readonly records: number }[]
  /** Things cut or repaired that the sender should hear of (a warning in the response). */
  readonly warnings: readonly string[]
}

/**
 * Turns decoded records into fragments and publishes them. Every record ends here in one counted outcome
 * (`rejected:<why>`, `ignored:<why>`) or goes on as one fragment. The tenant comes from the credential.
 */
export interface Intake {
  accept(request: DecodedRequest, tenantId: string): Promise<void>
  /** The pure part, for replay: same records, same fragments. */
  fragments(records: readonly OtlpRecord[], tenantId: string, observedMs: number): readonly Fragment[]
}

/** A listening collector. */
export interface Collector {
  /** `http://127.0.0.1:4318` and the like, for the start banner and tests. */
  readonly address: string
  /** Stops accepting, finishes what it accepted, resolves. */
  close(): Promise<void>
}
