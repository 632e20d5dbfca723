import type { LogRecord, Span } from '../otlp/records.ts'
import {
  asJson,
  bool,
  cutText,
  eventName,
  field,
  fieldLabel,
  firstCount,
  firstLabel,
  firstText,
  type Json,
  label,
  labels,
  num,
  put,
  text,
} from '../otlp/values.ts'
import type { Dialect, FragmentDraft } from './dialect.ts'
import {
  type Draft,
  draftOf,
  putContent,
  putEnding,
  putFacts,
  putLogTiming,
  putTool,
  putVolume,
} from './reading/draft.ts'
import { serviceAgent } from './reading/identity.ts'
import { ending, endingOf, isRefusal, outcomeOfError, outcomeOfHttp } from './reading/outcome.ts'
import { modelOf, usageOf } from './reading/usage.ts'

const FRAMEWORK = 'claude-code'
const TRACES = 'com.anthropic.claude_code.tracing'
const LOGS = 'com.anthropic.claude_code.events'

/**
 * Claude Code. Logs are its main signal, spans a beta beside it, and each tells half of a call: a log has the arguments,
 * success and duration, a span the result and what was asked of the user. Both name session and call.
 */
export const claudeCode: Dialect = {
  id: 'claude-code',
  title: 'Claude Code, logs and beta traces',
  joins: 'session',

  span(span: Span): FragmentDraft | undefined {
    if (span.scope.name !== TRACES && !span.name.startsWith('claude_code.')) {
      return undefined
    }
    const type = label(span.attributes.get('span.type')) ?? span.name.slice('claude_code.'.length)
    return (SPANS.get(type) ?? node)(span)
  },

  log(record: LogRecord): FragmentDraft | undefined {
    const name = eventName(record)
    if (record.scope.name !== LOGS && !name.startsWith('claude_code.')) {
      return undefined
    }
    return (LOG_EVENTS.get(name.replace('claude_code.', '')) ?? sessionFact)(record)
  },
}

const SPANS: ReadonlyMap<string, (span: Span) => Draft> = new Map([
  ['tool', toolSpan],
  ['tool.execution', execution],
  ['tool.blocked_on_user', permission],
  ['llm_request', modelSpan],
  ['interaction', interaction],
])

const LOG_EVENTS: ReadonlyMap<string, (record: LogRecord) => Draft> = new Map([
  ['tool_result', toolResult],
  ['tool_decision', toolDecision],
  ['api_request', apiRequest],
  ['api_error', apiRequest],
  ['assistant_response', assistantResponse],
  ['user_prompt', userPrompt],
])

/** The agent is the service; a sub-agent is named by its kind, since its id lives no longer than its task. */
function putAgent(made: Draft, record: Span | LogRecord): void {
  const { attributes } = record
  const isSubAgent = label(attributes.get('agent_id')) !== undefined
  const kind = firstLabel(attributes, ['agent.name', 'agent_type', 'gen_ai.agent.name'])
  Object.assign(made, serviceAgent(record, FRAMEWORK, isSubAgent ? [kind ?? 'subagent'] : [], FRAMEWORK))
}

/** On records of sub-agents `gen_ai.conversation.id` is the sub-agent, so only `session.id` is the session. */
function draft(record: Span | LogRecord, role: Draft['role'], operation?: Draft['operation']): Draft {
  const session = firstLabel(record.attributes, ['session.id', 'gen_ai.conversation.id'])
  const made = draftOf(record, role, operation, undefined, session)
  putAgent(made, record)
  const person = firstLabel(record.attributes, ['user.email', 'user.account_uuid', 'user.account_id'])
  if (person !== undefined) {
    made.principal = { kind: 'human', id: person }
  }
  return made
}

function node(record: Span | LogRecord): Draft {
  return draft(record, 'context')
}

