import type { LogRecord, Span } from '../otlp/records.ts'
import { bool, eventName, firstLabel, firstText, label, num } from '../otlp/values.ts'
import type { Dialect, FragmentDraft } from './dialect.ts'
import { type Draft, draftOf, putContent, putEnding, putLogTiming, putTool } from './reading/draft.ts'
import { agentInvoke, agentNamed, kindOf, speakOf, toolCall } from './reading/genai.ts'
import { serviceAgent } from './reading/identity.ts'
import { ending, outcomeOfError } from './reading/outcome.ts'

const FRAMEWORK = 'copilot'
const CLI = 'github.copilot'
const SERVICES: ReadonlySet<unknown> = new Set(['github-copilot', 'copilot-chat'])

/**
 * GitHub Copilot, CLI and VS Code. OpenTelemetry names; without content capture the CLI hashes the names of MCP servers
 * and tools, which stay as they are: they are stable, and policies may list them.
 */
export const copilot: Dialect = {
  id: 'copilot',
  title: 'GitHub Copilot CLI and Copilot Chat',
  joins: 'trace',

  span(span: Span): FragmentDraft | undefined {
    if (span.scope.name !== CLI && !SERVICES.has(span.resource.attributes.get('service.name'))) {
      return undefined
    }
    if (span.name === 'permission') {
      return permission(span)
    }
    const kind = kindOf(span)
    if (kind === 'execute_tool') {
      return tool(span)
    }
    if (kind === 'invoke_agent') {
      return invoke(span)
    }
    if (kind !== undefined) {
      return speakOf(kind, span, FRAMEWORK)
    }
    // Other instrumentations in the same process have more to say of theirs.
    return span.scope.name === CLI ? draftOf(span, 'context', undefined, agentNamed(span, FRAMEWORK)) : undefined
  },

  log(record: LogRecord): FragmentDraft | undefined {
    const name = eventName(record)
    if (!name.startsWith('copilot_chat.')) {
      return undefined
    }
    return name === 'copilot_chat.tool.call' ? toolLog(record) : draftOf(record, 'context', undefined, undefined)
  },
}

const SERVERS = [
  'github.copilot.tool.parameters.mcp_server_name',
  'github.copilot.tool.parameters.mcp_server_name_hash',
] as const

function tool(span: Span): Draft {
  const draft = toolCall(span, FRAMEWORK)
  const { attributes } = span
  const server = firstLabel(attributes, SERVERS)
  const mcpTool = label(attributes.get('github.copilot.tool.parameters.mcp_tool_name'))
  if (server !== undefined || mcpTool !== undefined) {
    // The CLI says `function` of MCP tools, too.
    putTool(draft, {
      ...draft.tool,
      name: mcpTool ?? draft.tool?.name,
      kind: 'mcp',
      server: server ?? draft.tool?.server,
    })
  }
  const exit = num(attributes.get('process.exit.code'))
  if (exit !== undefined && exit !== 0 && draft.error_type === undefined) {
    putEnding(draft, ending('error', `exit_code_${exit}`))
  }
  return draft
}

/** The root names no agent in the CLI: it is the service then. A nested one is a sub-agent and says which. */
function invoke(span: Span): Draft {
  const draft = agentInvoke(span, FRAMEWORK)
  if (span.parentSpanId === undefined && draft.agent === undefined) {
    draft.agent = serviceAgent(span, FRAMEWORK, [], 'github-copilot').agent
  }
  return draft
}

/** The gate before a call. Its parent is the call. */
function permission(span: Span): Draft {
  const draft = draftOf(span, 'part', undefined, undefined)
  const result = label(span.attributes.get('github.copilot.permission.result'))
  if (result?.startsWith('denied')) {
    draft.outcome = 'denied'
    draft.policy_decision = 'deny'
  }
  if (result !== undefined) {
    draft.approval = { required: true, by: result }
  }
  return draft
}

function toolLog(record: LogRecord): Draft {
  const { attributes } = record
  const draft = draftOf(record, 'event', 'tool_call', undefined)
  putTool(draft, {
    name: firstLabel(attributes, ['gen_ai.tool.name', 'tool_name', 'tool.name']),
    call_id: firstLabel(attributes, ['gen_ai.tool.call.id', 'tool_call_id', 'call_id']),
  })
  putContent(draft, { arguments: firstText(attributes, ['gen_ai.tool.call.arguments', 'arguments']) })
  const errorType = label(attributes.get('error.type'))
  const failed = bool(attributes.get('success')) === false || errorType !== undefined
  putEnding(draft, failed ? ending(outcomeOfError(errorType), errorType ?? '_OTHER') : undefined)
  putLogTiming(draft, record)
  return draft
}
