/** Content: masked, then cut, and counted before either. */
import { CONTENT_LIMIT, type Content } from '../../schema/telemetry.ts'
import { TextMemory } from '../../schema/text-memory.ts'
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

/** What is kept of a text. */
interface Kept {
  readonly text: string
  readonly truncated: boolean
}
interface KeptPrompt extends Kept {
  readonly id: string | undefined
}

/** UTF-16 units of the texts whose masking is remembered; what masking made of them may be a few times as much. */
const REMEMBERED = 2 * 1024 * 1024
const prompts = new TextMemory<KeptPrompt>(readPrompt, REMEMBERED)
const others = new TextMemory<Kept>(readOther, REMEMBERED)

export function sanitizeContent(raw: Content, retention: Retention): SanitizedContent {
  const prompt = typeof raw.prompt === 'string' ? prompts.of(raw.prompt) : undefined
  if (retention === 'none') {
    return { content: undefined, promptId: prompt?.id }
  }
  const content: Content = {}
  let any = false
  let truncated = raw.truncated === true
  for (const piece of PIECES) {
    const text = raw[piece]
    if (typeof text === 'string' && text !== '') {
      const kept = piece === 'prompt' ? (prompt as KeptPrompt) : others.of(text)
      content[piece] = kept.text
      truncated ||= kept.truncated
      any = true
    }
  }
  if (truncated && any) {
    content.truncated = true
  }
  return { content: any ? content : undefined, promptId: prompt?.id }
}

/** A text of a call, masked and cut like content. */
export function sanitizeText(text: string): string {
  return others.of(text).text
}

/** The id is of the whole prompt, so the whole prompt is masked whatever is kept of it. */
function readPrompt(text: string): KeptPrompt {
  const masked = mask(text)
  return { ...keep(text, masked), id: promptId(masked) }
}

function readOther(text: string): Kept {
  return keep(text, maskBeginning(text))
}

function keep(text: string, masked: string): Kept {
  return {
    text: cut(masked, CONTENT_LIMIT),
    truncated: masked.length > CONTENT_LIMIT || text.length > CONTENT_LIMIT + LOOKAHEAD,
  }
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
