/**
 * Identifiers: agents, sessions, tools, services, datasets, subjects, models. They are what profiles, policies and
 * joins are keyed by, so personal data in them stays (a subject's e-mail address *is* its identity, and recording
 * who acted is the purpose of the record); secrets do not.
 */
import { hash } from 'node:crypto'
import { cut } from '../../schema/cut.ts'
import { NAME_LIMIT } from '../../schema/telemetry.ts'
import { maskSecrets } from './mask.ts'
import { inOneLine, ownCopy, printable } from './text.ts'

const REMEMBERED = 4096
const REMEMBERED_LENGTH = 128
// Two generations: what was asked for since the last change stays, what was not is forgotten with the older one.
let young = new Map<string, string | undefined>()
let old: ReadonlyMap<string, string | undefined> = new Map()

/**
 * A name fit to keep: printable, at most `NAME_LIMIT`, without secrets; `undefined` when nothing remains. Where a
 * generated key was masked, a digest of the original follows, so that two sessions named by two tokens stay two.
 */
export function identifier(value: string | undefined): string | undefined {
  if (typeof value !== 'string') {
    return undefined
  }
  if (value.length > REMEMBERED_LENGTH) {
    return clean(value)
  }
  // The same few names come with every record; most of the cost of one more record is saved here.
  return young.get(value) ?? remember(value, old.get(value) ?? clean(value))
}

function remember(value: string, cleaned: string | undefined): string | undefined {
  if (young.size >= REMEMBERED) {
    old = young
    young = new Map()
  }
  const name = ownCopy(value)
  const kept = cleaned === undefined || cleaned === value ? cleaned && name : ownCopy(cleaned)
  young.set(name, kept)
  return kept
}

function clean(value: string): string | undefined {
  const { text, isWhole, isGuessable } = masked(value)
  if (isWhole) {
    return cut(text, NAME_LIMIT) || undefined
  }
  // A digest of a password could be looked up; that of a random key cannot.
  const suffix = isGuessable ? '' : `#${hash('sha256', value, 'hex').slice(0, 16)}`
  return cut(text, NAME_LIMIT - suffix.length) + suffix
}

/** The same for what is no identity of its own, and whose end says something: a host. No digest follows. */
export function withoutSecrets(value: string): string {
  return identifier(value) === value ? value : masked(value).text
}

/**
 * The name of a tool: as `identifier`, and with the characters in it that nobody sees. A name that hides some is another
 * name than the one it is read as, and a policy that allows that one must not be asked about it instead.
 */
export function toolName(value: string | undefined): string | undefined {
  const name = identifier(value)
  if (name === undefined || typeof value !== 'string' || name === value) {
    return name
  }
  const visible = cut(printable(value), NAME_LIMIT)
  return visible === name ? cut(inOneLine(value), NAME_LIMIT) : name
}

interface Masked {
  readonly text: string
  /** Nothing was masked. */
  readonly isWhole: boolean
  readonly isGuessable: boolean
}

/** Masked before and after it is made printable, since what is invisible may hide the beginning of a key, or part it. */
function masked(value: string): Masked {
  const first = maskSecrets(value)
  const name = printable(first.text)
  const { text, guessable } = name === first.text ? first : maskSecrets(name)
  return { text, isWhole: text === name && first.text === value, isGuessable: guessable || first.guessable }
}
