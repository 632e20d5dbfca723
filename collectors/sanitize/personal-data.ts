/**
 * Personal data by its form: e-mail addresses, telephone numbers, payment cards (Luhn), IBANs (mod 97), US social
 * security numbers. Conservative on numbers: telemetry is full of ids and times that only look like them.
 */
import { classOf, DIGIT, LETTER, UPPER, WORD } from './characters.ts'
import { isMasked, type Match } from './match.ts'

const LOCAL_LENGTH = 64
const DOMAIN_LENGTH = 253
const NOT_USERINFO = /[\s/"'`\\<]/

// Separators are the same throughout a number, and nothing word-like stands at either end.
const CARD =
  /(?<![\w.-])(?=[3-6]|2[2-7])(?:\d{13,19}|\d{4}([ -])\d{4}\1\d{4}\1\d{4}(?:\1\d{1,3})?|\d{4}([ -])\d{6}\2\d{4,5})(?![\w-]|\.\d)/g
// Numbers that are never issued too: other taxpayer numbers begin with 9, and hardly anything else is written like this.
const SOCIAL_SECURITY = /(?<![\w.-])\d{3}-\d{2}-\d{4}(?![\w-]|\.\d)/g
const TELEPHONE = /(?<![\w.-])(?:1[-. ])?(?:\(\d{3}\) ?|\d{3}([-.]))\d{3}[-.]\d{4}(?![\w-]|\.\d)/g
/** Prefixes and lengths of the payment networks. */
const ISSUER =
  /^(?:4(?:\d{12}|\d{15}|\d{18})|(?:5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720)\d*|3[47]\d{13}|6(?:011|4[4-9]|5)\d*|35(?:2[89]|[3-8])\d*|3(?:0[0-5]|[68])\d{11,12}|62\d*|(?:5018|5020|5038|6304|6759|676[1-3])\d*)$/
/** The fewest digits of anything in these patterns. */
const LEAST_DIGITS = 9

/** Length of an IBAN by country. */
const IBAN_LENGTHS: ReadonlyMap<string, number> = new Map(
  `AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24
   FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21
   LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22
   RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20`
    .split(/\s+/)
    .map((entry) => [entry.slice(0, 2), Number(entry.slice(2))] as const),
)

/** The address around the `@` at `at` (of width 1, or 3 for `%40`), none of it before `border`. */
export function findEmail(text: string, at: number, width: number, border: number): Match | undefined {
  const from = at + width
  let end = from
  while (end - from < DOMAIN_LENGTH && isDomain(text.charCodeAt(end))) {
    end += 1
  }
  while (end > from && (classOf(text.charCodeAt(end - 1)) & (LETTER | DIGIT)) === 0 && text.charCodeAt(end - 1) < 128) {
    end -= 1
  }
  const domain = text.slice(from, end)
  const dot = domain.lastIndexOf('.')
  if (dot < 1 || !isTopLevel(domain.slice(dot + 1))) {
    return undefined
  }
  let start = at
  while (start > border && at - start < LOCAL_LENGTH && isLocal(text.charCodeAt(start - 1))) {
    start -= 1
  }
  while (start < at && '.-+'.includes(text[start] ?? '')) {
    start += 1
  }
  return start >= at || text.slice(start, at) === 'git' ? undefined : { start, end, kind: 'email' }
}

/** Who signs in, where the authority of a URL begins at `authority` and has an `@` at `at`. */
export function findUserinfo(text: string, authority: number, at: number): Match | undefined {
  const userinfo = text.slice(authority, at)
  return userinfo === '' || NOT_USERINFO.test(userinfo) || isMasked(userinfo)
    ? undefined
    : { start: authority, end: at, kind: 'userinfo', guessable: true }
}

/**
 * The numbers in the run of digits and separators that begins at `start`. Returns where the run ends; the caller
 * asks again only behind it.
 *
 * @param border where the text begins that the numbers may border on: behind an escape sequence, its letter is none
 */
export function findNumbers(text: string, start: number, border: number, found: Match[]): number {
  let digits = 0
  let end = start
  for (; end < text.length; end += 1) {
    const code = text.charCodeAt(end)
    if ((classOf(code) & DIGIT) !== 0) {
      digits += 1
    } else if (code !== 32 && code !== 45 && code !== 46 && code !== 40 && code !== 41) {
      break
    }
  }
  if (digits < LEAST_DIGITS) {
    return end
  }
  // With one character on either side, so that the patterns see what the run borders on.
  const from = Math.max(border, start - 1)
  const run = text.slice(from, end + 1)
  collect(run, from, CARD, 'payment-card', found, (number) => isCard(number.replace(/\D/g, '')))
  collect(run, from, SOCIAL_SECURITY, 'us-ssn', found, () => true)
  collect(run, from, TELEPHONE, 'phone', found, () => true)
  return end
}

/** A number that begins with the `+` at `start`: 8 to 15 digits (E.164), separators allowed. */
export function findInternational(text: string, start: number, border: number): Match | undefined {
  if (start > border && ((classOf(text.charCodeAt(start - 1)) & WORD) !== 0 || text[start - 1] === '+')) {
    return undefined
  }
  let digits = 0
  let separators = 0
  let end = start + 1
  for (let index = end; index < text.length && digits < 17 && separators < 3; index += 1) {
    const code = text.charCodeAt(index)
    if ((classOf(code) & DIGIT) !== 0) {
      digits += 1
      separators = 0
      end = index + 1
    } else if (digits > 0 && (code === 32 || code === 45 || code === 46 || code === 40 || code === 41)) {
      separators += 1
    } else {
      break
    }
  }
  // Without separators a short one is more often an offset.
  const plausible = digits >= (end - start - 1 === digits ? 10 : 8) && digits <= 15 && text[start + 1] !== '0'
  return plausible && (classOf(text.charCodeAt(end)) & WORD) === 0 ? { start, end, kind: 'phone' } : undefined
}

/** The IBAN that begins at `start`, in one run or in groups. Cheap to ask: the first four characters decide. */
export function findIban(text: string, start: number): Match | undefined {
  if (
    (classOf(text.charCodeAt(start)) & UPPER) === 0 ||
    (classOf(text.charCodeAt(start + 1)) & UPPER) === 0 ||
    (classOf(text.charCodeAt(start + 2)) & DIGIT) === 0 ||
    (classOf(text.charCodeAt(start + 3)) & DIGIT) === 0
  ) {
    return undefined
  }
  const length = IBAN_LENGTHS.get(text.slice(start, start + 2))
  if (length === undefined) {
    return undefined
  }
  let iban = ''
  let end = start
  while (iban.length < length) {
    const bits = classOf(text.charCodeAt(end))
    if ((bits & (DIGIT | UPPER)) !== 0) {
      iban += text[end]
    } else if (text[end] !== ' ' || text[end - 1] === ' ') {
      return undefined
    }
    end += 1
  }
  return (classOf(text.charCodeAt(end)) & WORD) === 0 && isIban(iban) ? { start, end, kind: 'iban' } : undefined
}

function collect(
  run: string,
  offset: number,
  pattern: RegExp,
  kind: string,
  found: Match[],
  holds: (number: string) => boolean,
): void {
  pattern.lastIndex = 0
  for (let match = pattern.exec(run); match !== null; match = pattern.exec(run)) {
    if (holds(match[0])) {
      found.push({ start: offset + match.index, end: offset + match.index + match[0].length, kind })
    } else {
      // The number may begin one group later.
      pattern.lastIndex = match.index + 1
    }
  }
}

function isCard(digits: string): boolean {
  return ISSUER.test(digits) && (digits.length === 16 || /^(?:3|4|5018|5020|5038|6)/.test(digits)) && luhn(digits)
}

function luhn(digits: string): boolean {
  let sum = 0
  for (let index = 0; index < digits.length; index += 1) {
    const digit = digits.charCodeAt(digits.length - 1 - index) - 48
    const doubled = digit * 2
    sum += index % 2 === 0 ? digit : doubled > 9 ? doubled - 9 : doubled
  }
  return sum % 10 === 0
}

function isIban(iban: string): boolean {
  let rest = 0
  for (const character of iban.slice(4) + iban.slice(0, 4)) {
    const value = Number.parseInt(character, 36)
    rest = (rest * (value > 9 ? 100 : 10) + value) % 97
  }
  return rest === 1
}

function isLocal(code: number): boolean {
  // `.`, `+`, `%`, `'`, and letters beyond ASCII
  return (classOf(code) & WORD) !== 0 || code === 46 || code === 43 || code === 37 || code === 39 || code >= 192
}

function isDomain(code: number): boolean {
  return ((classOf(code) & WORD) !== 0 && code !== 95) || code === 46 || code >= 192
}

function isTopLevel(label: string): boolean {
  return label.length >= 2 && /^(?:xn--[a-z0-9-]+|[a-z\u00c0-\uffff]+)$/i.test(label)
}
