/** What every dialect must hold to, whatever is sent. Run by `index.test.ts` on each. */
import { Ajv } from 'ajv'
import fc from 'fast-check'
import { Type } from 'typebox'
import { expect, it } from 'vitest'
import {
  Agent,
  Approval,
  Attributes,
  Dataset,
  Destination,
  EventOutcome,
  Integrity,
  LIST_LIMIT,
  NAME_LIMIT,
  Operation,
  Subject,
  Token,
  Tool,
  Volume,
} from '../../schema/telemetry.ts'
import { arbitraryRecord } from '../../test/otlp-records.ts'
import type { OtlpRecord } from '../otlp/records.ts'
import { TEXT_LIMIT } from '../otlp/values.ts'
import type { Dialect, FragmentDraft } from './dialect.ts'

const strict = { additionalProperties: false }
const Name = Type.String({ minLength: 1, maxLength: NAME_LIMIT })
const Text = Type.Optional(Type.String({ minLength: 1, maxLength: TEXT_LIMIT }))
const RequestedCall = Type.Object(
  {
    call_id: Name,
    name: Type.Optional(Name),
    server: Type.Optional(Name),
    arguments: Text,
    result: Text,
    outcome: Type.Optional(EventOutcome),
  },
  strict,
)
const optionalList = <Entry extends Type.TSchema>(entry: Entry) =>
  Type.Optional(Type.Array(entry, { minItems: 1, maxItems: LIST_LIMIT }))

/** A draft: like the schema, but texts are still raw and longer. */
const Draft = Type.Object(
  {
    role: Type.Enum(['event', 'part', 'context']),
    operation: Type.Optional(Operation),
    twin: Type.Optional(Type.String({ minLength: 1, maxLength: 2000 })),
    transport: Type.Optional(Type.Literal(true)),
    session_id: Type.Optional(Name),
    parent_span_id: Type.Optional(Name),
    agent: Type.Optional(Type.Partial(Agent)),
    callers: optionalList(Subject),
    principal: Type.Optional(Subject),
    subject_chain: optionalList(Subject),
    tool: Type.Optional(Type.Partial(Tool)),
    outcome: Type.Optional(EventOutcome),
    error_type: Type.Optional(Name),
    time_ms: Type.Optional(Type.Number({ minimum: 0 })),
    duration_ms: Type.Optional(Type.Number({ minimum: 0 })),
    volume: Type.Optional(Volume),
    destinations: optionalList(Destination),
    dataset_scope: optionalList(Dataset),
    policy_snapshot: Type.Optional(Name),
    policy_decision: Type.Optional(Type.Enum(['allow', 'deny', 'step_up'])),
    atlas_mapping: optionalList(Name),
    integrity: Type.Optional(Integrity),
    token: Type.Optional(Token),
    approval: Type.Optional(Approval),
    content: Type.Optional(
      Type.Object(
        {
          prompt: Text,
          arguments: Text,
          result: Text,
          output: Text,
          system_prompt: Text,
          truncated: Type.Optional(Type.Literal(true)),
        },
        strict,
      ),
    ),
    attributes: Type.Optional(Attributes),
    requested_calls: optionalList(RequestedCall),
    answered_calls: optionalList(RequestedCall),
  },
  strict,
)
// biome-ignore lint/suspicious/noExplicitAny: ajv compiles the JSON Schema that typebox objects are.
const isDraft = new Ajv({ allErrors: true, strict: false, unicode: false, logger: false }).compile(Draft as any)

/** What is wrong with a draft, or nothing. */
export function faultsOf(draft: FragmentDraft): string {
  return isDraft(draft)
    ? ''
    : (isDraft.errors ?? []).map((error) => `${error.instancePath} ${error.message}`).join('; ')
}

const RUNS = 400

/** Speaks for the record as the dialect would, span or log. */
export function ask(dialect: Dialect, record: OtlpRecord): FragmentDraft | undefined {
  return record.signal === 'span' ? dialect.span?.(record) : dialect.log?.(record)
}

export function dialectContract(dialect: Dialect): void {
  it('speaks for some of the arbitrary records', () => {
    const records = fc.sample(arbitraryRecord, { numRuns: RUNS, seed: 7 })
    const drafts = records.map((record) => ask(dialect, record)).filter((draft) => draft !== undefined)
    expect(drafts.length).toBeGreaterThan(0)
  })

  it('never throws, and says only what the schema knows, within bounds', () => {
    fc.assert(
      fc.property(arbitraryRecord, (record) => {
        const draft = ask(dialect, record)
        expect(draft === undefined ? '' : faultsOf(draft)).toBe('')
      }),
      { numRuns: RUNS },
    )
  })

  it('says the same of the same record, and changes nothing of it', () => {
    fc.assert(
      fc.property(arbitraryRecord, (record) => {
        const before = structuredClone(record)
        const draft = ask(dialect, record)
        expect(ask(dialect, before)).toEqual(draft)
        expect(record).toEqual(before)
      }),
      { numRuns: 100 },
    )
  })

  it('gives every event an operation', () => {
    fc.assert(
      fc.property(arbitraryRecord, (record) => {
        const draft = ask(dialect, record)
        expect(draft?.role === 'event' && draft.operation === undefined).toBe(false)
      }),
      { numRuns: RUNS },
    )
  })
}
