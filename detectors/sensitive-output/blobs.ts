/**
 * Encoded blobs: long runs of base64, base32, hexadecimal or percent escapes, and what they hold. Encoding is how data
 * passes filters that look for it.
 *
 * Silent on what is encoded for a good reason and is recognised by its form: pictures, fonts, sound and documents by
 * their first bytes, hashes by their length, certificates and public keys by what stands before them.
 */
import { nextRun, runEnd, unitsIn } from '../text/long-runs.ts'
import { unitsOf } from '../text/text-units.ts'

/** Shorter runs are ids, hashes and tokens. */
const SHORTEST = 80
/** So many escapes in a row: `%43`. */
const FEWEST_ESCAPES = 16
/** So much of a run is decoded. */
const DECODED = 4096
/** Binary data is told from ids and signatures by its length alone. */
const LARGE_BINARY = 600
/** The most runs of one text that are looked at. */
const MOST_RUNS = 8
/** Bits a character: words and paths have less, base64 of any text has more. Of base32 and hexadecimal likewise. */
const LEAST_ENTROPY = { base64: 4.7, base32: 4, hexadecimal: 2.6 } as const

export type Holding = 'credentials' | 'text' | 'compressed' | 'binary'

export interface Blob {
  readonly encoding: 'base64' | 'base32' | 'hexadecimal' | 'percent-encoding'
  readonly holds: Holding
  /** As it stands in the text, in characters. */
  readonly length: number
  /** What it holds, when that can be read; for comparison, never for evidence: it may hold secrets. */
  readonly text: string
  /** Its beginning, as it stands. Agent-supplied: untrusted. */
  readonly beginning: string
}

const RUN_UNITS = unitsIn(/[A-Za-z0-9+/_-]/)
/** How much padding is taken for part of a run. */
const PADDING = 8
const EQUALS = 61
/** The shortest line of base64 that goes on in the next; in JSON line breaks are written. */
const LINE = 40
const WRAPPED = new RegExp(`(?<=[A-Za-z0-9+/]{${LINE}})(?:\\r?\\n|\\\\r\\\\n|\\\\n)(?=[A-Za-z0-9+/]{4})`, 'g')
const ESCAPES = new RegExp(`(?:%[0-9a-f]{2}){${FEWEST_ESCAPES},}`, 'gi')
/** So much of escaped text is letters and digits, which need no escapes: somebody hides something. */
const NEEDLESS = 0.6
const HEX = /^[0-9a-fA-F]+$/
const BASE32 = /^[A-Z2-7]+=*$/
const BASE32_ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
/** Hashes, and pairs of them, in hexadecimal digits. */
const HASH_LENGTHS = new Set([96, 128])
/** What stands before what is meant to be public. */
const PUBLIC =
  /(?:data:[\w.+/-]{1,80};base64,|BEGIN (?:CERTIFICATE|PUBLIC KEY|RSA PUBLIC KEY|CERTIFICATE REQUEST)-{5}\s*|ssh-[a-z0-9-]{3,24} |ecdsa-[a-z0-9-]{3,30} |sha(?:256|384|512)[-:])$/
const LOOK_BACK = 120

/** The largest number of bytes in any of these. */
const MAGIC_LENGTH = 8
/** First bytes of files that have a reason to travel as text, in hexadecimal. */
const FILES = [
  '89504e47', // PNG
  'ffd8ff', // JPEG
  '47494638', // GIF
  '52494646', // WebP, WAV
  '424d', // BMP
  '00000100', // icon
  '3c737667', // SVG
  '25504446', // PDF
  '774f4646', // WOFF
  '774f4632',
  '00010000', // TrueType
  '4f54544f',
  '494433', // MP3
  'fffb',
  '4f676753', // Ogg
  '664c6143', // FLAC
  '0061736d', // WebAssembly
]
const COMPRESSED = ['1f8b', '504b0304', '425a68', '377abcaf', 'fd377a58', '28b52ffd', '52617221']

