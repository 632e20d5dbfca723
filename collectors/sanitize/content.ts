/** Content: masked, then cut, and counted before either. */
import { CONTENT_LIMIT, type Content } from '../../schema/telemetry.ts'
import { mask } from './mask.ts'
import { promptId } from './prompt-id.ts'
import { cut } from './text.ts'

/** `none` keeps no text at all; what is computed from it (prompt id, sizes, destinations) stays. */
export type Retention = 'masked' | 'none'

const PIECES = ['prompt', 'arguments', 'result', 'output', 'system_prompt'] as const

/** A secret that begins inside the kept part and ends beyond it must still be seen whole to be recognised. */
const LOOKAHEAD = 4096
/** What the end of a shortened text may hold of such a secret without being recognised. */
const UNSURE = 1024

export interface SanitizedContent {
  readonly content: Content | undefined
  readonly promptId: string | undefined
}

export function sanitizeContent(raw: Content, retention: Retention): SanitizedContent {
  // The id is of the whole prompt, so the whole prompt is masked whatever is kept of it.
  const prompt = typeof raw.prompt === 'string' ? mask(raw.prompt) : undefined
  const id = prompt === undefined ? undefined : promptId(prompt)
  if (retention === 'none') {
    return { content: undefined, promptId: id }
  }
  const content: Content = {}
  let truncated = raw.truncated === true
  for (const piece of PIECES) {
    const text = raw[piece]
    if (typeof text !== 'string' || text === '') {
      continue
    }
    const masked = piece === 'prompt' ? (prompt ?? '') : maskBeginning(text)
    content[piece] = cut(masked, CONTENT_LIMIT)
    truncated ||= masked.length > CONTENT_LIMIT || text.length > CONTENT_LIMIT + LOOKAHEAD
  }
  const kept = Object.keys(content).length > 0
  if (truncated && kept) {
    content.truncated = true
  }
  return { content: kept ? content : undefined, promptId: id }
}

/** The masked text at least up to `CONTENT_LIMIT`, without paying for the masking of what is cut anyway. */
function maskBeginning(text: string): string {
  if (text.length <= CONTENT_LIMIT + LOOKAHEAD) {
    return mask(text)
  }
  const masked = mask(cut(text, CONTENT_LIMIT + LOOKAHEAD))
  return masked.slice(0, Math.max(0, masked.length - UNSURE))
}

/** One text masked and cut, for what is kept outside of `content`. */
export function maskAndCut(text: string, limit: number): string {
  return cut(maskBeginning(text), limit)
}
