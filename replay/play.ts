/**
 * Plays a recorded session as its agent would have lived it: spans of the OpenTelemetry GenAI conventions, made by the
 * real SDK and sent by whatever exporter it was given. Ids and times come from the caller, so that a seeded
 * performance can be repeated exactly.
 */
import { createHash } from 'node:crypto'
import { type Context, context, type Span, SpanKind, SpanStatusCode, type Tracer, trace } from '@opentelemetry/api'
import type { ChatStep, DelegateStep, Request, Session, SpanStep, Step, ToolStep } from './session.ts'

/** One performance of one session. */
interface Performance {
  readonly session: Session
  readonly conversation: string
  readonly tracer: Tracer
  readonly identity: Readonly<Record<string, string>>
  nowMs: number
  calls: number
}

const DEFAULT_MS = 180
const PAUSE_MS = 25
const KINDS = {
  internal: SpanKind.INTERNAL,
  client: SpanKind.CLIENT,
  server: SpanKind.SERVER,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
} as const

/**
 * @param startMs event time of the first span.
 * @param conversation the session id that the agent's telemetry names.
 * @returns event time of the end.
 */
export function play(session: Session, tracer: Tracer, startMs: number, conversation: string): number {
  const { agent } = session
  const identity = {
    'gen_ai.agent.id': agent.id,
    'gen_ai.agent.name': agent.name ?? agent.id,
    ...(agent.version === undefined ? {} : { 'gen_ai.agent.version': agent.version }),
    'gen_ai.conversation.id': conversation,
  }
  const performance: Performance = { session, conversation, tracer, identity, nowMs: startMs, calls: 0 }
  const root = tracer.startSpan(`invoke_agent ${agent.id}`, {
    startTime: startMs,
    root: true,
    attributes: {
      'gen_ai.operation.name': 'invoke_agent',
      ...identity,
      ...(session.user === undefined ? {} : { 'user.id': session.user }),
      ...session.attributes,
    },
  })
  playSteps(performance, trace.setSpan(context.active(), root), session.steps)
  root.end(performance.nowMs)
  return performance.nowMs
}

function playSteps(performance: Performance, parent: Context, steps: readonly Step[]): void {
  for (const step of steps) {
    performance.nowMs += step.wait_ms ?? 0
    if ('agent' in step) {
      delegate(performance, parent, step)
    } else if ('span' in step) {
      otherSpan(performance, parent, step)
    } else if ('tool' in step) {
      for (let time = 0; time < (step.times ?? 1); time += 1) {
        callTool(performance, parent, step)
      }
    } else {
      chat(performance, parent, step)
    }
    performance.nowMs += PAUSE_MS
  }
}

function delegate(performance: Performance, parent: Context, step: DelegateStep): void {
  const version = step.version === undefined ? {} : { 'gen_ai.agent.version': step.version }
  const own = { 'gen_ai.agent.id': step.agent, 'gen_ai.agent.name': step.agent, ...version }
  const span = performance.tracer.startSpan(
    `invoke_agent ${step.agent}`,
    {
      startTime: performance.nowMs,
      attributes: {
        'gen_ai.operation.name': 'invoke_agent',
        ...own,
        'gen_ai.conversation.id': performance.conversation,
        ...(step.task === undefined ? {} : { 'gen_ai.input.messages': messages('user', step.task) }),
        ...step.attributes,
      },
    },
    parent,
  )
  const identity = { 'gen_ai.conversation.id': performance.conversation, ...own }
  const inner = { ...performance, identity }
  playSteps(inner, trace.setSpan(parent, span), step.steps)
  performance.nowMs = inner.nowMs + (step.ms ?? 0)
  performance.calls = inner.calls
  span.end(performance.nowMs)
}

