/** Several records of one event made one: who speaks for which field. */
import type { Fragment } from '../../schema/fragment.ts'
import {
  type Approval,
  ATTRIBUTE_LIMIT,
  type Attributes,
  CLASSIFICATIONS,
  type Content,
  type Dataset,
  type Destination,
  type EventOutcome,
  type Integrity,
  LIST_LIMIT,
  type Token,
  type Tool,
  type Volume,
} from '../../schema/telemetry.ts'
import { graver } from '../dataset-operation.ts'
import type { Contribution } from './contribution.ts'
import { type Children, type Draft, RANK } from './draft.ts'

/** Marks calls that no record of their own told of: a model asked for them. */
const ORIGIN_ATTRIBUTE = 'telltale.origin'

/** What the records of an event say together; fields as in a fragment. */
export interface Merged
  extends Pick<
    Fragment,
    | 'time_ms'
    | 'duration_ms'
    | 'trace_id'
    | 'span_id'
    | 'parent_span_id'
    | 'operation'
    | 'tool'
    | 'outcome'
    | 'error_type'
    | 'volume'
    | 'destinations'
    | 'dataset_scope'
    | 'policy_snapshot'
    | 'policy_decision'
    | 'atlas_mapping'
    | 'integrity'
    | 'token'
    | 'approval'
    | 'content'
    | 'prompt_id'
    | 'attributes'
  > {}

export function mergeDraft({ contributions, children }: Pick<Draft, 'contributions' | 'children'>): Merged {
  const own = mergeOwn(contributions)
  return children === undefined ? own : { ...own, ...withChildren(own, children) }
}

/** What the records of the event itself say, without what went on below it. */
export function mergeOwn(contributions: readonly Contribution[]): Merged {
  return contributions.length === 1 ? mergeOne(contributions[0] as Contribution) : mergeMany(contributions)
}

/** What a span below an event adds to it; `undefined` when it is not of that kind, and speaks for the event itself. */
export function childOf(fragment: Fragment): Children | undefined {
  const { role, operation } = fragment
  if (role !== 'part' || operation === undefined || operation === 'tool_call') {
    return undefined
  }
  return {
    destinations: fragment.destinations ?? [],
    dataset_scope: fragment.dataset_scope ?? [],
    volume: fragment.volume ?? {},
  }
}

export function foldChild(children: Children | undefined, child: Children): Children {
  return children === undefined
    ? child
    : {
        destinations: withEach(children.destinations, child.destinations, destinationKey),
        dataset_scope: withEach(children.dataset_scope, child.dataset_scope, (dataset) => JSON.stringify(dataset)),
        volume: combineVolumes(children.volume, child.volume, (a, b) => a + b),
      }
}

/** The list with what it does not have yet, up to its bound. A call can have thousands below it, most of them alike. */
function withEach<T>(known: readonly T[], added: readonly T[], keyOf: (member: T) => string): readonly T[] {
  let all = known
  for (const member of added) {
    const key = keyOf(member)
    if (all.length < LIST_LIMIT && !all.some((other) => keyOf(other) === key)) {
      all = [...all, member]
    }
  }
  return all
}

/** The messages of one model call come as log records each; the last prompt is the one it answers. */
export function foldContent(known: Fragment, added: Fragment): Fragment {
  const [older, newer] = added.time_ms >= known.time_ms ? [known, added] : [added, known]
  return {
    ...older,
    ...newer,
    fragment_id: known.fragment_id,
    content: { ...older.content, ...newer.content },
  }
}

function mergeOne({ fragment, rank }: Contribution): Merged {
  return rank < RANK.requested ? fragment : { ...fragment, attributes: inferred(fragment.attributes) }
}

function inferred(attributes: Attributes | undefined): Attributes {
  return withAttribute(attributes, ORIGIN_ATTRIBUTE, 'inferred')
}

/** The attributes with one of ours; a full map gives up its last. */
export function withAttribute(
  attributes: Attributes | undefined,
  name: string,
  value: string | number | boolean,
): Attributes {
  const others = Object.entries(attributes ?? {}).filter(([other]) => other !== name)
  return attributesFrom([...others.slice(0, ATTRIBUTE_LIMIT - 1), [name, value]])
}

/** With a null prototype, for names are the sender's: `__proto__` is one like any other. */
function attributesFrom(entries: Iterable<readonly [string, string | number | boolean]>): Attributes {
  const attributes: Attributes = Object.create(null)
  for (const [name, value] of entries) {
    attributes[name] = value
  }
  return attributes
}

