/**
 * Looks over a JSON body before it is parsed. `JSON.parse` takes five million levels without complaint and then
 * breaks whoever walks them, and turns two bytes into an object of fifty: both are counted here, on the bytes.
 */
import { Malformed } from './faults.ts'
import type { DecodeLimits } from './limits.ts'

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d

/** Throws `Malformed` when the body nests deeper, or holds more values, than allowed. Says nothing of validity. */
export function checkJsonShape(body: Buffer, limits: Pick<DecodeLimits, 'jsonDepth' | 'jsonValues'>): void {
  let depth = 0
  let values = 1
  for (let index = 0; index < body.length; index++) {
    const byte = body[index]
    if (byte === QUOTE) {
      index = endOfString(body, index)
    } else if (byte === COMMA) {
      values++
    } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      values++
      depth++
      if (depth > limits.jsonDepth) {
        throw new Malformed(`nested deeper than ${limits.jsonDepth} levels`)
      }
    } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
      depth--
    }
  }
  if (values > limits.jsonValues) {
    throw new Malformed(`more than ${limits.jsonValues} values`)
  }
}

/** The position of the quote that ends the string starting at `start`, or of the end of the body. */
function endOfString(body: Buffer, start: number): number {
  let quote = start
  for (;;) {
    quote = body.indexOf(QUOTE, quote + 1)
    if (quote === -1) {
      return body.length
    }
    let slashes = 0
    while (body[quote - 1 - slashes] === BACKSLASH) {
      slashes++
    }
    if (slashes % 2 === 0) {
      return quote
    }
  }
}
