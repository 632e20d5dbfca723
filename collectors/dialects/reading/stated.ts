/**
 * What an agent states about itself in `telltale.*` attributes, read alike for every dialect: who it acts for, which
 * data it touches, which policy decision, credential and approval cover it; and who answers for it and how it is labelled,
 * which its resource may state, too. Each is checked against the schema, and what does not fit is left out, so that a careless sender loses one statement, never a record.
 */
import {
  type Agent,
  CLASSIFICATIONS,
  type Classification,
  DATASET_OPERATIONS,
  type Dataset,
  type DatasetOperation,
  LABEL_LIMIT,
  type Labels,
  LIST_LIMIT,
  type Subject,
} from '../../../schema/telemetry.ts'
import type { AttributeMap, AttributeValue, OtlpRecord, Resource } from '../../otlp/records.ts'
import { asJson, fieldLabel, type Json, label, labels, put } from '../../otlp/values.ts'
import type { FragmentDraft } from '../dialect.ts'
import { approvalFrom, tokenFrom } from './authority.ts'

/** The part of a draft that an agent may state. */
export type Stated = Partial<
  Pick<
    { -readonly [Key in keyof FragmentDraft]: FragmentDraft[Key] },
    | 'agent'
    | 'subject_chain'
    | 'dataset_scope'
    | 'policy_snapshot'
    | 'policy_decision'
    | 'token'
    | 'approval'
    | 'atlas_mapping'
  >
>

/** What a record states, or `undefined` when it states nothing that holds. */
export function statedBy(record: OtlpRecord): Stated | undefined {
  const { attributes } = record
  const agent = statedAgent(record)
  if (agent === undefined && !statesAnything(attributes)) {
    return undefined
  }
  const stated: Stated = {}
  put(stated, 'agent', agent)
  put(stated, 'subject_chain', list(attributes.get('telltale.subject_chain'), subject))
  put(stated, 'dataset_scope', list(attributes.get('telltale.dataset_scope'), statedDataset))
  put(stated, 'policy_snapshot', uuid(attributes.get('telltale.policy_snapshot')))
  put(stated, 'policy_decision', decision(attributes.get('telltale.policy_decision')))
  put(stated, 'token', tokenFrom(attributes.get('telltale.token')))
  put(stated, 'approval', approvalFrom(attributes.get('telltale.approval')))
  put(stated, 'atlas_mapping', techniques(attributes.get('telltale.atlas_mapping')))
  return stated
}

const KEYS = [
  'telltale.subject_chain',
  'telltale.dataset_scope',
  'telltale.policy_snapshot',
  'telltale.policy_decision',
  'telltale.token',
  'telltale.approval',
  'telltale.atlas_mapping',
] as const

function statesAnything(attributes: AttributeMap): boolean {
  for (const key of KEYS) {
    if (attributes.has(key)) {
      return true
    }
  }
  return false
}

type StatedAgent = Pick<Agent, 'owner' | 'labels'>

const AGENT_PREFIX = 'telltale.agent.'
const LABEL_PREFIX = 'telltale.agent.labels.'
const OWNER_KEY = 'telltale.agent.owner'

/** What the record states of its agent, and what its resource does where it does not. */
function statedAgent({ attributes, resource }: OtlpRecord): StatedAgent | undefined {
  const of = agentOfResource(resource)
  const own = agentIn(attributes)
  if (own === undefined || of === undefined) {
    return own ?? of
  }
  const labels = own.labels === undefined ? of.labels : bounded({ ...own.labels, ...of.labels, ...own.labels })
  return { ...of, ...own, ...(labels === undefined ? {} : { labels }) }
}

// All records of a group share their resource.
const agentsOfResources = new WeakMap<Resource, { readonly agent: StatedAgent | undefined }>()

function agentOfResource(resource: Resource): StatedAgent | undefined {
  let known = agentsOfResources.get(resource)
  if (known === undefined) {
    known = { agent: agentIn(resource.attributes) }
    agentsOfResources.set(resource, known)
  }
  return known.agent
}

function agentIn(attributes: AttributeMap): StatedAgent | undefined {
  let found: StatedAgent | undefined
  for (const [key, value] of attributes) {
    if (!key.startsWith(AGENT_PREFIX)) {
      continue
    }
    const said = label(value)
    if (said !== undefined && key === OWNER_KEY) {
      found = { ...found, owner: said }
    } else if (said !== undefined && key.startsWith(LABEL_PREFIX) && key.length > LABEL_PREFIX.length) {
      found = { ...found, labels: bounded({ ...found?.labels, [key.slice(LABEL_PREFIX.length)]: said }) }
    }
  }
  return found
}

/** The labels that came first, as many as an agent may have. */
function bounded(labels: Labels): Labels {
  const all = Object.entries(labels)
  return all.length <= LABEL_LIMIT ? labels : Object.fromEntries(all.slice(0, LABEL_LIMIT))
}

function list<Entry>(value: AttributeValue, read: (node: Json) => Entry | undefined): readonly Entry[] | undefined {
  const node = asJson(value)
  if (!Array.isArray(node)) {
    return undefined
  }
  const entries: Entry[] = []
  for (const raw of node.slice(0, LIST_LIMIT)) {
    // SDKs that allow only arrays of strings send each entry as JSON.
    const entry = read(typeof raw === 'string' ? (asJson(raw) ?? raw) : raw)
    if (entry !== undefined) {
      entries.push(entry)
    }
  }
  return entries.length === 0 ? undefined : entries
}

function subject(node: Json): Subject | undefined {
  const kind = fieldLabel(node, 'kind')
  const id = fieldLabel(node, 'id')
  if (id === undefined || (kind !== 'human' && kind !== 'agent' && kind !== 'service')) {
    return undefined
  }
  const name = fieldLabel(node, 'name')
  return name === undefined ? { kind, id } : { kind, id, name }
}

function statedDataset(node: Json): Dataset | undefined {
  const id = typeof node === 'string' ? label(node) : fieldLabel(node, 'id')
  if (id === undefined) {
    return undefined
  }
  const classification = fieldLabel(node, 'classification')?.toLowerCase()
  const tenant = fieldLabel(node, 'tenant')
  const operation = fieldLabel(node, 'operation')?.toLowerCase()
  return {
    id,
    ...(CLASSIFICATIONS.includes(classification as Classification)
      ? { classification: classification as Classification }
      : {}),
    ...(tenant === undefined ? {} : { tenant }),
    ...(DATASET_OPERATIONS.includes(operation as DatasetOperation) ? { operation: operation as DatasetOperation } : {}),
  }
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

function uuid(value: AttributeValue): string | undefined {
  const id = label(value)?.toLowerCase()
  return id !== undefined && UUID.test(id) ? id : undefined
}

function decision(value: AttributeValue): 'allow' | 'deny' | 'step_up' | undefined {
  return value === 'allow' || value === 'deny' || value === 'step_up' ? value : undefined
}

const TECHNIQUE = /^AML\.T\d{4}(?:\.\d{3})?$/

function techniques(value: AttributeValue): readonly string[] | undefined {
  const found = labels(value).filter((id) => TECHNIQUE.test(id))
  return found.length === 0 ? undefined : [...new Set(found)]
}