function mergeMany(contributions: readonly Contribution[]): Merged {
  const all = contributions.map(({ fragment }) => fragment)
  const reported = contributions.filter(({ rank }) => rank < RANK.content).map(({ fragment }) => fragment)
  const lead = all[0] as Fragment
  const outcome = worstOutcome(all)
  const attributes = attributesOf(reported.length === 0 ? [lead] : reported)
  return defined({
    time_ms: lead.time_ms,
    duration_ms: durationOf(reported),
    trace_id: first(all, 'trace_id'),
    span_id: first(all, 'span_id'),
    parent_span_id: lead.parent_span_id,
    operation: operationOf(contributions),
    tool: toolOf(all),
    outcome,
    error_type: errorTypeOf(all, outcome),
    volume: all.reduce<Volume>((sum, { volume }) => combineVolumes(sum, volume ?? {}, (known) => known), {}),
    destinations: unionOf(
      all.map(({ destinations }) => destinations ?? []),
      destinationKey,
    ),
    dataset_scope: unionOfDatasets(all.map(({ dataset_scope }) => dataset_scope ?? [])),
    policy_snapshot: first(all, 'policy_snapshot'),
    policy_decision: decisionOf(all),
    atlas_mapping: [...new Set(all.flatMap(({ atlas_mapping }) => atlas_mapping ?? []))].slice(0, LIST_LIMIT),
    integrity: firstOfEach<Integrity>(all.map(({ integrity }) => integrity)),
    token: firstOfEach<Token>(all.map(({ token }) => token)),
    approval: firstOfEach<Approval>(all.map(({ approval }) => approval)),
    content: contentOf(all),
    prompt_id: first(all, 'prompt_id'),
    attributes: reported.length === 0 ? inferred(attributes) : attributes,
  })
}

/** What an event and those below it say together of what both can speak of. */
export function withChildren(
  own: Merged,
  children: Children | undefined,
): Pick<Merged, 'destinations' | 'dataset_scope' | 'volume'> {
  if (children === undefined) {
    return own
  }
  return {
    destinations: unionOf([own.destinations ?? [], children.destinations], destinationKey),
    dataset_scope: unionOfDatasets([own.dataset_scope ?? [], children.dataset_scope]),
    // An event's own figure and the sum of what went through below it are two measurements of one thing.
    volume: own.volume === undefined ? children.volume : combineVolumes(own.volume, children.volume, Math.max),
  }
}

function first<K extends keyof Merged & keyof Fragment>(
  fragments: readonly Fragment[],
  field: K,
): Fragment[K] | undefined {
  return fragments.find((fragment) => fragment[field] !== undefined)?.[field]
}

/** An event's record says what it was; a part says so only when there is none. */
function operationOf(contributions: readonly Contribution[]): Fragment['operation'] {
  const known = contributions.find(({ fragment }) => fragment.role === 'event' && fragment.operation !== undefined)
  return (known ?? contributions.find(({ fragment }) => fragment.operation !== undefined))?.fragment.operation
}

function toolOf(fragments: readonly Fragment[]): Partial<Tool> | undefined {
  return firstOfEach<Partial<Tool>>(fragments.map(({ tool }) => tool))
}

/** Field by field, the first that says something. */
function firstOfEach<T extends object>(values: readonly (T | undefined)[]): T | undefined {
  const present = values.filter((value) => value !== undefined)
  return present.length < 2 ? present[0] : Object.assign({}, ...present.toReversed())
}

/** More telling first: `error` says least. */
const OUTCOME_ORDER: readonly EventOutcome[] = ['denied', 'refused', 'timeout', 'rate_limited', 'error', 'ok']

/** An outcome that is not ok wins: emitters leave the status of a call alone when a part of it failed. */
function worstOutcome(fragments: readonly Fragment[]): EventOutcome | undefined {
  return OUTCOME_ORDER.find((outcome) => fragments.some((fragment) => fragment.outcome === outcome))
}

function errorTypeOf(fragments: readonly Fragment[], outcome: EventOutcome | undefined): string | undefined {
  if (outcome === 'ok' || outcome === undefined) {
    return undefined
  }
  const exact = fragments.find((fragment) => fragment.outcome === outcome && fragment.error_type !== undefined)
  return exact?.error_type ?? first(fragments, 'error_type')
}

const DECISION_ORDER = ['deny', 'step_up', 'allow'] as const

