/**
 * The compiled form of agent policies: what an agent may do, ready to be asked once per event.
 *
 * A policy is a closed world written in YAML (`rules/policies/*.yml`). For each agent the most specific policy
 * governs, alone; nothing is merged implicitly. An agent that no policy selects is watched and listed, and policy
 * detectors say nothing about it.
 */
import type { PolicySection } from '../schema/field-path.ts'
import type { PolicyMode } from '../schema/policy.ts'
import type { Agent, Destination, Tool } from '../schema/telemetry.ts'
import type { ApprovalRules } from './approvals.ts'
import type { Canaries } from './canaries.ts'
import type { DatasetRules } from './datasets.ts'
import type { DelegationRules } from './delegation.ts'
import type { IntegrityPins } from './integrity.ts'
import type { Grants } from './learn/use.ts'
import type { Limit } from './limits.ts'
import type { PurposeRules } from './purpose.ts'
import type { SpawningRules } from './spawning.ts'
import type { TokenRules } from './tokens.ts'
import type { ListedTool } from './tools.ts'
import type { Verdict } from './verdict.ts'

export interface CompiledPolicy {
  readonly id: string
  readonly file: string
  /** `learn`: judged, and what is found pages nobody. `off`: loaded and listed, never judged. */
  readonly mode: PolicyMode
  readonly owner: string | undefined
  /** What it judges: the sections it has, none when it is off. */
  readonly sections: readonly PolicySection[]
  /** From `atMs` on, in event time, it governs no more. `text` is what the file says at `line`. */
  readonly expires: { readonly atMs: number; readonly text: string; readonly line: number } | undefined
  /** `undefined` when the policy says nothing about tools, or is off. */
  judgeTool(tool: Tool): Verdict | undefined
  /** The names that its lists of tools hold, for judging what looks like them. Empty when it lists none, or is off. */
  readonly listedTools: readonly ListedTool[]
  /** `undefined` when the policy says nothing about egress, or is off. Never throws, whatever the host is. */
  judgeDestination(destination: Destination): Verdict | undefined
  /** Whether it says where the agent may send data: `egress.allow` is there. Ports, methods and denials alone do not. */
  readonly listsDestinations: boolean
  /** What it may be made of; `undefined` when the policy pins nothing, or is off. */
  readonly integrity: IntegrityPins | undefined
  /** What no honest work touches. `undefined` when the policy names no decoys, or is off. */
  readonly canaries: Canaries | undefined
  /** `undefined` when the policy says nothing about data, or is off. */
  readonly datasets: DatasetRules | undefined
  /** `undefined` when the policy declares no purpose, or is off. */
  readonly purpose: PurposeRules | undefined
  /** Empty when the policy limits nothing, or is off. */
  readonly limits: readonly Limit[]
  /**
   * Hashed shingles (see `rules/shingles.ts`) of each system prompt registered for this agent, so that leakage is found
   * although the prompt itself is stored nowhere. Empty when none is registered, or the policy is off.
   */
  readonly registeredPrompts: readonly ReadonlySet<number>[]
  /** `undefined` when the policy says nothing about delegation, or is off; likewise those that follow. */
  readonly delegation: DelegationRules | undefined
  readonly spawning: SpawningRules | undefined
  readonly tokens: TokenRules | undefined
  readonly approvals: ApprovalRules | undefined
  /** What it grants, entry by entry; made anew each time. Nothing when it is off. */
  grants(): Grants
}

export interface PolicySet {
  /** Those that govern somebody; what is only extended is not among them. */
  readonly policies: readonly CompiledPolicy[]
  /** The policy that governs an agent at a time (of the event), or `undefined`. Called once per event: cached inside. */
  governing(agent: Agent, atMs: number): CompiledPolicy | undefined
  /**
   * The policy of an agent of which only some fields are known, such as one of a chain: the one that governs it whatever the
   * others are. `undefined` where a more specific policy asks for one of these.
   */
  governingKnown(agent: Agent, atMs: number): CompiledPolicy | undefined
}
