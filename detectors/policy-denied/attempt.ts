/**
 * What was attempted, in a form that two attempts can be compared in: the tool, what it was aimed at, what it does, and the
 * words of its arguments. Whether one attempt is another way to what the other was denied is decided here alone.
 */

import { idOf } from '../../schema/ids.ts'
import type { Act } from '../../schema/policy/purpose.ts'
import type { Telemetry } from '../../schema/telemetry.ts'
import { TextMemory } from '../../schema/text-memory.ts'
import { actsOf } from '../draft/acts.ts'

/** The most words of arguments that say what a call is about; what has more is a text, and is not compared. */
const WORDS_KEPT = 24
/** How many words more than the denied call another one may have and still be about the same. */
const MORE_WORDS = 12
const WORD_LENGTH = 32
/** The most datasets, and the most hosts, of one attempt. */
const TARGETS_KEPT = 8

/** Plain data: kept in state for attempts that were denied. */
export interface Attempt {
  readonly timeMs: number
  /** A hash of the tool and its server; of the operation where there is no tool. */
  readonly tool: string
  /** Hashes of the datasets and hosts it is about. */
  readonly targets: readonly string[]
  readonly acts: readonly Act[]
  /** A hash of the arguments, `undefined` when they are not recorded. */
  readonly arguments: string | undefined
  /** The words in the values of the arguments, sorted; empty when there are too many or none. */
  readonly words: readonly string[]
}

/** How one attempt reached what another was denied. */
export type Way = 'other-tool-same-target' | 'other-tool-same-arguments' | 'changed-arguments'

/** `"path": ` is how the tool calls it, not what it is about. */
const KEY = /"[\w.-]{1,64}"\s{0,4}:/g
const WORD = /[\p{L}\p{N}]{3,64}/gu

const wordsOf = new TextMemory(readWords, 512 * 1024, 'second')

function readWords(text: string): readonly string[] {
  const words = new Set<string>()
  for (const [word] of text.replaceAll(KEY, ' ').matchAll(WORD)) {
    words.add(word.toLowerCase().slice(0, WORD_LENGTH))
    if (words.size > WORDS_KEPT + MORE_WORDS) {
      return []
    }
  }
  return [...words].sort()
}

/** Reads an event as an attempt. */
export function attemptOf(event: Telemetry): Attempt {
  const { tool, content } = event
  const text = content?.arguments
  const operations = event.dataset_scope.flatMap(({ operation }) => operation ?? [])
  const words = text === undefined ? [] : wordsOf.of(text)
  return {
    timeMs: event.time_ms,
    tool: toolOf(event),
    targets: [
      ...new Set([
        ...event.dataset_scope.slice(0, TARGETS_KEPT).map(({ id }) => idOf('dataset', id).slice(0, 16)),
        ...event.destinations.slice(0, TARGETS_KEPT).map(({ host }) => idOf('host', host).slice(0, 16)),
      ]),
    ],
    acts: [...(operations.length > 0 ? new Set(operations) : actsOf(event))],
    arguments: text === undefined ? undefined : idOf(tool?.name ?? '', text).slice(0, 16),
    words,
  }
}

function toolOf({ tool, operation }: Telemetry): string {
  return idOf(tool === null ? operation : 'tool', tool?.name ?? '', tool?.server ?? '').slice(0, 16)
}

/** A hash of what was tried, so that the same thing denied again is one. */
export function targetOf(attempt: Attempt): string {
  return idOf(attempt.tool, ...[...attempt.targets].sort()).slice(0, 16)
}

/** Whether a success is another way to what was denied before. */
export function otherWay(denied: Attempt, success: Attempt): Way | undefined {
  if (denied.tool === success.tool) {
    return changed(denied, success) ? 'changed-arguments' : undefined
  }
  if (!sameActs(denied.acts, success.acts)) {
    return undefined
  }
  if (denied.targets.some((target) => success.targets.includes(target))) {
    return 'other-tool-same-target'
  }
  const { words } = denied
  const near = words.length >= 2 && words.length <= WORDS_KEPT && success.words.length <= words.length + MORE_WORDS
  return near && words.every((word) => success.words.includes(word)) ? 'other-tool-same-arguments' : undefined
}

const NUMBER = /^\d+$/

/** Written otherwise, or with other numbers, and about the same. */
function changed(denied: Attempt, success: Attempt): boolean {
  if (denied.arguments === undefined || success.arguments === undefined || denied.arguments === success.arguments) {
    return false
  }
  const named = (words: readonly string[]) => words.filter((word) => !NUMBER.test(word))
  const before = named(denied.words)
  return before.length >= 2 && before.length <= WORDS_KEPT && before.join(' ') === named(success.words).join(' ')
}

/** Reading what may not be deleted goes around nothing; a shell can do anything. */
function sameActs(denied: readonly Act[], success: readonly Act[]): boolean {
  return (
    denied.length === 0 ||
    success.length === 0 ||
    success.includes('run') ||
    denied.some((act) => success.includes(act))
  )
}
