import type { Span } from '../otlp/records.ts'
import { asJson, field, firstLabel, firstText, label, put } from '../otlp/values.ts'
import type { Dialect, FragmentDraft } from './dialect.ts'
import { manifestOf, putManifest } from './reading/definitions.ts'
import { type Draft, draftOf, putContent, putConversation, putEnding, putTool } from './reading/draft.ts'
import { agentNamed, kindOf, modelCall, nameAfter, putIntegrity, speakOf, toolCall } from './reading/genai.ts'
import { joinConversations, readInput, readMessages, systemText } from './reading/messages.ts'
import { ending } from './reading/outcome.ts'

const SCOPE = 'gcp.vertex.agent'
const FRAMEWORK = 'google-adk'
const MERGED = '(merged tools)'

/**
 * Google ADK. Names follow OpenTelemetry, content is in `gcp.vertex.agent.*`. A failed tool leaves a span with a name and
 * nothing else; its error stands in the `(merged tools)` span that repeats the results of parallel calls.
 */
export const googleAdk: Dialect = {
  id: 'google-adk',
  title: 'Google Agent Development Kit',
  joins: 'trace',

  span(span: Span): FragmentDraft | undefined {
    if (span.scope.name !== SCOPE && !span.attributes.has('gcp.vertex.agent.invocation_id')) {
      return undefined
    }
    if (span.name === 'call_llm') {
      return llmCall(span)
    }
    const kind = kindOf(span)
    if (kind === 'execute_tool') {
      return label(span.attributes.get('gen_ai.tool.name')) === MERGED ? mergedTools(span) : tool(span)
    }
    return kind === undefined
      ? draftOf(span, 'context', undefined, agentNamed(span, FRAMEWORK))
      : speakOf(kind, span, FRAMEWORK)
  },
}

/** ADK writes the class of a tool where others write its type. */
const TOOL_CLASSES: ReadonlyMap<string, string> = new Map([
  ['FunctionTool', 'function'],
  ['LongRunningFunctionTool', 'function'],
  ['AgentTool', 'agent'],
  ['MCPTool', 'mcp'],
  ['McpTool', 'mcp'],
])

function tool(span: Span): Draft {
  const { attributes } = span
  const draft = toolCall(span, FRAMEWORK)
  const kind = TOOL_CLASSES.get(draft.tool?.kind ?? '')
  if (kind !== undefined) {
    putTool(draft, { ...draft.tool, kind })
  }
  putContent(draft, {
    arguments: firstText(attributes, ['gcp.vertex.agent.tool_call_args']),
    result: firstText(attributes, ['gcp.vertex.agent.tool_response']),
  })
  // Attributes are written when the tool returns: a span without any is a call that threw.
  if (attributes.size === 0 && nameAfter(span.name, 'execute_tool ') !== undefined) {
    putEnding(draft, ending('error', '_OTHER'))
  } else if (draft.outcome === 'ok' && resultIsError(attributes.get('gcp.vertex.agent.tool_response'))) {
    putEnding(draft, ending('error', 'tool_error'))
  }
  return draft
}

/** A response of nothing but `error` is how ADK hands a failure back to the model. */
function resultIsError(value: Parameters<typeof asJson>[0]): boolean {
  const node = asJson(value)
  return field(node, 'error') !== undefined && Object.keys(node as object).length === 1
}

/** Repeats calls that have spans of their own; it answers those among them whose span says nothing. */
function mergedTools(span: Span): Draft {
  const draft = draftOf(span, 'context', undefined, undefined)
  const event = asJson(span.attributes.get('gcp.vertex.agent.tool_response'))
  const found = readMessages(field(event, 'content') ?? null, 'input')
  if (found.answers.length > 0) {
    draft.answered_calls = found.answers
  }
  return draft
}

function llmCall(span: Span): Draft {
  const { attributes } = span
  const draft = modelCall(span, FRAMEWORK)
  put(draft, 'session_id', firstLabel(attributes, ['gen_ai.conversation.id', 'gcp.vertex.agent.session_id']))
  const request = asJson(attributes.get('gcp.vertex.agent.llm_request'))
  const response = asJson(attributes.get('gcp.vertex.agent.llm_response'))
  const configuration = field(request, 'config')
  const conversation = joinConversations(
    readInput(field(request, 'contents') ?? null),
    readMessages(field(response, 'content') ?? null, 'output'),
  )
  const system = systemText(
    (field(configuration, 'systemInstruction') ?? field(configuration, 'system_instruction')) as Parameters<
      typeof systemText
    >[0],
  )
  if (system !== undefined) {
    conversation.system = system
  }
  putConversation(draft, conversation)
  putIntegrity(draft, attributes, conversation.system)
  putManifest(draft, manifestOf(field(configuration, 'tools') as Parameters<typeof manifestOf>[0]))
  return draft
}
