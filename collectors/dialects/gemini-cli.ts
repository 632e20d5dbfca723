import type { LogRecord, Span } from '../otlp/records.ts'
import {
  asJson,
  bool,
  eventName,
  field,
  firstCount,
  firstLabel,
  firstText,
  type Json,
  label,
  num,
  put,
  text,
  wasCutAtSource,
} from '../otlp/values.ts'
import type { Dialect, FragmentDraft } from './dialect.ts'
import { canonical, sha256 } from './reading/definitions.ts'
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
import { kindOf, putIntegrity, speakOf, toolCall } from './reading/genai.ts'
import { serviceAgent } from './reading/identity.ts'
import { joinConversations, readInput, readMessages } from './reading/messages.ts'
import { ending, outcomeOfError, outcomeOfHttp } from './reading/outcome.ts'
import { modelOf, usageOf } from './reading/usage.ts'

const FRAMEWORK = 'gemini-cli'
const PREFIXES = ['gemini_cli.', 'qwen-code.'] as const
const SERVICES: ReadonlySet<unknown> = new Set(['gemini-cli', 'qwen-code'])

/**
 * Gemini CLI and its fork Qwen Code. Log records tell of every call, prompt and answer; spans, where tracing is on,
 * add results. The two share no call id, so a call is known by its name and arguments.
 */
export const geminiCli: Dialect = {
  id: 'gemini-cli',
  title: 'Gemini CLI and Qwen Code, logs and spans',
  joins: 'session',

  span(span: Span): FragmentDraft | undefined {
    if (!SERVICES.has(span.resource.attributes.get('service.name')) && !SERVICES.has(span.scope.name)) {
      return undefined
    }
    const kind = kindOf(span)
    if (kind === 'execute_tool') {
      return toolSpan(span)
    }
    if (kind === 'chat') {
      return modelSpan(span)
    }
    if (kind === 'invoke_agent') {
      return named(speakOf(kind, span, FRAMEWORK), span)
    }
    // Other instrumentations in the same process, HTTP above all, have more to say of theirs.
    return kind !== undefined || SERVICES.has(span.scope.name) ? node(span) : undefined
  },

  log(record: LogRecord): FragmentDraft | undefined {
    const name = eventName(record)
    const prefix = PREFIXES.find((candidate) => name.startsWith(candidate))
    if (prefix !== undefined) {
      return (EVENTS.get(name.slice(prefix.length)) ?? sessionFact)(record)
    }
    // Messages of a model call, which its own log record and span report.
    return SERVICES.has(record.resource.attributes.get('service.name')) && name.startsWith('gen_ai.')
      ? node(record)
      : undefined
  },
}

const EVENTS: ReadonlyMap<string, (record: LogRecord) => Draft> = new Map([
  ['tool_call', toolLog],
  ['api_response', modelLog],
  ['api_error', modelLog],
  ['user_prompt', promptLog],
])

function named(draft: Draft, record: Span | LogRecord): Draft {
  const name = label(record.attributes.get('gen_ai.agent.name'))
  // The constant name of the tool itself is no sub-agent.
  const below = name === undefined || SERVICES.has(name) ? [] : [name]
  Object.assign(draft, serviceAgent(record, FRAMEWORK, below, FRAMEWORK))
  put(draft, 'session_id', firstLabel(record.attributes, ['session.id', 'gen_ai.conversation.id']))
  return draft
}

function draft(record: Span | LogRecord, role: Draft['role'], operation?: Draft['operation']): Draft {
  return named(draftOf(record, role, operation, undefined, undefined), record)
}

function node(record: Span | LogRecord): Draft {
  return draft(record, 'context')
}

/** What the span and the log record of one call both say. */
function callTwin(name: string | undefined, given: Json | undefined): string | undefined {
  return name === undefined ? undefined : `call:${name}:${given === undefined ? '' : sha256(canonical(given))}`
}

