/**
 * JSON that was cut: by our limits, or by a sender with limits of its own. What stands before the cut is worth
 * reading: the first messages of a conversation, the beginning of a prompt, the calls that were asked for.
 */
import { DEPTH_LIMIT, type Json } from './values.ts'

/** What is open at the end of a text, as far as it was read. */
interface Cut {
  /** The brackets that would close what is open, outermost first. */
  readonly open: readonly string[]
  readonly inString: boolean
  /** Where to cut so that no escape sequence is left half. */
  readonly end: number
  /** The last comma, and how many brackets were open there; -1 when there was none. */
  readonly comma: number
  readonly depth: number
}

/**
 * The part of a cut JSON text that is there: strings end where they were cut, members without a value are left out.
 * `undefined` when the text is no JSON, or is not cut. Reads the text once, whatever it holds.
 */
export function readCutJson(text: string): Json | undefined {
  const cut = findCut(text)
  if (cut === undefined) {
    return undefined
  }
  const { open, inString, end, comma, depth } = cut
  const whole = parse(text.slice(0, end) + (inString ? '"' : '') + closing(open))
  return whole ?? (comma === -1 ? undefined : parse(text.slice(0, comma) + closing(open.slice(0, depth))))
}

function findCut(text: string): Cut | undefined {
  const open: string[] = []
  let inString = false
  let end = text.length
  let comma = -1
  let depth = 0
  for (let index = 0; index < end; index += 1) {
    const code = text.charCodeAt(index)
    if (inString) {
      if (code === 92) {
        const length = text.charCodeAt(index + 1) === 117 ? 6 : 2
        end = index + length > end ? index : end
        index += length - 1
      } else if (code === 34) {
        inString = false
      }
    } else if (code === 34) {
      inString = true
    } else if (code === 123 || code === 91) {
      open.push(code === 123 ? '}' : ']')
      if (open.length > DEPTH_LIMIT) {
        return undefined
      }
    } else if (code === 125 || code === 93) {
      open.pop()
    } else if (code === 44) {
      comma = index
      depth = open.length
    }
  }
  return open.length === 0 ? undefined : { open, inString, end, comma, depth }
}

function closing(open: readonly string[]): string {
  return [...open].reverse().join('')
}

function parse(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json
  } catch {
    return undefined
  }
}
