/** Tools whose very name says that they change what an agent is: `update_prompt`, `memory.write`, `grant_role`. */
import { TextMemory } from '../../schema/text-memory.ts'
import { wordsOf } from '../text/name-words.ts'
import type { Part } from './targets.ts'

const CHANGING = new Set(
  'write update set edit add append create register install enable disable modify change replace override delete remove grant assign attach elevate save store upsert patch reset'.split(
    ' ',
  ),
)

/** What is changed, by words that must all be in the name. */
const OBJECTS: readonly (readonly [readonly string[], Part])[] = [
  [['system', 'prompt'], 'instructions'],
  [['prompt'], 'instructions'],
  [['instructions'], 'instructions'],
  [['guardrail'], 'guardrails'],
  [['guardrails'], 'guardrails'],
  [['safety', 'settings'], 'guardrails'],
  [['safety', 'filter'], 'guardrails'],
  [['moderation', 'settings'], 'guardrails'],
  [['moderation', 'filter'], 'guardrails'],
  [['permission'], 'permissions'],
  [['permissions'], 'permissions'],
  [['role'], 'permissions'],
  [['privilege'], 'permissions'],
  [['privileges'], 'permissions'],
  [['scopes'], 'permissions'],
  [['mcp', 'server'], 'tools'],
  [['tool'], 'tools'],
  [['tools'], 'tools'],
  [['plugin'], 'tools'],
  [['agent', 'skill'], 'tools'],
  [['memory'], 'memory'],
  [['memories'], 'memory'],
  [['agent', 'config'], 'configuration'],
  [['agent', 'settings'], 'configuration'],
  [['own', 'config'], 'configuration'],
]
/** What is written all day long, and is never taken away for a good reason. */
const WATCHING = new Set('audit telemetry monitoring tracing'.split(' '))
const SILENCING = new Set('disable delete remove reset modify override stop pause'.split(' '))
/** Changed for customers and documents all day long: `set_user_role` is somebody's job, `assign_role` to oneself is not. */
const OTHERS = new Set(
  'user users customer customers member members employee ticket order document page image prompts'.split(' '),
)

/** UTF-16 units of the names whose part is remembered: an agent calls the same few tools. */
const REMEMBERED = 64 * 1024
const parts = new TextMemory(partOfName, REMEMBERED, 'first')

/** Which part a tool of this name changes; `undefined` for any other. */
export function changedByName(name: string): Part | undefined {
  return parts.of(name)
}

function partOfName(name: string): Part | undefined {
  const words = wordsOf(name)
  if (words.some((word) => WATCHING.has(word)) && words.some((word) => SILENCING.has(word))) {
    return 'monitoring'
  }
  if (!words.some((word) => CHANGING.has(word)) || words.some((word) => OTHERS.has(word))) {
    return undefined
  }
  return OBJECTS.find(([object]) => object.every((word) => words.includes(word)))?.[1]
}
