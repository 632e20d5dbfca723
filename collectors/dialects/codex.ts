import type { AttributeMap, LogRecord, Span } from '../otlp/records.ts'
import { bool, eventName, firstCount, firstLabel, firstText, label, num, text } from '../otlp/values.ts'
import { splitMcpName } from './claude-code.ts'
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
import { type Ending, ending, outcomeOfError, outcomeOfHttp } from './reading/outcome.ts'
import { modelOf, usageOf } from './reading/usage.ts'

const FRAMEWORK = 'codex'

/**
 * Codex CLI. Its log records tell everything, and name the conversation on each. Of its spans, hundreds for each turn,
 * only those tell of a call that hold its result as a span event; the rest are nodes of the tree.
 */
export const codex: Dialect = {
  id: 'codex',
  title: 'Codex CLI, logs and traced tool results',
  joins: 'session',

  span(span: Span): FragmentDraft | undefined {
    const service = span.resource.attributes.get('service.name')
    if (typeof service !== 'string' || !service.startsWith('codex') || service !== span.scope.name) {
      return undefined
    }
    const told = span.events.find(({ attributes }) => attributes.get('event.name') === 'codex.tool_result')
    return told === undefined ? { role: 'context' } : tracedResult(span, told.attributes)
  },

  log(record: LogRecord): FragmentDraft | undefined {
    const name = eventName(record)
    if (!name.startsWith('codex.')) {
      return undefined
    }
    return (EVENTS.get(name) ?? sessionFact)(record)
  },
}

const EVENTS: ReadonlyMap<string, (record: LogRecord) => Draft> = new Map([
  ['codex.tool_result', toolResult],
  ['codex.tool_decision', toolDecision],
  ['codex.sse_event', modelEvent],
  ['codex.websocket_event', modelEvent],
  ['codex.api_request', apiRequest],
  ['codex.user_prompt', userPrompt],
])

/** `/root` is the agent itself, `/root/reviewer` a sub-agent. */
function putAgent(made: Draft, record: LogRecord | Span, attributes: AttributeMap): void {
  const path = label(attributes.get('agent_name'))?.replace(/^\/root(?=\/|$)/, '') ?? ''
  const below = path.split('/').filter((name) => name !== '')
  Object.assign(made, serviceAgent(record, FRAMEWORK, below, FRAMEWORK))
}

function draft(record: LogRecord, role: Draft['role'], operation?: Draft['operation']): Draft {
  const made = draftOf(record, role, operation, undefined, label(record.attributes.get('conversation.id')))
  putAgent(made, record, record.attributes)
  return made
}

function putNamedTool(made: Draft, attributes: AttributeMap): void {
  const namespace = label(attributes.get('tool_namespace'))
  const written = label(attributes.get('tool_name'))
  const split = written?.startsWith('mcp__') ? splitMcpName(written) : undefined
  const server =
    label(attributes.get('mcp_server')) ??
    (namespace?.startsWith('mcp__') ? namespace.slice('mcp__'.length) : undefined) ??
    split?.server
  putTool(made, {
    name: split?.name ?? written,
    kind: server === undefined ? (namespace === 'functions' ? 'function' : namespace) : 'mcp',
    call_id: label(attributes.get('call_id')),
    server,
  })
}

function toolResult(record: LogRecord): Draft {
  const { attributes } = record
  const made = draft(record, 'event', 'tool_call')
  putNamedTool(made, record.attributes)
  const output = text(attributes.get('output'))
  putContent(
    made,
    { arguments: firstText(attributes, ['arguments']), result: output },
    bool(attributes.get('output_truncated')) === true,
  )
  putEnding(made, endingOfResult(record, output))
  putLogTiming(made, record)
  return made
}

