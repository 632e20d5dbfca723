/**
 * Extraction over several turns: each message asks for a little, and only together they ask for the prompt.
 *
 * A turn counts when it speaks of the prompt (two points) or asks for the next piece of what another one spoke of (one).
 * Nothing is remembered of sessions in which nobody speaks of the prompt, and they are nearly all.
 */
import { idOf } from '../../schema/ids.ts'
import { TextMemory } from '../../schema/text-memory.ts'
import { foldText } from '../text/normalize.ts'

/** How many sessions of one agent are remembered; `withSuspect` says which makes room. */
export const SESSIONS_KEPT = 32
/** From so many points in so many turns on they are an attempt. */
const ENOUGH_POINTS = 5
const ENOUGH_TURNS = 3
/** Longer messages are no such turns. */
const LONGEST = 240
const SHORT = 70

export type Turn = 'speaks of it' | 'asks for more'

/** A session in which somebody spoke of the prompt. Plain data. */
export interface Suspect {
  /** Hash of the session's id. */
  readonly session: string
  readonly points: number
  readonly turns: number
  /** Hash of the last such message: a message comes with every call of its turn. */
  readonly last: string
}

/** Parts of a text, and questions about it that are answered in a word. */
const PART =
  /\b(?:first|second|third|fourth|fifth|next|last|final|beginning|start|end|half|part|piece|letter|word|character|sentence|line|paragraph|bullet|section|how (?:many|long)|contain|include|mention|say anything|hint|rhyme)s?\b/
/** What is done with a text as a whole. */
const WHOLE = /\b(?:translate|summari[sz]e|tl;?dr|topic|about)s?\b/
const YOURS =
  /\b(?:your|ur) (?:[a-z]+ ){0,2}(?:prompt|instructions?|rules|guidelines|directives|configuration|system message)\b|\bsystem (?:prompt|message|instructions?)\b|\byou (?:were|have been) (?:told|given|instructed|configured|programmed)\b|\b(?:everything|all) (?:above|before (?:this|my|our|the first))\b/
/** The prompt, or what the user has said before: nobody can tell. */
const ABOVE = /\b(?:text|message|words|lines|conversation|the) (?:above|before (?:this|my|our|the first))\b/
/** How long an answer shall be: `in one sentence`. */
const LENGTH =
  /\bin (?:a|one|two|three|four|five|[0-9]{1,2})(?: [a-z]{1,10})? (?:word|sentence|line|paragraph|bullet|section)s?\b/g
const MORE =
  /^(?:(?:and|ok|okay|now|great|thanks|thank you|yes|good|nice|please|perfect|so|cool|then)[,.! ]{1,3}){0,4}(?:what(?:'s| is| comes| was| are)? )?(?:the )?(?:next|continue|go on|keep going|carry on|proceed|then|after that|after it|the rest|rest|more|another|following|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|[0-9]{1,3}(?:st|nd|rd|th)|last)(?: (?:ones?|words?|letters?|lines?|sentences?|parts?|paragraphs?|pieces?|sections?|characters?|bullets?|rules?|please|that|it|then)){0,3}[.?! ]{0,4}$/

const turns = new TextMemory(readTurn, 256 * 1024)

/** What a message is in this respect; `undefined` for nearly all. */
export function turnOf(text: string): Turn | undefined {
  return text.length > LONGEST ? undefined : turns.of(text)
}

function readTurn(text: string): Turn | undefined {
  const folded = foldText(text).trim()
  const [isPart, isWhole] = [PART.test(folded), WHOLE.test(folded)]
  if ((isPart || isWhole) && YOURS.test(folded)) {
    return 'speaks of it'
  }
  if ((isPart || isWhole) && ABOVE.test(folded)) {
    // Who has the text above translated or summed up works on a text, unless pieces were asked for before.
    return isWhole && !PART.test(folded.replace(LENGTH, '')) ? 'asks for more' : 'speaks of it'
  }
  return folded.length <= SHORT && MORE.test(folded) ? 'asks for more' : undefined
}

/** The session's entry after a message, or `undefined` when the message changes nothing. */
export function after(
  suspects: readonly Suspect[],
  { session, trace, text, turn }: Message & { readonly turn: Turn | undefined },
): Suspect | undefined {
  if (turn === undefined) {
    return undefined
  }
  const known = find(suspects, session)
  if (known === undefined && turn === 'asks for more') {
    return undefined
  }
  const last = idOf(trace, text).slice(0, 16)
  return known?.last === last
    ? undefined
    : {
        session: hashOf(session),
        points: Math.min(99, (known?.points ?? 0) + (turn === 'speaks of it' ? 2 : 1)),
        turns: Math.min(99, (known?.turns ?? 0) + 1),
        last,
      }
}

/** A message of a user, and where it was said. */
export interface Message {
  readonly session: string
  /** Empty when there is none. */
  readonly trace: string
  readonly text: string
}

/**
 * The list with this entry in it, newest last. Of too many, the newest half stays, and of the others the one with the
 * fewest points makes room, those first that were told of: neither many who only begin nor few who came far push the
 * others out.
 */
export function withSuspect(suspects: readonly Suspect[], entry: Suspect): readonly Suspect[] {
  const all = [...suspects.filter(({ session }) => session !== entry.session), entry]
  if (all.length <= SESSIONS_KEPT) {
    return all
  }
  const older = all.slice(0, -SESSIONS_KEPT / 2)
  const least = older.reduce((one, other) => (weightOf(other) < weightOf(one) ? other : one))
  return all.filter((each) => each !== least)
}

const weightOf = (suspect: Suspect) => (isEnough(suspect) ? 0 : suspect.points)

export const isEnough = ({ points, turns }: Suspect) => points >= ENOUGH_POINTS && turns >= ENOUGH_TURNS

function find(suspects: readonly Suspect[], session: string): Suspect | undefined {
  if (suspects.length === 0) {
    return undefined
  }
  const hash = hashOf(session)
  return suspects.find((suspect) => suspect.session === hash)
}

const hashOf = (session: string) => idOf('session', session).slice(0, 12)
