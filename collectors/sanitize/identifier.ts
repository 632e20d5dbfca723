/**
 * Identifiers: agents, sessions, tools, services, datasets, subjects, models. They are what profiles, policies and
 * joins are keyed by, so personal data in them stays (a subject's e-mail address *is* its identity, and recording
 * who acted is the purpose of the record); secrets do not.
 */
import { hash } from 'node:crypto'
import { NAME_LIMIT } from '../../schema/telemetry.ts'
import { maskSecrets } from './mask.ts'
import { cut, printable } from './text.ts'

const REMEMBERED = 4096
const REMEMBERED_LENGTH = 128
const seen = new Map<string, string | undefined>()

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
  const known = seen.get(value)
  if (known !== undefined) {
    return known
  }
  const cleaned = clean(value)
  if (seen.size >= REMEMBERED) {
    seen.clear()
  }
  seen.set(value, cleaned)
  return cleaned
}

function clean(value: string): string | undefined {
  // Masked before and after, since what is invisible may hide the beginning of a key, or part it.
  const first = maskSecrets(value)
  const name = printable(first.text)
  const { text, guessable } = maskSecrets(name)
  if (text === name && first.text === value) {
    return cut(name, NAME_LIMIT) || undefined
  }
  // A digest of a password could be looked up; that of a random key cannot.
  const suffix = guessable || first.guessable ? '' : `#${hash('sha256', value, 'hex').slice(0, 16)}`
  return cut(text, NAME_LIMIT - suffix.length) + suffix
}