function decisionOf(fragments: readonly Fragment[]): Fragment['policy_decision'] {
  return DECISION_ORDER.find((decision) => fragments.some(({ policy_decision }) => policy_decision === decision))
}

/**
 * Dialects whose log record of a call knows more than its span: the arguments as they were given, where the span has
 * them rewritten, and the time of the call, where the span lasts until the user has answered.
 */
const LOG_KNOWS_BETTER: ReadonlySet<string> = new Set(['claude-code'])

function contentOf(fragments: readonly Fragment[]): Content | undefined {
  const content = firstOfEach<Content>(fragments.map((fragment) => fragment.content))
  const given = fragments.find(({ dialect, role, signal, content: said }) => {
    return LOG_KNOWS_BETTER.has(dialect) && role === 'event' && signal === 'log' && said?.arguments !== undefined
  })?.content?.arguments
  return given === undefined ? content : { ...content, arguments: given }
}

function durationOf(fragments: readonly Fragment[]): number | undefined {
  const timed = fragments.filter(({ duration_ms }) => duration_ms !== undefined)
  const execution =
    timed.find(({ dialect, role, signal }) => LOG_KNOWS_BETTER.has(dialect) && role === 'event' && signal === 'log') ??
    timed.find(
      ({ dialect, role, tool }) => LOG_KNOWS_BETTER.has(dialect) && role === 'part' && tool?.call_id !== undefined,
    )
  return (execution ?? timed.find(({ role }) => role === 'event') ?? timed[0])?.duration_ms
}

function attributesOf(fragments: readonly Fragment[]): Attributes {
  const merged = new Map<string, string | number | boolean>()
  for (const { attributes } of fragments) {
    for (const [name, value] of Object.entries(attributes ?? {})) {
      if (merged.size < ATTRIBUTE_LIMIT && !merged.has(name)) {
        merged.set(name, value)
      }
    }
  }
  return attributesFrom(merged)
}

function destinationKey({ host, port, scheme, method, seen_in }: Destination): string {
  return `${host}\n${port ?? ''}\n${scheme ?? ''}\n${method ?? ''}\n${seen_in ?? ''}`
}

/** Sorted, so that it does not matter which came first. */
function unionOf<T>(lists: readonly (readonly T[])[], keyOf: (member: T) => string): readonly T[] {
  const said = lists.filter((list) => list.length > 0)
  if (said.length === 0 || (said.length === 1 && said[0]?.length === 1)) {
    return said[0] ?? []
  }
  const members = new Map<string, T>()
  for (const member of lists.flat()) {
    const key = keyOf(member)
    if (!members.has(key)) {
      members.set(key, member)
    }
  }
  const sorted = [...members].sort(([a], [b]) => (a < b ? -1 : 1))
  return sorted.slice(0, LIST_LIMIT).map(([, member]) => member)
}

/** Of one dataset the stricter classification and the graver operation win. */
function unionOfDatasets(lists: readonly (readonly Dataset[])[]): readonly Dataset[] {
  const keyOf = ({ id, tenant }: Dataset) => `${id}\n${tenant ?? ''}`
  const strictest = new Map<string, Dataset>()
  for (const dataset of lists.flat()) {
    const key = keyOf(dataset)
    const known = strictest.get(key)
    strictest.set(key, known === undefined ? dataset : stricter(known, dataset))
  }
  return unionOf([[...strictest.values()]], keyOf)
}

function stricter(one: Dataset, other: Dataset): Dataset {
  const rank = ({ classification }: Dataset) =>
    classification === undefined ? -1 : CLASSIFICATIONS.indexOf(classification)
  const classification = rank(other) > rank(one) ? other.classification : one.classification
  const operation = graver(one.operation, other.operation)
  return {
    id: one.id,
    ...(classification === undefined ? {} : { classification }),
    ...(one.tenant === undefined ? {} : { tenant: one.tenant }),
    ...(operation === undefined ? {} : { operation }),
  }
}

const VOLUMES = ['bytes_in', 'bytes_out', 'rows', 'documents', 'input_tokens', 'output_tokens', 'cost_usd'] as const

function combineVolumes(one: Volume, other: Volume, combine: (a: number, b: number) => number): Volume {
  const volume: Volume = {}
  for (const name of VOLUMES) {
    const a = one[name]
    const b = other[name]
    const value = a === undefined ? b : b === undefined ? a : combine(a, b)
    if (value !== undefined) {
      volume[name] = value
    }
  }
  return volume
}

/** The same without the fields that nobody said anything about. */
function defined<T extends object>(value: { [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as T
}