/** `mcp__server__tool` says both; anything else is a tool of Claude Code's own. */
function putNamedTool(made: Draft, record: Span | LogRecord): void {
  const { attributes } = record
  const parameters = asJson(attributes.get('tool_parameters'))
  const written = firstLabel(attributes, ['tool_name', 'gen_ai.tool.name'])
  const split = written?.startsWith('mcp__') ? splitMcpName(written) : undefined
  const source = label(attributes.get('tool_source'))
  const server =
    fieldLabel(parameters, 'mcp_server_name') ??
    genuine(label(attributes.get('anthropic.mcp.server.name'))) ??
    split?.server
  putTool(made, {
    name: fieldLabel(parameters, 'mcp_tool_name') ?? split?.name ?? written,
    kind: server !== undefined || written === 'mcp_tool' || source === 'mcp' ? 'mcp' : source,
    call_id: firstLabel(attributes, ['tool_use_id', 'gen_ai.tool.call.id']),
    server,
  })
}

// Claude Code writes `custom` for a server or tool that it does not want to name.
function genuine(name: string | undefined): string | undefined {
  return name === 'custom' ? undefined : name
}

/** `mcp__crm__query` is tool `query` of server `crm`. */
export function splitMcpName(name: string): { readonly server: string; readonly name: string } | undefined {
  const end = name.indexOf('__', 5)
  return end === -1 || end === 5 || end + 2 >= name.length
    ? undefined
    : { server: name.slice(5, end), name: name.slice(end + 2) }
}

function toolSpan(span: Span): Draft {
  const made = draft(span, 'event', 'tool_call')
  putNamedTool(made, span)
  const { attributes } = span
  let result: string | undefined
  for (const event of span.events) {
    if (event.name === 'tool.output') {
      result ??= firstText(event.attributes, ['output', 'content', 'result', 'diff'])
    }
  }
  const whole = firstText(attributes, ['tool_input', 'gen_ai.tool.call.arguments'])
  const shown = whole === undefined ? shownArguments(span) : undefined
  // Only some of the arguments: a log record that has them all is to be believed first.
  putContent(
    made,
    { arguments: whole ?? shown, result: result ?? firstText(attributes, ['gen_ai.tool.call.result']) },
    shown !== undefined,
  )
  const failed = endingOf(span)
  // The span stays silent on success; whether the call worked, its execution and its log record know.
  if (failed !== undefined) {
    putEnding(made, failed)
  }
  return made
}

/** What the span shows of the arguments when the whole of them stayed in the log. */
function shownArguments(span: Span): string | undefined {
  const shown: Record<string, Json> = {}
  const command = text(span.attributes.get('full_command')) ?? text(span.attributes.get('bash_argv0'))
  const path = text(span.attributes.get('file_path'))
  if (command !== undefined) {
    shown.command = command
  }
  if (path !== undefined) {
    shown.file_path = path
  }
  return Object.keys(shown).length === 0 ? undefined : cutText(JSON.stringify(shown))
}

/** The call itself, without the time that the user took to allow it. */
function execution(span: Span): Draft {
  const made = draft(span, 'part')
  putTool(made, { call_id: firstLabel(span.attributes, ['tool_use_id', 'gen_ai.tool.call.id']) })
  const failed = endingOf(span)
  if (failed !== undefined) {
    made.outcome = failed.outcome
    putContent(made, { result: failed.message })
    // The log record may know the class of the error; a guess must not speak before it.
    put(made, 'error_type', failed.error_type === '_OTHER' ? undefined : failed.error_type)
  }
  const durationMs = num(span.attributes.get('duration_ms'))
  if (durationMs !== undefined && durationMs >= 0) {
    made.duration_ms = durationMs
  }
  return made
}

/** The gate at which the user is asked. Its parent is the call, so it names no call itself. */
function permission(span: Span): Draft {
  const made = draft(span, 'part')
  putDecision(made, span)
  return made
}

function putDecision(made: Draft, record: Span | LogRecord): void {
  const decision = label(record.attributes.get('decision'))
  const source = label(record.attributes.get('source'))
  if (decision === 'reject') {
    made.outcome = 'denied'
    made.policy_decision = 'deny'
  }
  const asked = source === undefined || source === 'unknown' ? undefined : source.startsWith('user')
  if (asked !== undefined) {
    made.approval = { required: asked, ...(source === undefined ? {} : { by: source }) }
  }
}

function modelSpan(span: Span): Draft {
  const made = draft(span, 'event', 'model_call')
  putModel(made, span)
  const reasons = labels(span.attributes.get('gen_ai.response.finish_reasons'))
  const stopped = label(span.attributes.get('stop_reason'))
  const refused = isRefusal(stopped) || reasons.some(isRefusal)
  putEnding(made, endingOf(span) ?? (refused ? ending('refused', stopped) : undefined))
  put(made, 'twin', requestTwin(span))
  return made
}

