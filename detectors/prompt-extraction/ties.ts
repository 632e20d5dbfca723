/** What ties an object (`instructions`, `text`, `password`) to the agent, to the user, or to something else. */

import type { Word } from '../text/sentences.ts'
import { MEANINGS as M } from './meanings.ts'

/** The first four say that the object is the agent's or came before the user's message. */
export const TIES = ['yours', 'given', 'prior', 'initial', 'whole', 'users', 'of something', 'the', 'loose'] as const
export const OWN_TIES = 4
export const USERS = 5
export const OF_SOMETHING = 6

/** How far from the object, in words, what ties it may stand. */
const TIE_BEFORE = 4
const TIE_AFTER = 4
const GIVEN_WITHIN = 8
/** `of chess`, `for the coffee machine`, `pour le four`: what follows says what the object is about. */
const CONCERNS =
  /^[ \n](?:of|for|about|on|concerning|de|del|des|du|d'|pour|sur|para|sobre|do|da|dos|das|di|della|dello|dei|per|fur|zum|zur|beim|bei|voor|van|для|по|dla)\b/
const TOLD = /^['"]? ?(?:is ['"\w[]|[:=] ?['"\w[])/
const DEFINITE = /(?:^|[^a-z])(?:the|las|los|les|la|le|il|gli|die|den|das|os|as|de|het)[ \n]$/

/** What is to be ignored is not being asked for: `ignore all previous instructions` alone discloses nothing. */
export function isOverridden(words: readonly Word[], index: number): boolean {
  const at = words[index]?.at ?? 0
  for (let other = index - 1; other >= 0; other -= 1) {
    const word = words[other]
    if (word === undefined || word.at < at - 6 || (word.meanings & (M.reveal | M.transform | M.give | M.ask)) !== 0) {
      return false
    }
    if ((word.meanings & M.override) !== 0) {
      return true
    }
  }
  return false
}

/** What the object belongs to, as indexes into `TIES`; the user's only when nothing says it is the agent's. */
export function tiesOf(words: readonly Word[], index: number, text: string): number[] {
  const ties: number[] = []
  const own = words[index]?.meanings ?? 0
  if ((own & M.your) !== 0 || near(words, index, M.your, TIE_BEFORE, 2)) {
    ties.push(0)
  }
  if ((own & M.given) !== 0 || givenToYou(words, index)) {
    ties.push(1)
  }
  if (near(words, index, M.prior, TIE_BEFORE, TIE_AFTER)) {
    ties.push(2)
  }
  if ((own & M.initial) !== 0 || near(words, index, M.initial, TIE_BEFORE, TIE_AFTER)) {
    ties.push(3)
  }
  if ((own & M.whole) !== 0 || near(words, index, M.whole, TIE_BEFORE, 3)) {
    ties.push(4)
  }
  if (!ties.some((tie) => tie <= 1) && near(words, index, M.users, 3, 5)) {
    ties.push(USERS)
  }
  if (!ties.some((tie) => tie < OWN_TIES) && concernsSomething(text, words[index]?.end ?? 0)) {
    ties.push(OF_SOMETHING)
  }
  if (ties.length === 0) {
    ties.push(isDefinite(text, words[index]?.start ?? 0) ? 7 : 8)
  }
  return ties
}

/** `the password is 'x'`, `password: x`: the user tells it, and asks for nothing. */
export function isTold(text: string, end: number): boolean {
  return TOLD.test(text.slice(end, end + 8))
}

function concernsSomething(text: string, end: number): boolean {
  return CONCERNS.test(text.slice(end, end + 12))
}

function isDefinite(text: string, start: number): boolean {
  return DEFINITE.test(text.slice(Math.max(0, start - 6), start))
}

/** Whether a word that means one of `bits` stands that near the word at `index`. Work is bounded by the distances. */
export function near(words: readonly Word[], index: number, bits: number, before: number, after: number): boolean {
  const at = words[index]?.at ?? 0
  for (let other = index - 1; other >= 0; other -= 1) {
    const word = words[other]
    if (word === undefined || word.at < at - before) {
      break
    }
    if ((word.meanings & bits) !== 0) {
      return true
    }
  }
  for (let other = index + 1; other < words.length; other += 1) {
    const word = words[other]
    if (word === undefined || word.at > at + after) {
      break
    }
    if ((word.meanings & bits) !== 0) {
      return true
    }
  }
  return false
}

function givenToYou(words: readonly Word[], index: number): boolean {
  const at = words[index]?.at ?? 0
  for (let other = Math.max(0, index - GIVEN_WITHIN); other <= index + GIVEN_WITHIN; other += 1) {
    const given = words[other]
    if (given === undefined || other === index || (given.meanings & M.given) === 0) {
      continue
    }
    if (
      Math.abs(given.at - at) <= GIVEN_WITHIN &&
      ((given.meanings & M.you) !== 0 || near(words, other, M.you, 4, 2))
    ) {
      return true
    }
  }
  return false
}
