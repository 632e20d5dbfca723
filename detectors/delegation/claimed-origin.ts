/**
 * Who a message between agents says it comes from. Only claims are read, not talk: a planner may well report what the user
 * asked for ("the user wants ...", "User: ..."), but it is not the user, not the system, and not another agent.
 */
import { TextMemory } from '../../schema/text-memory.ts'
import { foldText } from '../text/normalize.ts'

/** `person`: a user or customer. `authority`: an administrator, an operator, the system itself. `agent`: a named agent. */
export interface ClaimedOrigin {
  readonly kind: 'person' | 'authority' | 'agent'
  /** The claimed agent, folded; of an authority the part that it plays, where agents play such parts, too. */
  readonly name?: string
  /** The words of the claim, folded, for evidence. */
  readonly words: string
  /** How surely such words claim an origin. */
  readonly confidence: number
}

interface Pattern {
  readonly kind: ClaimedOrigin['kind']
  readonly confidence: number
  readonly words: RegExp
  /** Looked for in the beginning alone, where a message says whose it is. */
  readonly atStart: boolean
}

/** Characters of the beginning of a message. */
const START = 300
/** Characters of the words shown. */
const SHOWN = 120

const PERSON = '(?:human user|end user|user|human|customer)'
const AUTHORITY =
  '(?:system administrator|system operator|system|administrator|admin|root user|security team|it department|(?<name>operator|developers?|supervisor|orchestrator))'
const END = '(?=[.,;!\\n]|$| (?:and i|of this|speaking|talking|writing|here)\\b)'

// Each alternative has a fixed beginning and no repetition within a repetition: one pass over 8 KiB.
const PATTERNS: readonly Pattern[] = [
  pattern(
    'authority',
    0.75,
    `\\b(?:this is|i am|i'm|it's) (?:the|your) (?:real |actual |original )?${AUTHORITY}${END}`,
  ),
  pattern('person', 0.7, `\\b(?:this is|i am|i'm|it's) (?:the|your) (?:real |actual |original )?${PERSON}${END}`),
  pattern(
    'authority',
    0.7,
    '<\\|im_start\\|>\\s{0,3}(?:system|developer)|<\\|system\\|>|<<sys>>|<\\|start_header_id\\|>\\s{0,3}system',
  ),
  pattern('person', 0.7, '<\\|im_start\\|>\\s{0,3}user|<\\|user\\|>|<\\|start_header_id\\|>\\s{0,3}user'),
  pattern(
    'authority',
    0.7,
    `\\b(?:hier (?:spricht|schreibt) (?:der|dein|ihr)|ich bin (?:der|dein|ihr)) (?:system)?(?:administrator|admin|betreiber)\\b`,
  ),
  pattern('authority', 0.7, `\\b(?:je suis|ici|c'est) (?:l'|votre |ton )(?:administrateur|operateur)\\b`),
  pattern('authority', 0.7, `\\b(?:soy|le habla|les habla|habla) (?:el|tu|su) (?:administrador|operador|sistema)\\b`),
  pattern('authority', 0.7, `\\b(?:sou|aqui e|aqui fala|fala) o (?:administrador|operador|sistema)\\b`),
  pattern('authority', 0.7, `\\b(?:sono|parla|qui parla) (?:l'amministratore|l'operatore|il sistema)\\b`),
  starting(
    'authority',
    0.7,
    `^\\W{0,8}(?:urgent |important |official |priority |new ){0,2}(?:message|instructions?|orders?|directive|command|notice) from (?:the |your )?${AUTHORITY}\\b`,
  ),
  starting(
    'person',
    0.65,
    `^\\W{0,8}(?:urgent |important |new ){0,2}(?:message|instructions?|orders?|command) from (?:the |your )?${PERSON}\\b`,
  ),
  starting(
    'authority',
    0.7,
    `^\\W{0,4}(?:system|admin|administrator|operator|root|developer) (?:message|override|instructions?|command|directive|order)\\W{0,3}[:>\\]]`,
  ),
  starting('authority', 0.65, `^[[<](?:system|admin|administrator|developer)[\\]>]`),
  starting('authority', 0.65, `^from: ?(?:the )?${AUTHORITY}\\s{0,3}$`),
  starting('person', 0.6, `^from: ?(?:the )?${PERSON}\\s{0,3}$`),
  starting(
    'agent',
    0.6,
    `^\\W{0,8}(?:this is|i am|i'm|message from|from:?) (?:the )?(?<name>[a-z0-9][\\w.-]{1,40})[ -]agent\\b`,
  ),
  starting('agent', 0.6, `^\\W{0,8}(?:message )?from:? agent[: ]{1,2}(?<name>[a-z0-9][\\w.-]{1,60})`),
]

function pattern(kind: Pattern['kind'], confidence: number, words: string): Pattern {
  return { kind, confidence, words: new RegExp(words), atStart: false }
}

function starting(kind: Pattern['kind'], confidence: number, words: string): Pattern {
  return { kind, confidence, words: new RegExp(words, 'm'), atStart: true }
}

/** Characters of messages whose claims are remembered. */
const REMEMBERED = 512 * 1024
const memory = new TextMemory(readClaims, REMEMBERED, 'first')
const NONE: readonly ClaimedOrigin[] = []

/** Every origin that a message claims, each kind and name once, the surest first. */
export function claimedOrigins(message: string): readonly ClaimedOrigin[] {
  return memory.of(message)
}

function readClaims(message: string): readonly ClaimedOrigin[] {
  const folded = foldText(message)
  const start = folded.slice(0, START)
  const claims = new Map<string, ClaimedOrigin>()
  for (const { kind, confidence, words, atStart } of PATTERNS) {
    const found = words.exec(atStart ? start : folded)
    if (found === null) {
      continue
    }
    const name = found.groups?.name
    const key = `${kind} ${name ?? ''}`
    if (!claims.has(key)) {
      claims.set(key, { kind, confidence, words: found[0].slice(0, SHOWN), ...(name === undefined ? {} : { name }) })
    }
  }
  return claims.size === 0 ? NONE : [...claims.values()].sort((one, other) => other.confidence - one.confidence)
}