/** Traces repeat the results without what was given and gave: their sizes, and whether the tool could run. */
function tracedResult(span: Span, attributes: AttributeMap): Draft {
  const made = draftOf(span, 'event', 'tool_call', undefined, label(attributes.get('conversation.id')))
  putAgent(made, span, attributes)
  putNamedTool(made, attributes)
  putVolume(made, {
    bytes_in: firstCount(attributes, ['arguments_length']),
    bytes_out: firstCount(attributes, ['output_length']),
  })
  putEnding(made, bool(attributes.get('success')) === false ? ending('error', '_OTHER') : undefined)
  const durationMs = num(attributes.get('duration_ms'))
  if (durationMs !== undefined && durationMs >= 0) {
    made.duration_ms = durationMs
  }
  return made
}

const EXIT = /^(?:Process exited with code|Exit code:) (-?\d{1,10})$/m

/** `success` only says that the tool could run. How the command ended stands in the first lines of its output. */
function endingOfResult(record: LogRecord, output: string | undefined): Ending | undefined {
  if (bool(record.attributes.get('success')) === false) {
    const errorType = firstLabel(record.attributes, ['error.type', 'error_type'])
    return ending(outcomeOfError(errorType), errorType ?? '_OTHER')
  }
  const exit = output === undefined ? undefined : EXIT.exec(output.slice(0, 1000))?.[1]
  if (exit === undefined || exit === '0') {
    return undefined
  }
  return ending(exit === '124' ? 'timeout' : 'error', `exit_code_${exit}`)
}

function toolDecision(record: LogRecord): Draft {
  const decision = label(record.attributes.get('decision')) ?? 'approved'
  const denied = !decision.startsWith('approved')
  const made = draft(record, 'part', denied ? 'tool_call' : undefined)
  putNamedTool(made, record.attributes)
  const source = label(record.attributes.get('source'))
  if (source !== undefined) {
    made.approval = { required: source.toLowerCase() === 'user', by: source }
  }
  if (denied) {
    made.outcome = decision === 'timed_out' ? 'timeout' : 'denied'
    made.policy_decision = 'deny'
  }
  return made
}

/** Of the many events of one response only the last, with its token counts, stands for the model call. */
function modelEvent(record: LogRecord): Draft {
  const { attributes } = record
  const kind = label(attributes.get('event.kind'))
  const usage = usageOf(attributes)
  const failed = kind === 'response.failed' || attributes.has('error.message')
  if (!failed && (kind !== 'response.completed' || usage === undefined)) {
    return draft(record, 'context')
  }
  const made = draft(record, 'event', 'model_call')
  const model = modelOf(attributes)
  if (model !== undefined) {
    made.integrity = { model }
  }
  putVolume(made, usage ?? {})
  putEnding(made, failed ? ending('error', firstLabel(attributes, ['error.type']) ?? '_OTHER') : undefined)
  return made
}

/** A request that was answered is told by its last event; one that was refused has no other record. */
function apiRequest(record: LogRecord): Draft {
  const { attributes } = record
  const status = firstCount(attributes, ['http.response.status_code'])
  const message = text(attributes.get('error.message'))
  const outcome = outcomeOfHttp(status) ?? (message === undefined ? undefined : 'error')
  if (outcome === undefined) {
    return draft(record, 'context')
  }
  const made = draft(record, 'event', 'model_call')
  const model = modelOf(attributes)
  if (model !== undefined) {
    made.integrity = { model }
  }
  putEnding(made, ending(outcome, status === undefined ? '_OTHER' : String(status), message))
  return made
}

function userPrompt(record: LogRecord): Draft {
  const made = draft(record, 'event', 'agent_invoke')
  putContent(made, { prompt: text(record.attributes.get('prompt')) })
  made.outcome = 'ok'
  return made
}

const FACTS = ['event.name', 'approval_policy', 'sandbox_policy', 'mcp_servers', 'provider_name', 'originator'] as const

/** Approval and sandbox policy, MCP servers: true for the whole session. */
function sessionFact(record: LogRecord): Draft {
  const made = draft(record, 'context')
  putFacts(made, record.attributes, FACTS)
  return made
}