/** What decoded text has that nobody hides for fun. */
const CREDENTIALS =
  /-----BEGIN |\b(?:AKIA|ASIA)[A-Z2-7]{16}\b|\bgh[pousr]_\w{30}|\bsk-[\w-]{20}|\bxox[abp]-|(?:password|passwd|secret|api[_-]?key|access[_-]?key|token|private[_-]?key)["']?\s{0,3}[=:]|\b\d{3}-\d{2}-\d{4}\b/i

/** The encoded blobs of a text that are not public by their form, in order. Pure, linear in the text. */
export function blobsIn(text: string): readonly Blob[] {
  if (text.length < 3 * FEWEST_ESCAPES) {
    return []
  }
  const joined = isWrapped(text) ? text.replace(WRAPPED, '') : text
  const blobs: Blob[] = []
  const searched = { units: unitsOf(joined), size: joined.length }
  let start = nextRun(searched, 0, SHORTEST, RUN_UNITS)
  for (let runs = 0; start >= 0 && runs < MOST_RUNS; runs += 1) {
    let end = runEnd(searched, start, RUN_UNITS)
    for (let padding = 0; padding < PADDING && joined.charCodeAt(end) === EQUALS; padding += 1) {
      end += 1
    }
    const blob = PUBLIC.test(joined.slice(Math.max(0, start - LOOK_BACK), start))
      ? undefined
      : readRun(joined.slice(start, end))
    if (blob !== undefined) {
      blobs.push(blob)
    }
    start = nextRun(searched, end, SHORTEST, RUN_UNITS)
  }
  const escaped = joined.includes('%') ? escapedBlob(joined) : undefined
  return escaped === undefined ? blobs : [...blobs, escaped]
}

/** Whether there is a line of base64 and a line break. */
function isWrapped(text: string): boolean {
  return (
    (text.includes('\n') || text.includes('\\n')) &&
    nextRun({ units: unitsOf(text), size: text.length }, 0, LINE, RUN_UNITS) >= 0
  )
}

/** The first run of escapes that needed none. */
function escapedBlob(text: string): Blob | undefined {
  for (const [run] of text.matchAll(ESCAPES)) {
    const decoded = Buffer.from(run.slice(0, DECODED).replaceAll('%', ''), 'hex').toString('latin1')
    if ((decoded.match(/[A-Za-z0-9]/g)?.length ?? 0) >= NEEDLESS * decoded.length) {
      return blobOf('percent-encoding', run, decoded, holdingOf(decoded))
    }
  }
  return undefined
}

/** Text that some encoding of a word spells, when the word is long enough to hold any. For values in URLs. */
export function encodedText(word: string, least: number): string | undefined {
  if (word.length < least) {
    return undefined
  }
  for (const decoded of decodings(word)) {
    const text = decoded.toString('utf8')
    if (isReadable(text)) {
      return text
    }
  }
  return undefined
}

function readRun(run: string): Blob | undefined {
  const encoding = encodingOf(run)
  if (encoding === undefined) {
    return undefined
  }
  const bytes = decode(encoding, run.slice(0, DECODED))
  const magic = bytes.subarray(0, MAGIC_LENGTH).toString('hex')
  if (FILES.some((start) => magic.startsWith(start))) {
    return undefined
  }
  if (COMPRESSED.some((start) => magic.startsWith(start))) {
    return blobOf(encoding, run, '', 'compressed')
  }
  const text = bytes.toString('utf8')
  if (isReadable(text)) {
    return blobOf(encoding, run, text, holdingOf(text))
  }
  return run.length < LARGE_BINARY ? undefined : blobOf(encoding, run, '', 'binary')
}

function blobOf(encoding: Blob['encoding'], run: string, text: string, holds: Holding): Blob {
  return { encoding, holds, length: run.length, text, beginning: run.slice(0, 80) }
}

const holdingOf = (text: string): Holding => (CREDENTIALS.test(text) ? 'credentials' : 'text')

function encodingOf(run: string): 'base64' | 'base32' | 'hexadecimal' | undefined {
  if (HEX.test(run)) {
    return run.length % 2 !== 0 || HASH_LENGTHS.has(run.length) || entropy(run) < LEAST_ENTROPY.hexadecimal
      ? undefined
      : 'hexadecimal'
  }
  if (BASE32.test(run) && entropy(run) >= LEAST_ENTROPY.base32 && !isReadable(decode('base64', run).toString('utf8'))) {
    return 'base32'
  }
  return /[a-z]/.test(run) && /[A-Z]/.test(run) && entropy(run) >= LEAST_ENTROPY.base64 ? 'base64' : undefined
}

function decodings(word: string): readonly Buffer[] {
  if (HEX.test(word) && word.length % 2 === 0) {
    return [decode('hexadecimal', word)]
  }
  return BASE32.test(word) ? [decode('base32', word), decode('base64', word)] : [decode('base64', word)]
}

function decode(encoding: 'base64' | 'base32' | 'hexadecimal', run: string): Buffer {
  switch (encoding) {
    case 'hexadecimal':
      return Buffer.from(run, 'hex')
    case 'base32':
      return fromBase32(run)
    default:
      // Both alphabets, with and without padding.
      return Buffer.from(run, 'base64')
  }
}

/** RFC 4648. */
function fromBase32(run: string): Buffer {
  const bytes: number[] = []
  let bits = 0
  let value = 0
  for (const sign of run) {
    const digit = BASE32_ALPHABET.indexOf(sign)
    if (digit < 0) {
      break
    }
    value = ((value << 5) | digit) & 0xfff
    bits += 5
    if (bits >= 8) {
      bits -= 8
      bytes.push((value >> bits) & 0xff)
    }
  }
  return Buffer.from(bytes)
}

/** Text that a person or a program would read: nearly all of it printable, and words in it. */
function isReadable(text: string): boolean {
  let good = 0
  let letters = 0
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index)
    const letter = (code | 32) >= 97 && (code | 32) <= 122
    letters += letter ? 1 : 0
    good += (code >= 32 && code < 127) || code === 10 || code === 13 || code === 9 ? 1 : 0
  }
  return text.length >= 8 && good >= 0.97 * text.length && letters >= 0.4 * text.length
}

/** Shannon's, in bits a character, of ASCII. */
function entropy(run: string): number {
  const counts = new Uint16Array(128)
  for (let index = 0; index < run.length; index += 1) {
    const code = run.charCodeAt(index) & 127
    counts[code] = (counts[code] as number) + 1
  }
  let bits = 0
  for (const count of counts) {
    bits -= count === 0 ? 0 : (count / run.length) * Math.log2(count / run.length)
  }
  return bits
}