/** Tool spans carry request and response objects where others carry messages. */
function toolSpan(span: Span): Draft {
  const made = named(toolCall(span, FRAMEWORK), span)
  const input = span.attributes.get('gen_ai.input.messages')
  const request = asJson(input)
  const output = span.attributes.get('gen_ai.output.messages')
  const cut =
    (typeof input === 'string' && wasCutAtSource(input)) || (typeof output === 'string' && wasCutAtSource(output))
  const given = field(request, 'args')
  putContent(
    made,
    { arguments: text(given) ?? made.content?.arguments, result: text(output) ?? made.content?.result },
    cut,
  )
  put(made, 'twin', callTwin(made.tool?.name, given))
  return made
}

function toolLog(record: LogRecord): Draft {
  const { attributes } = record
  const made = draft(record, 'event', 'tool_call')
  const name = firstLabel(attributes, ['function_name'])
  putTool(made, {
    name,
    kind: label(attributes.get('tool_type')),
    call_id: firstLabel(attributes, ['call_id', 'gen_ai.tool.call.id']),
    server: label(attributes.get('mcp_server_name')),
  })
  const given = attributes.get('function_args')
  putContent(made, { arguments: text(asJson(given)) })
  putVolume(made, { bytes_out: firstCount(attributes, ['content_length']) })
  const decision = label(attributes.get('decision'))
  const errorType = firstLabel(attributes, ['error_type', 'error.type'])
  if (decision === 'reject') {
    made.policy_decision = 'deny'
    putEnding(made, ending('denied', errorType ?? 'rejected', firstText(attributes, ['error', 'error.message'])))
  } else {
    const failed = bool(attributes.get('success')) === false
    putEnding(
      made,
      failed
        ? ending(outcomeOfError(errorType), errorType ?? '_OTHER', firstText(attributes, ['error', 'error.message']))
        : undefined,
    )
  }
  if (decision !== undefined) {
    made.approval = { required: decision !== 'auto_accept', by: decision }
  }
  putLogTiming(made, record)
  put(made, 'twin', callTwin(name, asJson(given)))
  return made
}

/** The log record counts the tokens of the call; the span adds what was said. */
function modelSpan(span: Span): Draft {
  const made = named(speakOf('chat', span, FRAMEWORK), span)
  put(made, 'twin', modelTwin(made))
  return made
}

function modelTwin(made: Draft): string | undefined {
  const tokens = made.volume
  return tokens === undefined
    ? undefined
    : `model:${made.integrity?.model}:${tokens.input_tokens}:${tokens.output_tokens}`
}

function modelLog(record: LogRecord): Draft {
  const { attributes } = record
  const made = draft(record, 'event', 'model_call')
  const model = modelOf(attributes)
  const conversation = joinConversations(
    readInput(attributes.get('request_text')),
    readMessages(attributes.get('response_text'), 'output'),
  )
  putContent(made, { prompt: conversation.prompt, output: conversation.output, system_prompt: conversation.system })
  putIntegrity(made, attributes, conversation.system)
  if (model !== undefined) {
    made.integrity = { ...made.integrity, model }
  }
  putVolume(made, usageOf(attributes) ?? {})
  const failed = eventName(record).endsWith('api_error') || label(attributes.get('error')) !== undefined
  const status = num(attributes.get('status_code'))
  const errorType = firstLabel(attributes, ['error_type', 'error.type', 'status_code'])
  putEnding(
    made,
    failed ? ending(outcomeOfHttp(status) ?? outcomeOfError(errorType), errorType ?? '_OTHER') : undefined,
  )
  putLogTiming(made, record)
  put(made, 'twin', modelTwin(made))
  return made
}

function promptLog(record: LogRecord): Draft {
  const made = draft(record, 'event', 'agent_invoke')
  putContent(made, { prompt: text(record.attributes.get('prompt')) })
  made.outcome = 'ok'
  return made
}

const FACTS = [
  'event.name',
  'approval_mode',
  'sandbox_enabled',
  'mcp_servers',
  'core_tools_enabled',
  'auth_type',
] as const

function sessionFact(record: LogRecord): Draft {
  const made = node(record)
  putFacts(made, record.attributes, FACTS)
  return made
}
