/** What is said of a recorded request: the tool calls, other events and secrets in it. */
import type { EventOutcome, Operation } from '../schema/telemetry.ts'

/** One tool call. What is not stated is not compared. */
export interface ExpectedCall {
  readonly tool: string
  readonly server?: string
  /** Absent where no record names one. */
  readonly callId?: string
  readonly agent: string
  readonly session: string
  readonly outcome: EventOutcome
  readonly errorType?: string
  /** Parts of the arguments and the result, where the records hold them. */
  readonly arguments?: string
  readonly result?: string
  /** `host:port` reached over the network or named in the arguments. */
  readonly destinations?: readonly string[]
  readonly datasets?: readonly string[]
  /** The human at the beginning of the chain. */
  readonly human?: string
}

/** One recording, or a part of one. */
export interface ExpectedCapture {
  /** What is told apart in test titles. */
  readonly id: string
  /** Files of one recording, in the order they were sent. */
  readonly files: readonly string[]
  /** The dialects that speak for its records. */
  readonly dialects: readonly string[]
  readonly calls: readonly ExpectedCall[]
  /** Events of every other operation. */
  readonly others: Partial<Record<Operation, number>>
  /**
   * Texts that must survive nowhere: credentials and personal data. Not who acted and for whom, which is kept on
   * purpose, nor first names, which no form tells from other words.
   */
  readonly secrets: readonly string[]
}
