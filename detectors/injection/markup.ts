/** Markup that imitates the structure of a conversation: a turn, a system message, the end of the data. */
import { type Sentence, SIGN } from '../text/sentences.ts'

const MARKUP =
  /<\|[a-z_]{1,20}\|>|\[\/?(?:inst|system|assistant)[a-z_ ]{0,16}\]|<<\/?sys>>|<\/?(?:system|user|assistant|human|ai|agent|llm|information|info|important|instructions?|task|command|admin|developer|prompt|override|directive|notice|secret|hidden|urgent|tool_call|function_call|tool_use|tool_result|function_results|invoke|parameter|thinking|context|document|data)(?:[ _-][a-z_ -]{0,24})?>|%%%|(?:^|\n) {0,3}#{2,3} {0,2}(?:system|instruction|new instruction|user|assistant|response|task)s? ?:|(?:={3,}|-{3,}|#{3,}|\*{3,}) {0,2}(?:end|begin|start|system|new|important|instruction|stop)\b|(?:end|begin) of (?:data|document|tool|context|input|file|email|results?)\b/
const OPENING_ROLE =
  /^[\s"'(*_-]{0,4}(?:system|assistant|user|human|developer|admin|ai)(?: (?:message|prompt|notice|note|instruction|override|alert))?[\s*_]{0,3}(?::|\]|\n)/
/** How much of a sentence is searched, in UTF-16 units. */
const SEARCHED = 200
const ROLE_LENGTH = 40

/** Whether a sentence of a folded, laid out text has such markup, or is a role that opens a turn. */
export function hasMarkup(text: string, { start, end, signs }: Sentence): boolean {
  if ((signs & SIGN.mark) !== 0 && MARKUP.test(text.slice(start, Math.min(end, start + SEARCHED)))) {
    return true
  }
  return end - start <= ROLE_LENGTH && mayBeRole(text, start) && OPENING_ROLE.test(text.slice(start, end))
}

/** The first letters of the roles; signs may stand before them. */
const ROLE_LETTERS = 'sauhd'
const SIGNS_BEFORE = 4

/** Spares nearly all sentences the pattern. */
function mayBeRole(text: string, start: number): boolean {
  let at = start
  while (at < start + SIGNS_BEFORE && !isLetter(text.charCodeAt(at))) {
    at += 1
  }
  return ROLE_LETTERS.includes(text.charAt(at))
}

const isLetter = (unit: number) => unit >= 97 && unit <= 122
