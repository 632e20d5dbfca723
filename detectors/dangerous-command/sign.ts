/** One thing that a command does and that may be dangerous. */
import type { Severity } from '../../schema/finding.ts'

/** What is done, in the third person. */
export type Deed =
  | 'destroys'
  | 'exfiltrates'
  | 'persists'
  | 'escalates'
  | 'evades'
  | 'takes credentials'
  | 'runs remote code'
  | 'spies'
  | 'tunnels'
  | 'explores'

export interface Sign {
  readonly deed: Deed
  /** What exactly, in our own words: no text of the agent. */
  readonly what: string
  /** How much it says alone, 0 to 1; from `FLAGGED` on it is a finding, below only with others of other kinds. */
  readonly weight: number
  readonly severity: Severity
}

/** A sign in one line, as the tables of signs write them. */
export function sign(deed: Deed, what: string, weight: number, severity: Severity): Sign {
  return { deed, what, weight, severity }
}

/** From this combined weight on a command is a finding. */
export const FLAGGED = 0.5
