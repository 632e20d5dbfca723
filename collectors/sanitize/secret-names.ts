/** Which names say that what they name is a secret. */
import { ownCopy } from './text.ts'

/**
 * What a name means: always a secret; a password; `pass`, which may be a test result; `key`, which needs a word before
 * it or a query around it; a name that is secret only in a query; cookies; or nothing.
 */
export type Meaning = 'secret' | 'password' | 'pass' | 'key' | 'query' | 'cookie' | 'plain'

/** The end of a name, after `camelCase` and `kebab-case` became `snake_case`. */
const SECRET_NAME =
  /(?:passwords?|passwd|passphrase|passcode|secrets?|token|credentials?|(?:api|access|secret|private|account|subscription|signing|encryption|decryption|master|license|auth|ssh|storage|service|function|host)_?keys?|sharedaccesskey|accountkey|authorization|connection_?string)$|[^a-z]pass$|(?:^|[^a-z])(?:pw|pwd|cvv2?|cvc2?|ssn|otp|totp|sas|_auth|bearer|jwt|dsn)$/
/** Names that end alike and hold no secret. */
const NOT_SECRET =
  /(?:page|next|continuation|cursor|max|min|eos|bos|pad|unk|stop|special|per|first|last|new|sync|delimiter|mask|num|total|input|output|prompt|completion|sas)_?token$|(?:^|_)(?:no|has|is|reset|forgot)_?(?:password|token)$/
/** Names that hold a secret in a query string, though nowhere else. */
const QUERY_NAME =
  /^(?:x_amz_(?:signature|credential)|x_goog_(?:signature|credential)|sig|signature|key|code|auth|hmac|sign)$/
const COOKIE_NAME = /^(?:set_)?cookie2?$/

const PASSWORD_NAME = /pass|pwd|pw$/

// The last two letters of every name above: enough to pass over most others without making a string of them.
const ENDINGS = new Uint8Array(65_536)
for (const ending of 'rd wd se de et ts en al ls ey ys on ng ss pw vv v2 vc c2 sn tp as th er wt re ig ac gn ie e2'.split(
  ' ',
)) {
  ENDINGS[ending.charCodeAt(0) * 256 + ending.charCodeAt(1)] = 1
}

/** False when a name that ends with these two characters means nothing; asked before anything else. */
export function endsLikeSecret(last2: number, last: number): boolean {
  // Sets the bit that makes an ASCII letter lower case, and leaves digits as they are.
  return last2 < 128 && last < 128 && ENDINGS[(last2 | 32) * 256 + (last | 32)] === 1
}

const REMEMBERED = 4096
const meanings = new Map<string, Meaning>()

/** Asked for every name before a `=` or `:`; names repeat, so they are judged once. */
export function meaningOf(name: string): Meaning {
  const known = meanings.get(name)
  if (known !== undefined) {
    return known
  }
  const meaning = judge(normalName(name))
  if (meanings.size >= REMEMBERED) {
    meanings.clear()
  }
  meanings.set(ownCopy(name), meaning)
  return meaning
}

/** True when what is called `name` is a secret. Also asked for attribute keys. */
export function isSecretName(name: string): boolean {
  const meaning = meaningOf(name)
  return meaning === 'secret' || meaning === 'password'
}

function judge(name: string): Meaning {
  if (SECRET_NAME.test(name) && !NOT_SECRET.test(name)) {
    return PASSWORD_NAME.test(name) ? 'password' : 'secret'
  }
  if (name === 'pass' || name === 'key') {
    return name
  }
  if (COOKIE_NAME.test(name)) {
    return 'cookie'
  }
  return QUERY_NAME.test(name) ? 'query' : 'plain'
}

function normalName(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/[-. ]/g, '_')
    .toLowerCase()
}
