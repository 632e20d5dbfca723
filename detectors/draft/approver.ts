/** Who approved an action, read from what collectors put into `approval.by`: a name, or the word of a coding agent. */
import type { Agent, Telemetry } from '../../schema/telemetry.ts'
import { namesOf } from '../draft/chain.ts'

export type Approver =
  /** Nobody is recorded. */
  | { readonly kind: 'nobody' }
  /** A setting, rule or hook: no human saw the action. */
  | { readonly kind: 'automatic'; readonly by: string }
  /** The agent, or another agent or service that it acts for. */
  | { readonly kind: 'itself'; readonly by: string }
  /** Somebody, under every name known of them; none for the user at the keyboard where telemetry does not say who that is. */
  | { readonly kind: 'person'; readonly by: string; readonly names: readonly string[] }

const words = (text: string): ReadonlySet<string> => new Set(text.split(' '))

/** What Claude Code, Codex, Gemini CLI and their like say when a setting let the call pass. */
const AUTOMATIC = words(
  'config auto auto_accept auto_approve automatic automated_reviewer automatedreviewer hook rule policy default never bypass yolo allowlist sandbox system',
)
/** What they say when the user at the keyboard did. */
const KEYBOARD = words(
  'user user_temporary user_permanent user_once user_session accept accepted approve approved modify proceed_once proceed_always human manual',
)
const SELF = words('self agent assistant model llm ai')

/** Who approved what an event tells of. */
export function approverOf(event: Telemetry): Approver {
  const by = event.approval?.by
  if (by === undefined) {
    return { kind: 'nobody' }
  }
  const people = event.subject_chain.filter(({ kind }) => kind === 'human')
  const word = by.trim().toLowerCase()
  const named = people.filter((person) => isNamed(person, by))
  if (named.length > 0) {
    return { kind: 'person', by, names: [by, ...named.flatMap(namesOf)] }
  }
  if (isItself(word, event)) {
    return { kind: 'itself', by }
  }
  if (AUTOMATIC.has(word) || KIND_PREFIX.test(word)) {
    return { kind: 'automatic', by }
  }
  return { kind: 'person', by, names: KEYBOARD.has(word) ? people.flatMap(namesOf) : [by] }
}

const KIND_PREFIX = /^(?:agent|service):/

function isItself(word: string, { agent, subject_chain: chain }: Telemetry): boolean {
  const bare = word.replace(KIND_PREFIX, '')
  return SELF.has(bare) || [agent, ...chain.filter(({ kind }) => kind !== 'human')].some((each) => isNamed(each, bare))
}

function isNamed(one: Pick<Agent, 'id' | 'name'>, name: string): boolean {
  return namesOf(one).some((each) => folded(each) === folded(name))
}

function folded(name: string): string {
  return name.trim().toLowerCase()
}