function putModel(made: Draft, record: Span | LogRecord): void {
  const model = modelOf(record.attributes)
  if (model !== undefined) {
    made.integrity = { model }
  }
  putVolume(made, usageOf(record.attributes) ?? {})
}

function requestTwin(record: Span | LogRecord): string | undefined {
  const id = firstLabel(record.attributes, ['request_id', 'gen_ai.response.id'])
  return id === undefined ? undefined : `request:${id}`
}

function interaction(span: Span): Draft {
  const made = draft(span, 'event', 'agent_invoke')
  putContent(made, { prompt: text(span.attributes.get('user_prompt')) })
  putEnding(made, endingOf(span))
  put(made, 'twin', turnTwin(span))
  return made
}

// A turn has one span, and its prompt is logged within it.
function turnTwin(record: Span | LogRecord): string | undefined {
  return record.spanId === undefined ? undefined : `turn:${record.spanId}`
}

function toolResult(record: LogRecord): Draft {
  const made = draft(record, 'event', 'tool_call')
  const { attributes } = record
  putNamedTool(made, record)
  const failed = bool(attributes.get('success')) === false
  const errorType = firstLabel(attributes, ['error_class', 'error_type'])
  putContent(made, {
    arguments: firstText(attributes, ['tool_input']) ?? argumentsOfParameters(attributes.get('tool_parameters')),
  })
  putVolume(made, {
    bytes_in: firstCount(attributes, ['tool_input_size_bytes']),
    bytes_out: firstCount(attributes, ['tool_result_size_bytes']),
  })
  putEnding(
    made,
    failed ? ending(outcomeOfError(errorType), errorType ?? '_OTHER', text(attributes.get('error'))) : undefined,
  )
  putLogTiming(made, record)
  return made
}

// The parameters of an MCP call only name it; those of other tools are part of the arguments.
function argumentsOfParameters(value: Parameters<typeof text>[0]): string | undefined {
  const parameters = asJson(value)
  return field(parameters, 'mcp_tool_name') === undefined ? text(value) : undefined
}

function toolDecision(record: LogRecord): Draft {
  const rejected = label(record.attributes.get('decision')) === 'reject'
  // A rejected call never runs, so nothing else may tell of it.
  const made = draft(record, 'part', rejected ? 'tool_call' : undefined)
  putNamedTool(made, record)
  putDecision(made, record)
  if (rejected) {
    putContent(made, {
      arguments:
        firstText(record.attributes, ['tool_input']) ?? argumentsOfParameters(record.attributes.get('tool_parameters')),
    })
  }
  return made
}

function apiRequest(record: LogRecord): Draft {
  const made = draft(record, 'event', 'model_call')
  putModel(made, record)
  const { attributes } = record
  const failed = eventName(record).endsWith('api_error')
  const status = num(attributes.get('status_code'))
  const errorType = firstLabel(attributes, ['error_class', 'error_type', 'status_code'])
  putEnding(
    made,
    failed
      ? ending(outcomeOfHttp(status) ?? outcomeOfError(errorType), errorType, text(attributes.get('error')))
      : undefined,
  )
  putLogTiming(made, record)
  put(made, 'twin', requestTwin(record))
  return made
}

/** What the model said, of which the request is reported by another record. */
function assistantResponse(record: LogRecord): Draft {
  const made = draft(record, 'part')
  putContent(made, { output: text(record.attributes.get('response')) })
  put(made, 'twin', requestTwin(record))
  return made
}

function userPrompt(record: LogRecord): Draft {
  const made = draft(record, 'event', 'agent_invoke')
  putContent(made, { prompt: text(record.attributes.get('prompt')) })
  put(made, 'twin', turnTwin(record))
  return made
}

const FACTS = [
  'event.name',
  'server_name',
  'server_scope',
  'transport_type',
  'status',
  'permission_mode',
  'plugin.name',
  'agent_type',
] as const

/** Servers that were connected, settings that were resolved: true for the whole session. */
function sessionFact(record: LogRecord): Draft {
  const made = draft(record, 'context')
  putFacts(made, record.attributes, FACTS)
  return made
}
