/**
 * Names for what telemetry may say of an event: what detectors need (`Detector.needs`), what dialects give, and what the
 * coverage report counts. One or two steps deep; of a list, what any of its entries says.
 */
import type { Policy } from './policy.ts'
import type { Telemetry } from './telemetry.ts'

type Item<Value> = NonNullable<Value> extends readonly (infer Entry)[] ? Entry : NonNullable<Value>
type Inner<Value> = Item<Value> extends object ? keyof Item<Value> & string : never
type Said = Omit<Telemetry, 'attributes'>

/** `tool`, `tool.server`, `dataset_scope.classification`, `content.result`; an attribute by its key: `attributes.db.name`. */
export type FieldPath =
  | { [Key in keyof Said & string]: Key | `${Key}.${Inner<Said[Key]>}` }[keyof Said & string]
  | `attributes.${string}`

/** What a policy says of itself and not of what an agent may do. */
const POLICY_HEAD = [
  ...(['version', 'id', 'extends', 'description', 'owner', 'agent', 'mode', 'expires', 'tests'] as const),
  'maturity',
] as const

/** A section of a policy: `tools`, `egress`. */
export type PolicySection = Exclude<keyof Policy, (typeof POLICY_HEAD)[number]> & string

/** A field of telemetry, or a section that the governing policy must have. */
export type Need = FieldPath | `policy.${PolicySection}`

/** The sections that a policy has. Its maturity stands for what it says of approvals. */
export function sectionsOf(policy: Policy): readonly PolicySection[] {
  const head: readonly string[] = POLICY_HEAD
  const keys = policy.maturity === undefined ? Object.keys(policy) : [...Object.keys(policy), 'approvals']
  return [...new Set(keys)].filter((key) => !head.includes(key)) as PolicySection[]
}

/**
 * Every path that a record says something under: an event, or a fragment of one. `null`, empty texts, lists and objects
 * say nothing. The store asks ClickHouse the same of stored events (`store/field-counts.ts`).
 */
export function fieldsOf(record: object): readonly string[] {
  return Object.entries(record).flatMap(([key, value]) => {
    if (isNothing(value)) {
      return []
    }
    const entries: readonly unknown[] = Array.isArray(value) ? value : [value]
    const inner = entries.flatMap((entry) => (typeof entry === 'object' && entry !== null ? Object.keys(entry) : []))
    return [key, ...new Set(inner.map((name) => `${key}.${name}`))]
  })
}

function isNothing(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) {
    return Object.keys(value).length === 0
  }
  return value === undefined || value === null || value === ''
}
