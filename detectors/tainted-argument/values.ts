/** The values of a call's arguments that say to whom, where, which or what. */
import { jsonOf } from '../text/json.ts'
import { tokensOf } from './tokens.ts'

export interface ArgumentValue {
  readonly name: string
  readonly text: string
  readonly tokens: readonly number[]
  /** It is masked as a whole: any other of its kind looks the same. */
  readonly masked: boolean
}

/** Prose and what says nothing of the target. */
const PROSE =
  /^(?:body|content|text|message|description|notes?|summary|comment|date|start_time|end_time|time|amount|limit|page|n|count|language|format|currency|recurring|read|all_day|query|thought)$/i
/** Text that is edited or made: whatever it quotes is no target. */
const MADE = /^(?:(?:old|new|file)_?(?:str|text|string)|code|html|markdown|css|content_md)$/i
const ADDRESS = /https?:\/\/[^\s"'<>)\]]{4,200}|\[masked:[a-z-]{2,30}\]/g
/** The longest value that is one, in UTF-16 units and words, and the most of one call. */
const LENGTH = 200
const WORDS = 24
const LIMIT = 32
const DEPTH = 4

/** Reads the arguments as JSON; addresses in prose are values, too. */
export function argumentValues(text: string): readonly ArgumentValue[] {
  const found: ArgumentValue[] = []
  const value = jsonOf(text)
  if (value === undefined) {
    collectPairs(text, found)
  } else {
    collect(value, '', found, 0)
  }
  return found
}

const PAIR = /"([\w-]{1,60})"\s{0,3}:\s{0,3}(?:\[\s{0,3})?"([^"\\]{1,200})"/g

/** JSON that was cut, or that something follows. */
function collectPairs(text: string, found: ArgumentValue[]): void {
  for (const [, name, value] of text.matchAll(PAIR)) {
    if (found.length >= LIMIT) {
      return
    }
    add(value as string, name as string, found)
  }
}

function collect(value: unknown, name: string, found: ArgumentValue[], depth: number): void {
  if (found.length >= LIMIT || depth > DEPTH || value === null) {
    return
  }
  if (Array.isArray(value)) {
    for (const each of value) {
      collect(each, name, found, depth + 1)
    }
  } else if (typeof value === 'object') {
    for (const [key, each] of Object.entries(value)) {
      collect(each, key, found, depth + 1)
    }
  } else if (typeof value === 'string' || typeof value === 'number') {
    add(String(value), name, found)
  }
}

function add(text: string, name: string, found: ArgumentValue[]): void {
  if (MADE.test(name)) {
    return
  }
  const pieces = PROSE.test(name) || text.length > LENGTH ? (text.match(ADDRESS) ?? []).slice(0, 4) : [text]
  for (const piece of pieces) {
    const tokens = tokensOf(piece, WORDS)
    if (tokens.length > 0) {
      found.push({ name, text: piece, tokens, masked: /^\[masked:[a-z-]{2,30}\]$/.test(piece) })
    }
  }
}
