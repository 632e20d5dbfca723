/**
 * What agents use of what policies grant: the common tongue of `telltale learn`, which proposes the entries that would
 * allow it, and `telltale entitlements`, which finds entries that nobody uses. Each section of a policy that can be
 * learned is a file of this folder.
 */
import type { PolicySection } from '../../schema/field-path.ts'
import type { Finding } from '../../schema/finding.ts'
import type { Policy } from '../../schema/policy.ts'
import type { Telemetry } from '../../schema/telemetry.ts'

/** An entry of a list of a policy, as it is written. */
export type PolicyEntry = string | { readonly name: string; readonly server: string }

/** One thing that an event used. `question` is what the section's judge is asked. */
export interface Used<Question = unknown> {
  /** The list whose entries allow it: `allow`, `scopes`. */
  readonly list: string
  /** The narrowest entry that allows it. */
  readonly entry: PolicyEntry
  readonly question: Question
  /** Asked for and not given, whatever became of the event. */
  readonly isDenied?: boolean
}

export interface LearnedSection<Name extends PolicySection = PolicySection, Question = unknown> {
  readonly section: Name
  /** Lists whose entries grant something, in the order they are written. */
  readonly lists: readonly string[]
  /** What an event used that this section decides about. */
  usesOf(event: Telemetry): readonly Used<Question>[]
  /** Whether a section of a policy allows a use. */
  judge(policy: NonNullable<Policy[Name]>): (used: Used<Question>) => boolean
  /** Whether a finding says no more than that this section is too narrow: an entry would have silenced it. */
  isNarrow(finding: Pick<Finding, 'detector' | 'evidence'>): boolean
  /** Lines written into every proposed section, each with what it is for behind it. */
  readonly always?: readonly string[]
}

// biome-ignore lint/suspicious/noExplicitAny: a section is handed its own questions and its own part of a policy only.
export type AnyLearnedSection = LearnedSection<any, any>

/** Types a section. */
export function defineLearned<Name extends PolicySection, Question>(
  section: LearnedSection<Name, Question>,
): LearnedSection<Name, Question> {
  return section
}

/** An entry in words, also what sorts and tells entries apart. */
export function entryText(entry: PolicyEntry): string {
  return typeof entry === 'string' ? entry : `${entry.name} on ${entry.server}`
}

export const NO_LINE = () => undefined

/** An entry that a policy grants. */
export interface Grant {
  readonly section: PolicySection
  readonly list: string
  readonly text: string
  readonly file: string
  readonly line: number | undefined
  covers(used: Used): boolean
}

/** What one policy grants, entry by entry. */
export interface Grants {
  readonly entries: readonly Grant[]
  /** Whether it allows a use; `undefined`: it says nothing of such things. */
  allows(section: PolicySection, used: Used): boolean | undefined
}
