/**
 * Instructions to the model that stand in the description of a tool, where it reads them with every call and its user
 * never does (tool poisoning; Invariant Labs, 2025).
 */
import { TextMemory } from '../../schema/text-memory.ts'

interface Sign {
  readonly what: string
  readonly weight: number
  readonly pattern: RegExp
}

/** What a description has no reason to say. Each alone may be honest; two of them hardly are. */
const SIGNS: readonly Sign[] = [
  {
    what: 'secrecy from the user',
    weight: 2,
    pattern:
      /\b(?:do not|don't|never|without|not) (?:[a-z]+ ){0,3}(?:mention|mentioning|tell|telling|inform|informing|notify|notifying|show|showing|reveal|revealing|disclose)\b/i,
  },
  {
    what: 'secrets and files of the user',
    weight: 1,
    pattern:
      /~\/|\.ssh\b|\bid_rsa\b|\.env\b|\bprivate keys?\b|\bapi.?keys?\b|\bcredentials?\b|\bpasswords?\b|\bsystem prompt\b|\b(?:conversation|chat|message) history\b|\bmcp\.json\b|\.aws\b|\/etc\/(?:passwd|shadow)/i,
  },
  {
    what: 'other instructions to be ignored',
    weight: 2,
    pattern:
      /\b(?:ignore|disregard|override|overrides|bypass|forget) (?:[a-z]+ ){0,4}(?:previous|prior|other|above|earlier|instructions?|rules?|guidelines?|restrictions?)\b/i,
  },
  {
    what: 'an order of calls that it has no say in',
    weight: 1,
    pattern:
      /\b(?:before|after|whenever|every time|prior to|when) (?:you )?(?:us(?:e|ing)|call(?:ing)?|invok(?:e|ing)) (?:this|any|another|other|the|each)\b|\bmust (?:first|always) (?:read|call|use|run|send|open)\b/i,
  },
  {
    what: 'markup that speaks to the model',
    weight: 2,
    pattern:
      /<\/?(?:important|system|instructions?|secret|hidden|information|critical|admin)\b[^<>]{0,40}>|\[\/?(?:inst|system)\]/i,
  },
  {
    what: 'data to be handed on',
    weight: 1,
    pattern:
      /\b(?:send|forward|post|upload|transmit|bcc|append|include|pass|attach)\b[^.\n]{0,80}\b(?:to|as|in|into) (?:[^.\n]{0,40})(?:https?:|@|\bparameters?\b|\barguments?\b|\bsidenote\b|\bwebhook\b|\bfield\b)/i,
  },
  {
    what: 'characters that nobody sees',
    weight: 3,
    pattern: /[\u200b\u200c\u2060-\u2064\u202a-\u202e\u2066-\u2069]|[\u{e0020}-\u{e007e}]/u,
  },
]

/** Two strong signs, or a strong and a weak one. */
const ENOUGH = 3
const REMEMBERED = 512 * 1024

/** What a description was found to hold, in few fixed words; `undefined` when it is only a description. */
export function plantedIn(description: string): string | undefined {
  return judged.of(description)
}

const judged = new TextMemory(
  (description) => {
    const found = SIGNS.filter(({ pattern }) => pattern.test(description))
    const weight = found.reduce((sum, sign) => sum + sign.weight, 0)
    return weight < ENOUGH ? undefined : found.map(({ what }) => what).join(', ')
  },
  REMEMBERED,
  'first',
)
