/**
 * A recorded agent session as a scenario file tells it: who acted, for whom, and what happened step by step.
 * `play.ts` turns it into OpenTelemetry spans with the real SDK.
 */
import { readFile } from 'node:fs/promises'
import { type Static, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { parse } from 'yaml'
import { Misconfigured } from '../schema/errors.ts'

const strict = { additionalProperties: false }
const Text = Type.String({ maxLength: 20_000 })

/** An outgoing request made while a tool ran. */
const Request = Type.Object({ url: Text, method: Type.Optional(Text), status: Type.Optional(Type.Integer()) }, strict)

const ToolStep = Type.Object(
  {
    tool: Text,
    /** The MCP server that offers it. */
    server: Type.Optional(Text),
    arguments: Type.Optional(Type.Unknown()),
    result: Type.Optional(Type.Unknown()),
    /** Sets the span's status to error and `error.type`. */
    error: Type.Optional(Text),
    requests: Type.Optional(Type.Array(Request)),
    ms: Type.Optional(Type.Integer({ minimum: 1 })),
    /** The step happens this many times in a row. */
    times: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
  },
  strict,
)

const ChatStep = Type.Object(
  { prompt: Text, output: Type.Optional(Text), ms: Type.Optional(Type.Integer({ minimum: 1 })) },
  strict,
)

/** A sub-agent that does steps of its own. */
const DelegateStep = Type.Object(
  { agent: Text, task: Type.Optional(Text), steps: Type.Array(Type.Union([ChatStep, ToolStep])) },
  strict,
)

const Session = Type.Object(
  {
    title: Text,
    /** What the session shows; `benign` sessions must raise nothing. */
    story: Type.Enum(['benign', 'attack']),
    service: Text,
    agent: Type.Object({ id: Text, name: Type.Optional(Text), version: Type.Optional(Text) }, strict),
    user: Type.Optional(Text),
    model: Type.Optional(Text),
    system: Type.Optional(Text),
    /** `every-span`: each span names agent and session; `root`: only the root does, as most SDKs have it. */
    identity: Type.Optional(Type.Enum(['every-span', 'root'])),
    steps: Type.Array(Type.Union([DelegateStep, ChatStep, ToolStep])),
    /** Detectors expected to speak, and no others. */
    expect: Type.Optional(Type.Array(Type.String())),
  },
  strict,
)
export type Session = Static<typeof Session>
export type Step = Session['steps'][number]
export type ToolStep = Static<typeof ToolStep>
export type ChatStep = Static<typeof ChatStep>

const compiled = Compile(Session)

/** Reads one scenario file. Throws `Misconfigured` with what is wrong in it. */
export async function readSession(file: string): Promise<Session> {
  const value: unknown = parse(await readFile(file, 'utf8'), { maxAliasCount: 10 })
  if (!compiled.Check(value)) {
    const problems = [...compiled.Errors(value)].slice(0, 10)
    throw new Misconfigured(
      problems.map(({ instancePath, message }) => ({ file, message: `${instancePath || '/'} ${message}` })),
    )
  }
  return value
}
