/**
 * Whether what has the form of a key can be one: checksums where vendors put some in, the structure inside, and the words
 * and repetitions that only examples have. What fails is masked all the same; its mask says that it failed.
 */
import { crc32 } from 'node:zlib'

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const CHECKSUM_LENGTH = 6
/** `prefix_`, thirty random characters and six of checksum. */
const WITH_CHECKSUM = /^(?:gh[pousr]|npm)_([A-Za-z0-9]{30})([A-Za-z0-9]{6})$/
/** What nobody's generator writes: words of examples, the same four characters in a row. */
const EXAMPLE = /example|placeholder|redacted|dummy|sample|your[-_]|(.)\1{3}/i
/** A key of fewer different characters was typed, not generated. */
const FEWEST_CHARACTERS = 7
/** DER begins with a sequence, `0x30`, of more than 127 bytes or of fewer. */
const DER_SEQUENCE = 0x30

/** Whether a key of this kind, as it stood in the text, passes the checks that there are. Pure. */
export function isVerified(kind: string, key: string): boolean {
  switch (kind) {
    case 'jwt':
      return hasJoseHeader(key)
    case 'private-key':
      return hasKeyBody(key)
    default:
      return !EXAMPLE.test(key) && new Set(key).size >= FEWEST_CHARACTERS && checksumHolds(key)
  }
}

/**
 * GitHub and npm end their tokens with the CRC32 of the random part, in base 62 (github.blog, "Behind GitHub's new
 * authentication token formats", 2021). Tokens of other lengths have none.
 */
function checksumHolds(key: string): boolean {
  const match = WITH_CHECKSUM.exec(key)
  return match === null || checksumOf(match[1] ?? '') === match[2]
}

/** The checksum of the random part of such a token. */
export function checksumOf(random: string): string {
  let rest = crc32(random)
  let digits = ''
  while (digits.length < CHECKSUM_LENGTH) {
    digits = (BASE62[rest % 62] ?? '0') + digits
    rest = Math.floor(rest / 62)
  }
  return digits
}

/** The first part of a token is JSON and names an algorithm (RFC 7515, RFC 7516). */
function hasJoseHeader(token: string): boolean {
  const [header = ''] = token.split('.', 1)
  const text = Buffer.from(header, 'base64url').toString('utf8')
  return text.trimStart().startsWith('{') && /"alg"\s*:\s*"[^"]+"/.test(text)
}

/** Between the lines of armor stands DER, an OpenSSH key, or something encrypted or of PGP, which shows no structure. */
function hasKeyBody(armor: string): boolean {
  if (armor.includes('PGP') || armor.includes('ENCRYPTED')) {
    return true
  }
  const body = armor
    .slice(armor.indexOf('KEY-----') + 8, 400)
    .replaceAll(/\\+[nr]|\s/g, '')
    .slice(0, 24)
  const bytes = Buffer.from(body, 'base64')
  return bytes[0] === DER_SEQUENCE || bytes.toString('latin1').startsWith('openssh-key-v1')
}
