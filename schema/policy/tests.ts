/** Examples that a policy must judge as its author means: `tests` of a policy, run by `telltale check`. */
import { type Static, Type } from 'typebox'
import {
  Agent,
  Approval,
  Attributes,
  Content,
  Dataset,
  Destination,
  EventOutcome,
  Integrity,
  Operation,
  Subject,
  Token,
  Tool,
  Volume,
} from '../telemetry.ts'
import { Name, strict } from './words.ts'

const few = <T extends Type.TSchema>(item: T) => Type.Array(item, { maxItems: 64 })

/** An event, as far as the test is about it: the fields of telemetry, with short forms. What is not said has a default. */
export const TestEvent = Type.Object(
  {
    /** Absent: what the event looks like, a `tool_call` if like nothing else. */
    operation: Type.Optional(Operation),
    /** Absent: one that the policy governs. */
    agent: Type.Optional(Agent),
    tool: Type.Optional(Type.Union([Name, Tool], { description: 'the name of a tool, or {name: ..., server: ...}' })),
    destinations: Type.Optional(
      few(Type.Union([Name, Destination], { description: "'https://api.example.com', or {host: ..., port: ...}" })),
    ),
    datasets: Type.Optional(
      few(Type.Union([Name, Dataset], { description: 'the id of a dataset, or {id: ..., tenant: ...}' })),
    ),
    subject_chain: Type.Optional(few(Subject)),
    outcome: Type.Optional(EventOutcome),
    policy_decision: Type.Optional(Type.Enum(['allow', 'deny', 'step_up'])),
    volume: Type.Optional(Volume),
    integrity: Type.Optional(Integrity),
    token: Type.Optional(Token),
    approval: Type.Optional(Approval),
    content: Type.Optional(Content),
    attributes: Type.Optional(Attributes),
  },
  { ...strict, minProperties: 1 },
)
export type TestEvent = Static<typeof TestEvent>

export const PolicyTestEntry = Type.Object(
  {
    name: Name,
    event: TestEvent,
    /** `allowed`: no detector says anything that matters. Else those that speak, and no others. */
    expect: Type.Union([Type.Literal('allowed'), Type.Array(Name, { minItems: 1, maxItems: 64 })], {
      description: 'allowed, or the ids of the detectors that speak: [tool-allowlist]',
    }),
  },
  strict,
)
export type PolicyTestEntry = Static<typeof PolicyTestEntry>
