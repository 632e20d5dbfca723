/**
 * One behavior worth alerting on.
 *
 * A detector is pure: no I/O, no clock, no randomness, nothing kept outside `state`. The same events in the same
 * order give the same findings, which is what makes replay exact. The engine asks (`check`) before it lets the
 * detector absorb (`learn`), and never calls `learn` for an event that was flagged or is an amendment of one
 * already learned from. A detector that itself flagged the event is told so (`spoke`), so that it can keep silent
 * about what it has already said.
 */

import type { CompiledPolicy, PolicySet } from '../rules/policy.ts'
import type { Need } from '../schema/field-path.ts'
import type { AlertKind, FindingDraft, Severity } from '../schema/finding.ts'
import type { Operation, Telemetry } from '../schema/telemetry.ts'

/** What a detector may consult beside the event and its own state. */
export interface DetectionContext {
  /** The policy that governs the event's agent, or `undefined`: then policy detectors stay silent. */
  readonly policy: CompiledPolicy | undefined
  /** Finds the policy of another agent, such as the one that called: its own say who it may call and create. */
  readonly policies?: Pick<PolicySet, 'governingKnown'>
  /**
   * True when the event was judged before and comes again, amended or just as it was. Then it is not learned from, so what
   * counts events must not take it for one more.
   */
  readonly repeated?: boolean
}

/** Stateless detectors use this. */
export type NoState = Record<never, never>

export interface Detector<State extends object = object> {
  /** Kebab-case; equals the file name. Never reused once released. */
  readonly id: string
  readonly title: string
  /** What it catches, in one or two sentences; printed in docs. */
  readonly catches: string
  /** What it misses, in one or two sentences; printed in docs. */
  readonly misses: string
  readonly kind: AlertKind
  /** Raise when the same event may give another opinion; part of every finding and alert id. */
  readonly version: number
  /** MITRE ATLAS ids it may report; each finding names its own subset. */
  readonly techniques: readonly string[]
  /** OWASP LLM Top 10 2025 (`LLM06:2025`) and Agentic Top 10 (`ASI02`) ids. */
  readonly owasp: readonly string[]
  /** Steps for the analyst: which field, which time window, which question it answers. At least one. */
  readonly runbook: readonly string[]
  /**
   * What telemetry must say, and which policy section must be there, for it to speak at all: each of them, and of a list
   * within the list any one. Fields are of events of `on`, not all of the same event. The coverage report counts by it;
   * `docs/detections.md` prints it.
   */
  readonly needs: readonly (Need | readonly Need[])[]
  /** What makes it better where it is there. */
  readonly uses?: readonly Need[]
  /**
   * Every severity that its findings may have, lowest first. Besides, what rests on a policy that is still being learned is
   * informational (`byPolicyOf`).
   */
  readonly severities: readonly Severity[]
  /** The engine delivers these operations only. */
  readonly on: readonly Operation[]
  /** Events sharing a scope share a state: of an agent, or of an agent in one session. `none` has no state. */
  readonly scope: 'agent' | 'session' | 'none'
  /** Raise when `initial` changes shape; older state is then dropped and relearned. */
  readonly stateVersion: number
  /** Plain JSON data, bounded. */
  initial(): State
  /** Judges the event against what was known before it. Must not change `state`. Usually empty. */
  check(event: Telemetry, state: Readonly<State>, context: DetectionContext): readonly FindingDraft[]
  /** Absorbs the event. Keeps `state` bounded. `false` says that it left the state as it was, which spares writing it. */
  learn(event: Telemetry, state: State, context: DetectionContext): boolean | undefined
  /**
   * Called instead of `learn` when `check` of this detector gave findings for the event, not for a repeated one. For
   * remembering that it has spoken; what is normal must not be learned from the event.
   */
  spoke?(event: Telemetry, state: State, context: DetectionContext): boolean | undefined
}

/** Types a detector literal; what contributors write. */
export function defineDetector<State extends object>(detector: Detector<State>): Detector<State> {
  return detector
}

/** A detector whose state type the engine need not know. */
// biome-ignore lint/suspicious/noExplicitAny: the engine hands back the state it got from the same detector.
export type AnyDetector = Detector<any>