function chat(performance: Performance, parent: Context, step: ChatStep): void {
  const { session } = performance
  const { model = session.model ?? 'model', system = session.system } = step
  const span = performance.tracer.startSpan(
    `chat ${model}`,
    {
      kind: SpanKind.CLIENT,
      startTime: performance.nowMs,
      attributes: {
        'gen_ai.operation.name': 'chat',
        'gen_ai.request.model': model,
        ...(step.prompt === undefined ? {} : { 'gen_ai.input.messages': messages('user', step.prompt) }),
        ...(step.output === undefined ? {} : { 'gen_ai.output.messages': messages('assistant', step.output) }),
        ...(system === undefined
          ? {}
          : { 'gen_ai.system_instructions': JSON.stringify([{ type: 'text', content: system }]) }),
        'gen_ai.usage.input_tokens': Math.ceil(((step.prompt?.length ?? 0) + (system?.length ?? 0)) / 4),
        'gen_ai.usage.output_tokens': Math.ceil((step.output?.length ?? 0) / 4),
        ...ownIdentity(performance),
        ...step.attributes,
      },
    },
    parent,
  )
  performance.nowMs += step.ms ?? DEFAULT_MS * 3
  span.end(performance.nowMs)
}

function callTool(performance: Performance, parent: Context, step: ToolStep): void {
  performance.calls += 1
  const span = performance.tracer.startSpan(
    `execute_tool ${step.tool}`,
    {
      startTime: performance.nowMs,
      attributes: {
        'gen_ai.operation.name': 'execute_tool',
        'gen_ai.tool.name': step.tool,
        'gen_ai.tool.call.id': callId(performance),
        ...(step.server === undefined ? {} : { 'mcp.server.name': step.server }),
        ...(step.arguments === undefined ? {} : { 'gen_ai.tool.call.arguments': text(step.arguments) }),
        ...(step.result === undefined ? {} : { 'gen_ai.tool.call.result': text(step.result) }),
        ...(step.error === undefined ? {} : { 'error.type': step.error }),
        ...ownIdentity(performance),
        ...step.attributes,
      },
    },
    parent,
  )
  for (const request of step.requests ?? []) {
    sendRequest(performance, trace.setSpan(parent, span), request)
  }
  performance.nowMs += step.ms ?? DEFAULT_MS
  if (step.error !== undefined) {
    span.setStatus({ code: SpanStatusCode.ERROR, message: step.error })
  }
  span.end(performance.nowMs)
}

/** A span that is nothing but its attributes; it names agent and session where every span does. */
function otherSpan(performance: Performance, parent: Context, step: SpanStep): void {
  const span = performance.tracer.startSpan(
    step.span,
    {
      kind: KINDS[step.kind ?? 'internal'],
      startTime: performance.nowMs,
      attributes: {
        ...(step.error === undefined ? {} : { 'error.type': step.error }),
        ...ownIdentity(performance),
        ...step.attributes,
      },
    },
    parent,
  )
  performance.nowMs += step.ms ?? DEFAULT_MS
  if (step.error !== undefined) {
    span.setStatus({ code: SpanStatusCode.ERROR, message: step.error })
  }
  span.end(performance.nowMs)
}

function sendRequest(performance: Performance, parent: Context, request: Request): void {
  const url = new URL(request.url)
  const method = request.method ?? 'GET'
  const span: Span = performance.tracer.startSpan(
    method,
    {
      kind: SpanKind.CLIENT,
      startTime: performance.nowMs,
      attributes: {
        'http.request.method': method,
        'url.full': request.url,
        'server.address': url.hostname,
        'server.port': Number(url.port) || (url.protocol === 'https:' ? 443 : 80),
        'http.response.status_code': request.status ?? 200,
        ...request.attributes,
      },
    },
    parent,
  )
  performance.nowMs += DEFAULT_MS / 3
  span.end(performance.nowMs)
}

function ownIdentity(performance: Performance): Readonly<Record<string, string>> {
  return performance.session.identity === 'every-span' ? performance.identity : {}
}

/** Call ids look like a provider's, and are the same whenever the same performance is given. */
function callId({ conversation, calls }: Performance): string {
  return `call_${createHash('sha256').update(`${conversation}/${calls}`).digest('hex').slice(0, 20)}`
}

function messages(role: string, content: string): string {
  return JSON.stringify([{ role, parts: [{ type: 'text', content }] }])
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
