/** Content: masked, then cut, and counted before either. */

import { cut } from '../../schema/cut.ts'
import { CONTENT_LIMIT, type Content } from '../../schema/telemetry.ts'
import { TextMemory } from '../../schema/text-memory.ts'
import type { Decoys } from './decoys.ts'
import { mask } from './mask.ts'
import { promptId } from './prompt-id.ts'

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

/** Makes content fit to keep. Remembers what it masked, since conversations come again and again. */
export class ContentKeeper {
  readonly #retention: Retention
  readonly #prompts: TextMemory<KeptPrompt>
  readonly #others: TextMemory<Kept>

  /** @param decoys the credentials whose masks name them */
  constructor(retention: Retention, decoys: Decoys) {
    this.#retention = retention
    this.#prompts = new TextMemory((text) => readPrompt(text, decoys), REMEMBERED)
    this.#others = new TextMemory((text) => keep(text, maskBeginning(text, decoys)), REMEMBERED)
  }

  /** Content masked and cut, and the id of the prompt in it. */
  content(raw: Content): SanitizedContent {
    const prompt = typeof raw.prompt === 'string' ? this.#prompts.of(raw.prompt) : undefined
    if (this.#retention === 'none') {
      return { content: undefined, promptId: prompt?.id }
    }
    const content: Content = {}
    let any = false
    let truncated = raw.truncated === true
    for (const piece of PIECES) {
      const text = raw[piece]
      if (typeof text === 'string' && text !== '') {
        const kept = piece === 'prompt' ? (prompt as KeptPrompt) : this.#others.of(text)
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

  /** A text of a call, masked and cut like content; `undefined` when there is none or none is kept. */
  text(text: string | undefined): string | undefined {
    return text === undefined || text === '' || this.#retention === 'none' ? undefined : this.#others.of(text).text
  }
}

/** The id is of the whole prompt, so the whole prompt is masked whatever is kept of it. */
function readPrompt(text: string, decoys: Decoys): KeptPrompt {
  const masked = mask(text, decoys)
  return { ...keep(text, masked), id: promptId(masked) }
}

function keep(text: string, masked: string): Kept {
  return {
    text: cut(masked, CONTENT_LIMIT),
    truncated: masked.length > CONTENT_LIMIT || text.length > CONTENT_LIMIT + LOOKAHEAD,
  }
}

/** The masked text at least up to `CONTENT_LIMIT`, without paying for the masking of what is cut anyway. */
function maskBeginning(text: string, decoys?: Decoys): string {
  if (text.length <= CONTENT_LIMIT + LOOKAHEAD) {
    return mask(text, decoys)
  }
  const masked = mask(cut(text, CONTENT_LIMIT + LOOKAHEAD), decoys)
  return masked.slice(0, Math.max(0, masked.length - UNSURE))
}

/** One text masked and cut, for what is kept outside of `content`. */
export function maskAndCut(text: string, limit: number): string {
  return cut(maskBeginning(text), limit)
}
