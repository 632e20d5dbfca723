/**
 * The tool-call telemetry record, version 1: one thing an agent did, as observed, never an opinion.
 *
 * Everything downstream of the assembler speaks this shape. Here is its single source: the JSON Schema
 * (`schema/json/telemetry.schema.json`) and the TypeScript type both come from it.
 */
import { type Static, Type } from 'typebox'

/** The longest text kept of one piece of content, in UTF-16 units; what is longer is cut and marked. */
export const CONTENT_LIMIT = 8192
/** The longest identifier or name accepted anywhere in a record. */
export const NAME_LIMIT = 512
/** The most attributes an event keeps, and the longest value of one. */
export const ATTRIBUTE_LIMIT = 64
export const ATTRIBUTE_VALUE_LIMIT = 1024
/** The longest list (subjects, datasets, destinations, techniques) an event keeps. */
export const LIST_LIMIT = 64
/** The most labels an agent has, and the longest value of one. */
export const LABEL_LIMIT = 16
export const LABEL_VALUE_LIMIT = 128

const strict = { additionalProperties: false }
const Name = Type.String({ minLength: 1, maxLength: NAME_LIMIT })
const Hash = Type.String({ pattern: '^[0-9a-f]{64}$' })
const Id128 = Type.String({ pattern: '^[0-9a-f]{32}$' })
const Id64 = Type.String({ pattern: '^[0-9a-f]{16}$' })
const Count = Type.Integer({ minimum: 0 })
const TimeMs = Type.Number({ minimum: 0 })
const Scopes = Type.Array(Name, { maxItems: LIST_LIMIT })
const nullable = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()])

export const OPERATIONS = [
  'tool_call',
  'model_call',
  'retrieval',
  'agent_invoke',
  'agent_spawn',
  'token_request',
  'egress',
  'policy_decision',
  'config_change',
] as const
/** What kind of thing the agent did. */
export const Operation = Type.Enum([...OPERATIONS])
export type Operation = (typeof OPERATIONS)[number]

export const OUTCOMES = ['ok', 'error', 'denied', 'refused', 'timeout', 'rate_limited'] as const
/** How the operation ended. Never collapsed to a boolean: the signal is in the attempts that failed. */
export const EventOutcome = Type.Enum([...OUTCOMES])
export type EventOutcome = (typeof OUTCOMES)[number]

export const CLASSIFICATIONS = ['public', 'internal', 'confidential', 'restricted'] as const
/** Classification tags, least sensitive first. */
export type Classification = (typeof CLASSIFICATIONS)[number]

/** What a label may be called: `tier`, `cost-center`, `example.com/team`. */
export const LabelKey = Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}$' })
/** What whoever runs the agent says of it, for policies to select by. */
export const Labels = Type.Record(LabelKey, Type.String({ minLength: 1, maxLength: LABEL_VALUE_LIMIT }), {
  maxProperties: LABEL_LIMIT,
  ...strict,
})
export type Labels = Static<typeof Labels>

/** Who acted. `id` is stable over restarts; `version` is what the profile of the agent belongs to. */
export const Agent = Type.Object(
  {
    id: Name,
    name: Type.Optional(Name),
    version: Type.Optional(Name),
    framework: Type.Optional(Name),
    owner: Type.Optional(Name),
    labels: Type.Optional(Labels),
  },
  strict,
)
export type Agent = Static<typeof Agent>

export const DATASET_OPERATIONS = ['read', 'write', 'delete'] as const
/** What was done with a dataset, the least grave first. */
export type DatasetOperation = (typeof DATASET_OPERATIONS)[number]

/** One link of the chain from the principal at the origin to the acting agent. */
export const Subject = Type.Object(
  { kind: Type.Enum(['human', 'agent', 'service']), id: Name, name: Type.Optional(Name) },
  strict,
)
export type Subject = Static<typeof Subject>

/**
 * A dataset touched or named. `id` is in the normal form of `docs/datasets.md`, unless the agent stated it itself: full
 * (`postgresql/crm/leads`), or, from arguments, what they say of its end (`leads`).
 */
export const Dataset = Type.Object(
  {
    id: Name,
    classification: Type.Optional(Type.Enum([...CLASSIFICATIONS])),
    tenant: Type.Optional(Name),
    /** The gravest thing that was done with it, where a statement or the agent itself says so. */
    operation: Type.Optional(Type.Enum([...DATASET_OPERATIONS])),
  },
  strict,
)
export type Dataset = Static<typeof Dataset>

/** An external endpoint reached, or named in arguments. `host` is lower case, without port or trailing dot. */
export const Destination = Type.Object(
  {
    host: Name,
    port: Type.Optional(Type.Integer({ minimum: 0, maximum: 65535 })),
    scheme: Type.Optional(Name),
    method: Type.Optional(Name),
    /** `network`: a client span reached it; `argument`: it was named in a tool's arguments. */
    seen_in: Type.Optional(Type.Enum(['network', 'argument'])),
  },
  strict,
)
export type Destination = Static<typeof Destination>

export const Tool = Type.Object(
  {
    name: Name,
    kind: Type.Optional(Name),
    call_id: Type.Optional(Name),
    server: Type.Optional(Name),
    definition_hash: Type.Optional(Hash),
  },
  strict,
)
export type Tool = Static<typeof Tool>

export const Volume = Type.Object(
  {
    bytes_in: Type.Optional(Count),
    bytes_out: Type.Optional(Count),
    rows: Type.Optional(Count),
    documents: Type.Optional(Count),
    input_tokens: Type.Optional(Count),
    output_tokens: Type.Optional(Count),
    cost_usd: Type.Optional(Type.Number({ minimum: 0 })),
  },
  strict,
)
export type Volume = Static<typeof Volume>

