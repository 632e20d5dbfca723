/** What the contract suite needs to make one detector speak: `examples/<id of the detector>.ts` exports it as `example`. */
import type { Phase } from '../arbitrary.ts'

export interface DetectorExample {
  /** The sections, in YAML, of the policy under which generated agents stand. */
  readonly policy?: string
  /** Runs of events, among which some make the detector speak and some do not. */
  readonly phases: readonly Phase[]
}
