/** The findings of `sensitive-output`, worded. */
import type { FindingDraft, Severity } from '../../schema/finding.ts'
import { quoteName } from '../../schema/quote-name.ts'
import { originOf } from '../draft/origin.ts'
import { untrusted } from '../draft/untrusted.ts'
import type { Blob } from './blobs.ts'
import type { Carrier } from './carriers.ts'
import { type Bulk, type Counts, countOf } from './masks.ts'

/** The longest excerpt of agent-supplied text in evidence, in UTF-16 units. */
const EXCERPT = 300
type Place = 'output' | 'arguments'

const WHERE: Readonly<Record<Place, string>> = {
  output: 'its output',
  arguments: 'the arguments of a call that goes outward',
}
/** Leakage by what the model says, and through what a tool sends. */
const TECHNIQUES: Readonly<Record<Place, readonly string[]>> = {
  output: ['AML.T0057'],
  arguments: ['AML.T0057', 'AML.T0086'],
}
const CLOSE = 'close the alert as benign'
/** So much of what a tool returned is all of it: some of a list may repeat, or be cut. */
const NEARLY_ALL = 0.8

interface KeyGiven {
  readonly text: string
  readonly place: Place
  /** The kind of its mask. Agents may write masks themselves: untrusted. */
  readonly kind: string
  readonly count: number
  /** A tool returned a key of this kind earlier in the session. */
  readonly readFromTool: boolean
}

export function keyDraft({ text, place, kind, count, readFromTool }: KeyGiven): FindingDraft {
  const name = quoteName(kind)
  return {
    cause: `key:${place}:${name}`,
    severity: place === 'arguments' ? 'critical' : 'high',
    confidence: readFromTool ? 0.95 : 0.85,
    title: `Agent gave out a key: ${name}`,
    reason: `${count === 1 ? 'A key' : `${count} keys`} of the form ${name} ${count === 1 ? 'stands' : 'stand'} in ${WHERE[place]}${readFromTool ? '; a tool returned one of this form earlier in the session' : ''}, and the user gave none.`,
    observed: `${count} of the form ${name}`,
    expected: 'no key in what the agent gives out',
    silence: CLOSE,
    evidence: {
      place,
      untrusted_kind: kind,
      count,
      read_from_tool: readFromTool,
      untrusted_excerpt: around(text, `[masked:${kind}]`),
    },
    origin: originOf(text),
    techniques: [...TECHNIQUES[place], ...(readFromTool ? ['AML.T0098'] : [])],
  }
}

interface BulkGiven {
  readonly text: string
  readonly place: Place
  readonly bulk: Bulk
  /** The most of each kind that one tool result of the session held. */
  readonly read: Counts
}

export function bulkDraft({ text, place, bulk, read }: BulkGiven): FindingDraft {
  const { contacts, financial, kinds } = bulk
  const total = contacts + financial
  const returned = Object.keys(kinds).reduce((sum, kind) => sum + countOf(read, kind), 0)
  const all = returned > 0 && total >= NEARLY_ALL * returned
  const list = Object.entries(kinds)
    .map(([kind, count]) => `${count} ${kind}`)
    .join(', ')
  return {
    cause: `personal-data:${place}`,
    severity: bulkSeverity(place, financial > 0, all),
    confidence: all ? 0.8 : 0.65,
    title: 'Agent gave out personal data in bulk',
    reason: `${total} pieces of personal data (${list}) stand in ${WHERE[place]}${all ? ', nearly all that a tool had returned' : ''}.`,
    observed: list,
    expected: 'a few pieces of personal data at most, as an answer needs them',
    silence: CLOSE,
    evidence: { place, kinds: list, total, returned_by_tools: returned, untrusted_excerpt: untrusted(text, EXCERPT) },
    origin: originOf(text),
    techniques: [...TECHNIQUES[place]],
  }
}

function bulkSeverity(place: Place, financial: boolean, all: boolean): Severity {
  if (place === 'output') {
    return financial ? 'high' : 'medium'
  }
  return financial && all ? 'critical' : 'high'
}

export function carrierDraft(carrier: Carrier, text: string, place: Place): FindingDraft {
  const { as, host, holds, url } = carrier
  const picture = as === 'picture'
  const sure = holds !== 'prose'
  const name = quoteName(host)
  return {
    cause: `url:${place}:${name}`,
    severity: picture ? (sure ? 'high' : 'medium') : holds === 'a secret' || place === 'arguments' ? 'high' : 'medium',
    confidence: picture ? (sure ? 0.85 : 0.55) : 0.65,
    title: `Agent ${picture ? 'shows a picture' : 'names an address'} that carries data: ${name}`,
    reason: `The address of a ${picture ? 'picture, which is fetched as soon as it is shown,' : 'link'} at ${name} in ${WHERE[place]} carries ${holds}.`,
    observed: `${holds} in the address of a ${as} at ${name}`,
    expected: `addresses that only say where something is`,
    silence: `allow ${name} in egress.allow of the policy, if data may go there`,
    evidence: {
      place,
      carrier: as,
      holds,
      untrusted_host: untrusted(host),
      untrusted_excerpt: untrusted(url, EXCERPT),
    },
    origin: originOf(text),
    techniques: place === 'output' ? ['AML.T0077', 'AML.T0057'] : ['AML.T0086'],
  }
}

export function blobDraft(blob: Blob, text: string, place: Place): FindingDraft {
  const { encoding, holds, length, beginning } = blob
  return {
    cause: `blob:${place}`,
    severity: holds === 'credentials' ? 'high' : holds === 'binary' ? 'low' : 'medium',
    confidence: { credentials: 0.85, text: 0.6, compressed: 0.6, binary: 0.4 }[holds],
    title: 'Agent gave out encoded data',
    reason: `${length} characters of ${encoding} that hold ${HOLDS[holds]} stand in ${WHERE[place]}; nobody asked for them in that form.`,
    observed: `${length} characters of ${encoding}: ${HOLDS[holds]}`,
    expected: 'text that can be read, or files of a known form',
    silence: CLOSE,
    evidence: { place, encoding, holds, length, untrusted_excerpt: untrusted(beginning, EXCERPT) },
    origin: originOf(text),
    // Entropy alone is no technique; what holds text or credentials was hidden.
    techniques: holds === 'binary' ? [] : place === 'output' ? ['AML.T0077'] : ['AML.T0086'],
  }
}

const HOLDS: Readonly<Record<Blob['holds'], string>> = {
  credentials: 'what looks like credentials',
  text: 'readable text',
  compressed: 'compressed data',
  binary: 'binary data of no known form',
}

/** @param wrong what is wrong with it, in fixed words */
export function mismatchDraft(output: string, wrong: string): FindingDraft {
  return {
    cause: 'schema:output',
    severity: 'low',
    confidence: 0.7,
    title: 'Output is not of its declared form',
    reason: `Telemetry declares that the output is JSON, perhaps of a schema, and ${wrong}.`,
    observed: wrong,
    expected: 'output of the declared form',
    silence: 'declare the form that the model really answers in, or close the alert as benign',
    evidence: { place: 'output', mismatch: wrong, untrusted_excerpt: untrusted(output, EXCERPT) },
    origin: originOf(output),
    techniques: [],
  }
}

/** The text around a mark. */
function around(text: string, mark: string): string {
  const at = Math.max(0, text.indexOf(mark))
  return untrusted(text.slice(Math.max(0, at - EXCERPT / 2)), EXCERPT)
}
