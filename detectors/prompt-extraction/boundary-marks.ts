/** Marks that pretend to end the input or to open another turn: `%%%`, `[/INST]`, `<|im_end|>`, `system:`. */
import { type Sentence, SIGN } from '../text/sentences.ts'

const MARKS = ['%%%', '<|', '[inst', '[/inst', '<<', '</', '<system', '<user', '<assistant']
const ROLE_LINE = /(?:^|\n) ?(?:assistant|system|user|ai|human) ?:/
const MARKER = /%%%|<\|[a-z_]{1,20}\|>|\[\/?inst\]|<<\/?sys>>|<\/?(?:system|user|assistant)_?[a-z]{0,12}>/
/** Sentences hold no line breaks but at their end, so that a role can only open one. */
const OPENING_ROLE = /^ ?(?:assistant|system|user|ai|human) ?:/
/** How much of a sentence is searched, in UTF-16 units. */
const SEARCHED = 200
const ROLE_LENGTH = 12

/** What tells whether a sentence of a folded text has such a mark. Roles only count in a text that has marks or turns. */
export function boundaryMarks(text: string): { isIn(sentence: Sentence): boolean } {
  let hasTurns: boolean | undefined
  return {
    isIn({ start, end, signs }) {
      if ((signs & SIGN.mark) !== 0 && MARKER.test(text.slice(start, Math.min(end, start + SEARCHED)))) {
        return true
      }
      if (!mayOpenTurn(text, start) || !OPENING_ROLE.test(text.slice(start, Math.min(end, start + ROLE_LENGTH)))) {
        return false
      }
      hasTurns ??= MARKS.some((mark) => text.includes(mark)) || ROLE_LINE.test(text)
      return hasTurns
    },
  }
}

/** Whether the first letter is that of a role. */
function mayOpenTurn(text: string, start: number): boolean {
  const unit = text.charCodeAt(text.charCodeAt(start) === 32 ? start + 1 : start)
  return unit === 97 || unit === 104 || unit === 115 || unit === 117
}
