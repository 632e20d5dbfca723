/**
 * One behavior that only a whole session shows, over all its agents. It sees the session's marks and findings in the
 * order in which they reach the correlate stage, which between agents is chance: what came first is told by event time.
 *
 * Pure and bounded as every detector. What it finds goes onto `[findings]` and comes back as a finding like any other.
 */
import type { Finding, FindingDraft } from '../schema/finding.ts'
import type { Mark } from '../schema/mark.ts'
import type { AnyDetector } from './detector.ts'

/** A mark or finding of the session. */
export type Seen = Mark | Finding

/** A finding, and the event it is about. */
export interface SessionFinding {
  readonly about: Pick<Seen, 'event_id' | 'time_ms' | 'agent' | 'trace_id'>
  readonly draft: FindingDraft
}

type Described = Pick<
  AnyDetector,
  | 'id'
  | 'title'
  | 'catches'
  | 'misses'
  | 'version'
  | 'techniques'
  | 'owasp'
  | 'runbook'
  | 'needs'
  | 'uses'
  | 'severities'
  | 'on'
  | 'stateVersion'
>

export interface SessionDetector<State extends object = object> extends Described {
  /** Its opinions rest on marks and other findings, so they are no evidence beside these. */
  readonly kind: 'correlation'
  /** What one agent did in a session is in one place with what the others did. */
  readonly scope: 'whole-session'
  initial(): State
  /**
   * Takes in what was seen and says what the session now shows that it has not said. `undefined`: it concerned the
   * detector in nothing, and left the state as it was. Never asked about findings of session detectors.
   */
  observe(seen: Seen, state: State): readonly SessionFinding[] | undefined
}

/** Types a session detector literal; what contributors write. */
export function defineSessionDetector<State extends object>(detector: SessionDetector<State>): SessionDetector<State> {
  return detector
}

/** A session detector whose state type the engine need not know. */
// biome-ignore lint/suspicious/noExplicitAny: the engine hands back the state it got from the same detector.
export type AnySessionDetector = SessionDetector<any>