/** The most tools of one manifest that an event describes. */
export const TOOLS_LIMIT = 64
/** The most parameters of one definition that are described. */
export const PARAMETERS_LIMIT = 48
/** The longest description kept of one definition, in UTF-16 units. */
export const DESCRIPTION_LIMIT = 1024

/** What matters of a tool's definition: enough to tell a harmless edit from a wider capability or a planted instruction. */
export const ToolDefinition = Type.Object(
  {
    name: Name,
    server: Type.Optional(Name),
    /** Of name, description and parameters as they are written. */
    hash: Hash,
    /** Of the words of the description alone, without case, spacing and punctuation: 16 hexadecimal characters. */
    words: Type.String({ pattern: '^[0-9a-f]{16}$' }),
    /** `path:type`, sorted; `!` behind what is required, `[]` for the members of a list, `*` for any name. */
    parameters: Type.Array(Type.String({ minLength: 1, maxLength: 200 }), { maxItems: PARAMETERS_LIMIT }),
    /** What name and description say that it does, in the words of `collectors/dialects/reading/tool-summary.ts`. */
    powers: Type.Optional(Type.Array(Type.String({ maxLength: 32 }), { maxItems: 16 })),
    /** Hosts that the description names. */
    hosts: Type.Optional(Type.Array(Name, { maxItems: 8 })),
    /** The description, cut, where it says anything that a judge should read: commands, markup, hidden characters. */
    description: Type.Optional(Type.String({ maxLength: DESCRIPTION_LIMIT })),
  },
  strict,
)
export type ToolDefinition = Static<typeof ToolDefinition>

export const Integrity = Type.Object(
  {
    system_prompt_hash: Type.Optional(Hash),
    tool_manifest_hash: Type.Optional(Hash),
    /** What the tools of the manifest are; on events that begin a conversation, since it repeats on every model call. */
    tools: Type.Optional(Type.Array(ToolDefinition, { maxItems: TOOLS_LIMIT })),
    knowledge_base_version: Type.Optional(Name),
    model: Type.Optional(Name),
  },
  strict,
)
export type Integrity = Static<typeof Integrity>

/** A credential that was asked for, or that something was done with. Never the credential itself. */
export const Token = Type.Object(
  {
    scopes_requested: Type.Optional(Scopes),
    scopes_granted: Type.Optional(Scopes),
    audience: Type.Optional(Name),
    lifetime_s: Type.Optional(Type.Number({ minimum: 0 })),
    /** Whose it is: the client or principal it was issued to. */
    subject: Type.Optional(Name),
  },
  strict,
)
export type Token = Static<typeof Token>

/** The human gate of an action. `by` is who approved, or how a coding agent says that its user or a setting did. */
export const Approval = Type.Object(
  {
    required: Type.Optional(Type.Boolean()),
    by: Type.Optional(Name),
    /** When it was given; milliseconds since the epoch. */
    at_ms: Type.Optional(TimeMs),
    /** The one approval this was: the same id again is the same approval used again. */
    id: Type.Optional(Name),
  },
  strict,
)
export type Approval = Static<typeof Approval>

const Text = Type.String({ maxLength: CONTENT_LIMIT })
/** Sanitized text. `truncated` when any part was cut, here or at the source. */
export const Content = Type.Object(
  {
    prompt: Type.Optional(Text),
    arguments: Type.Optional(Text),
    result: Type.Optional(Text),
    output: Type.Optional(Text),
    system_prompt: Type.Optional(Text),
    truncated: Type.Optional(Type.Boolean()),
  },
  strict,
)
export type Content = Static<typeof Content>

/** What remains of the source attributes, for rules: flat, keys opaque, values scalar. What a field says word for word is left out. */
export const Attributes = Type.Record(
  Type.String({ pattern: '^[^\\u0000-\\u001f]{1,256}$' }),
  Type.Union([Type.String({ maxLength: ATTRIBUTE_VALUE_LIMIT }), Type.Number(), Type.Boolean()]),
  { maxProperties: ATTRIBUTE_LIMIT, ...strict },
)
export type Attributes = Static<typeof Attributes>

const Technique = Type.String({ pattern: '^AML\\.T\\d{4}(\\.\\d{3})?$' })

export const Telemetry = Type.Object(
  {
    schema_version: Type.Literal('1'),
    event_id: Id128,
    time_ms: TimeMs,
    observed_ms: TimeMs,
    tenant_id: Name,
    agent: Agent,
    session_id: Name,
    trace_id: nullable(Id128),
    span_id: nullable(Id64),
    parent_span_id: nullable(Id64),
    operation: Operation,
    prompt_id: nullable(Hash),
    subject_chain: Type.Array(Subject, { maxItems: LIST_LIMIT }),
    dataset_scope: Type.Array(Dataset, { maxItems: LIST_LIMIT }),
    policy_snapshot: nullable(Type.String({ pattern: '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' })),
    policy_decision: nullable(Type.Enum(['allow', 'deny', 'step_up'])),
    atlas_mapping: Type.Array(Technique, { maxItems: LIST_LIMIT }),
    tool: nullable(Tool),
    outcome: EventOutcome,
    error_type: Type.Optional(Name),
    duration_ms: nullable(Type.Number({ minimum: 0 })),
    volume: Volume,
    destinations: Type.Array(Destination, { maxItems: LIST_LIMIT }),
    integrity: Integrity,
    token: nullable(Token),
    approval: nullable(Approval),
    content: Type.Optional(Content),
    attributes: Attributes,
  },
  { ...strict, $id: 'telltale/telemetry/1', title: 'Telltale tool-call telemetry record, version 1' },
)
/** One event. */
export type Telemetry = Static<typeof Telemetry>
