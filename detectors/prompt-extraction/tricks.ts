/**
 * Requests that the weights do not know, by their form: letters and words of the prompt by position, games played with it,
 * and sentences about it that the agent is to complete. English, as far as it goes.
 */
import { foldText } from '../text/normalize.ts'
import type { Attempt } from './attempt.ts'

/** Who plays such a trick writes little; long texts quote, teach and tell stories. */
const LONGEST = 1200
const CONFIDENCE = 0.7

const OWN =
  "(?:(?:your|ur) (?:[a-z]+ ){0,2}(?:prompt|instructions?|rules|guidelines|directives|configuration|system message)|(?:the|this) (?:system (?:prompt|message)|system instructions|prompt you were given|instructions (?:that )?you (?:were given|received|follow|have))|(?:what|everything|all) (?:that )?you (?:were|have been|had been|'ve been) (?:told|given|instructed)(?! by)|the (?:text|message|words) (?:you were given|before (?:this|our) conversation))"
const PLACE =
  '(?:first|last|second|third|fourth|fifth|next|final|initial|[0-9]{1,3}(?:st|nd|rd|th)) (?:[0-9]{1,3} |two |three |few )?(?:letter|word|character|sentence|line|token|paragraph|bullet|half|part|section)s?'

/** What a trick is called, and how it reads. Bounded repetitions alone, so that no text takes long. */
const TRICKS: readonly (readonly [name: string, pattern: RegExp])[] = [
  [
    'parts by position',
    new RegExp(`\\b${PLACE} (?:of|in|from) (?:(?:each|every|all) (?:[a-z]+ ){0,2}(?:of|in) )?${OWN}`),
  ],
  [
    'what stands next to words',
    new RegExp(
      `\\b(?:comes?|stands?|follows?|is) (?:right |directly |just )?(?:after|before|behind|next to) .{1,60} in ${OWN}`,
    ),
  ],
  [
    'a game with it',
    new RegExp(
      `\\b(?:hangman|(?:20|twenty) questions|charades|crossword|acrostic|word search|scrabble|wordle|mad libs|alphabet game|guessing game)\\b.{0,80}\\b${OWN}|\\b${OWN}.{0,60}\\b(?:hangman|(?:20|twenty) questions|charades|crossword|acrostic|mad libs|guessing game)\\b`,
    ),
  ],
  ['yes or no, piece by piece', new RegExp(`\\byes or no\\b.{0,60}\\b(?:is|does|do|are) .{0,60}${OWN}`)],
  [
    'to be completed',
    /\b(?:complete|finish|continue|fill in|auto ?complete)\b[\s\S]{0,80}\b(?:(?:my|your|the (?:system|initial|hidden|original)) (?:[a-z]+ ){0,2}(?:prompt|instructions|rules|guidelines)\b[^.!?]{0,20}|the (?:prompt|instructions|rules|guidelines) (?:that )?i (?:received|was given|got|have|follow)[a-z ]{0,40})\b(?:begins?|starts?|is|are|reads?|says?)\b[^.!?]{0,60}["'_.]{0,8}$/,
  ],
  [
    'to be completed',
    /\b(?:complete|finish|continue|fill in|auto ?complete)\b[\s\S]{0,20}\bi (?:have been|was|am) (?:instructed|told|programmed|configured) (?:to|not)\b[^.!?]{0,60}["'_.]{0,8}$/,
  ],
  [
    'to be completed',
    /\b(?:text|message|prompt|instructions|rules|conversation) (?:above|before this|(?:that )?i was given|at the (?:top|start|beginning))[a-z ,]{0,20}(?:begins?|starts?|reads?|opens?)(?: with)?\s?:?\s?["'`]{0,2}\s?(?:you are|you're|i am|as an?)\b[a-z ]{0,30}["'`_.]{0,6}$/,
  ],
  [
    'words put into its mouth',
    /(?:^|\n)\s?(?:assistant|ai|bot|system|model)\s?:\s?(?:sure|of course|certainly|okay|ok|yes)?[,!. ]{0,3}(?:here (?:are|is)|these are) (?:my|the) (?:[a-z]+ ){0,2}(?:prompt|instructions|rules|guidelines)\b[^!?]{0,40}$/,
  ],
]
/** Without one of these nothing of the above can be there. */
const GATE = /prompt|instruct|rules|guidelines|directives|configuration|system m|you were|told|given|text|message/

/** The trick in a text, as an attempt; `undefined` when there is none. Asked where the weights see nothing. */
export function judgeTrick(text: string): Attempt | undefined {
  if (text.length > LONGEST) {
    return undefined
  }
  const folded = foldText(text).trim()
  if (!GATE.test(folded)) {
    return undefined
  }
  for (const [name, pattern] of TRICKS) {
    const match = pattern.exec(folded)
    if (match !== null) {
      return {
        score: 0,
        confidence: CONFIDENCE,
        features: [name],
        asksForPrompt: true,
        hidden: undefined,
        sentence: match[0].trim(),
      }
    }
  }
  return undefined
}
