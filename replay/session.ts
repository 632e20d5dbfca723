/**
 * A recorded agent session as a scenario file tells it: who acted, for whom, and what happened step by step.
 * `play.ts` turns it into OpenTelemetry spans with the real SDK.
 *
 * `attributes` go verbatim onto the span of their step, over what the step itself says: so a scenario states what an
 * instrumentation would (`telltale.dataset_scope`, `gen_ai.operation.name`, `http.response.body.size`).
 */
import { readFile } from 'node:fs/promises'
import { type Static, type TSchema, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { parse } from 'yaml'
import { Misconfigured, type Problem } from '../schema/errors.ts'

/** How deep delegations nest. */
const MAX_DEPTH = 4

const strict = { additionalProperties: false }
const Text = Type.String({ maxLength: 20_000 })
const Duration = Type.Integer({ minimum: 1, maximum: 30 * 86_400_000 })
const Attributes = Type.Record(
  Type.String(),
  Type.Union([Text, Type.Number(), Type.Boolean(), Type.Array(Text), Type.Array(Type.Number())]),
)
export type SpanAttributes = Static<typeof Attributes>

const everyStep = {
  attributes: Type.Optional(Attributes),
  /** How long the step takes. */
  ms: Type.Optional(Duration),
  /** How long nothing happens before it. */
  wait_ms: Type.Optional(Duration),
}

/** An outgoing request made while a tool ran. */
const Request = Type.Object(
  {
    url: Text,
    method: Type.Optional(Text),
    status: Type.Optional(Type.Integer()),
    attributes: Type.Optional(Attributes),
  },
  strict,
)
export type Request = Static<typeof Request>

const ToolStep = Type.Object(
  {
    ...everyStep,
    tool: Text,
    /** The MCP server that offers it. */
    server: Type.Optional(Text),
    arguments: Type.Optional(Type.Unknown()),
    result: Type.Optional(Type.Unknown()),
    /** Sets the span's status to error and `error.type`. */
    error: Type.Optional(Text),
    requests: Type.Optional(Type.Array(Request)),
    /** The step happens this many times in a row. */
    times: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
  },
  strict,
)
export type ToolStep = Static<typeof ToolStep>

/** The model is asked. Without `prompt` nothing is said of what it was asked; `{ output: ... }` alone is a step. */
const ChatStep = Type.Object(
  {
    ...everyStep,
    prompt: Type.Optional(Text),
    output: Type.Optional(Text),
    /** Instead of the session's. */
    system: Type.Optional(Text),
    model: Type.Optional(Text),
  },
  { ...strict, minProperties: 1 },
)
export type ChatStep = Static<typeof ChatStep>

/** Any other span: a database query, a request for a token, a server that answers. Everything is in its attributes. */
const SpanStep = Type.Object(
  {
    ...everyStep,
    span: Text,
    kind: Type.Optional(Type.Enum(['internal', 'client', 'server', 'producer', 'consumer'])),
    error: Type.Optional(Text),
  },
  strict,
)
export type SpanStep = Static<typeof SpanStep>

/** A sub-agent that does steps of its own, and may delegate in turn. */
export interface DelegateStep extends Pick<ToolStep, 'attributes' | 'ms' | 'wait_ms'> {
  readonly agent: string
  readonly version?: string
  readonly task?: string
  readonly steps: readonly Step[]
}
export type Step = DelegateStep | SpanStep | ToolStep | ChatStep

const delegateStep = (depth: number): TSchema =>
  Type.Object(
    {
      ...everyStep,
      agent: Text,
      version: Type.Optional(Text),
      task: Type.Optional(Text),
      steps: Type.Array(stepOf(depth + 1)),
    },
    strict,
  )
const stepOf = (depth: number): TSchema =>
  Type.Union([...(depth < MAX_DEPTH ? [delegateStep(depth)] : []), SpanStep, ToolStep, ChatStep])

const Session = Type.Object(
  {
    title: Text,
    /** What the session shows; `benign` sessions must raise nothing. */
    story: Type.Enum(['benign', 'attack']),
    service: Text,
    /** Resource attributes beside the service's name, verbatim. */
    resource: Type.Optional(Attributes),
    agent: Type.Object({ id: Text, name: Type.Optional(Text), version: Type.Optional(Text) }, strict),
    user: Type.Optional(Text),
    model: Type.Optional(Text),
    system: Type.Optional(Text),
    /** `every-span`: each span names agent and session; `root`: only the root does, as most SDKs have it. */
    identity: Type.Optional(Type.Enum(['every-span', 'root'])),
    /** Of the root span. */
    attributes: Type.Optional(Attributes),
    steps: Type.Array(stepOf(0)),
    /** Detectors whose findings above informational are expected, each of them and no others. */
    expect: Type.Optional(Type.Array(Type.String(), { uniqueItems: true })),
    /** Exactly so many alerts above informational. */
    alerts: Type.Optional(Type.Integer({ minimum: 0 })),
  },
  strict,
)
export type Session = Omit<Static<typeof Session>, 'steps'> & { readonly steps: readonly Step[] }

const compiled = Compile(Session)

/** Reads one scenario file. Throws `Misconfigured` with what is wrong in it. */
export async function readSession(file: string): Promise<Session> {
  const value: unknown = parse(await readFile(file, 'utf8'), { maxAliasCount: 10 })
  if (!compiled.Check(value)) {
    throw new Misconfigured(problemsOf(compiled.Errors(value), file))
  }
  return value as Session
}

/** Of a step, which may be one of several, what is deepest says most. */
function problemsOf(
  errors: Iterable<{ readonly instancePath: string; readonly message: string }>,
  file: string,
): readonly Problem[] {
  return [...errors]
    .sort((one, other) => other.instancePath.split('/').length - one.instancePath.split('/').length)
    .slice(0, 10)
    .map(({ instancePath, message }) => ({ file, message: `${instancePath || '/'} ${message}` }))
}
