/**
 * Spans in the OpenTelemetry GenAI conventions, old names and new, as far as every framework that follows them agrees.
 * The dialects of frameworks call these and then correct what theirs does differently.
 */
import type { Integrity } from '../../../schema/telemetry.ts'
import type { AttributeMap, Span } from '../../otlp/records.ts'
import { asJson, field, firstLabel, firstText, type Json, label, labels, num, plain, text } from '../../otlp/values.ts'
import { dataset, datasets, documentDataset, namedDatasets } from './datasets.ts'
import { descriptionHash, manifestOf, putManifest, systemPromptHash } from './definitions.ts'
import {
  type Draft,
  draftOf,
  putContent,
  putConversation,
  putDatasets,
  putEnding,
  putTool,
  putVolume,
} from './draft.ts'
import { flatMessages } from './flat.ts'
import { agentOf, type NamedAgent } from './identity.ts'
import { type Conversation, joinConversations, readInput, readMessages, systemText } from './messages.ts'
import { ending, endingOf, isRefusal } from './outcome.ts'
import { modelOf, usageOf } from './usage.ts'

/** What an operation is, whatever an emitter calls it. */
export type Kind =
  | 'execute_tool'
  | 'chat'
  | 'embeddings'
  | 'retrieval'
  | 'invoke_agent'
  | 'create_agent'
  | 'memory'
  | 'other'

const KINDS: ReadonlyMap<string, Kind> = new Map<string, Kind>([
  ['execute_tool', 'execute_tool'],
  ['tool_call', 'execute_tool'],
  ['chat', 'chat'],
  ['text_completion', 'chat'],
  ['generate_content', 'chat'],
  ['llm_call', 'chat'],
  ['embeddings', 'embeddings'],
  ['retrieval', 'retrieval'],
  ['search_memory', 'retrieval'],
  ['invoke_agent', 'invoke_agent'],
  ['agent_call', 'invoke_agent'],
  ['invoke_workflow', 'invoke_agent'],
  ['create_agent', 'create_agent'],
  ['create_memory', 'memory'],
  ['update_memory', 'memory'],
  ['upsert_memory', 'memory'],
  ['delete_memory', 'memory'],
  ['create_memory_store', 'memory'],
  ['delete_memory_store', 'memory'],
])

/** The kind of a span that states its operation, or whose name does; `undefined` when neither speaks. */
export function kindOf(span: Span): Kind | undefined {
  const operation = span.attributes.get('gen_ai.operation.name')
  if (typeof operation === 'string' && operation !== '') {
    return KINDS.get(operation) ?? 'other'
  }
  if (span.name.startsWith('execute_tool ')) {
    return 'execute_tool'
  }
  if (span.name === 'invoke_agent' || span.name.startsWith('invoke_agent ')) {
    return 'invoke_agent'
  }
  return undefined
}

/** The draft for a span of this kind. */
export function speakOf(kind: Kind, span: Span, framework?: string): Draft {
  switch (kind) {
    case 'execute_tool':
      return toolCall(span, framework)
    case 'chat':
      return modelCall(span, framework)
    case 'embeddings':
      return embeddings(span, framework)
    case 'retrieval':
      return retrieval(span, framework)
    case 'invoke_agent':
      return agentInvoke(span, framework)
    case 'create_agent':
      return agentSpawn(span)
    case 'memory':
      return memoryCall(span, framework)
    case 'other':
      return draftOf(span, 'context', undefined, agentNamed(span, framework))
  }
}

const AGENT_NAMES = ['gen_ai.agent.name', 'agent.name', 'agent_name'] as const

/** The agent that GenAI attributes name. */
export function agentNamed(span: Span, framework?: string): NamedAgent | undefined {
  const { attributes } = span
  const id = label(attributes.get('gen_ai.agent.id'))
  const name = firstLabel(attributes, AGENT_NAMES)
  if (id === undefined && name === undefined) {
    return undefined
  }
  return agentOf({
    // Strands writes the literal `agent` when nobody chose an id.
    id: id === 'agent' ? undefined : id,
    name,
    version: versionOf(span),
    framework: framework ?? knownFramework(attributes),
  })
}

const VERSIONS = ['gen_ai.agent.version', 'ai.telemetry.metadata.agentVersion'] as const

/** The version of an agent: its own, else that of the service it runs in. */
export function versionOf(span: Span): string | undefined {
  return firstLabel(span.attributes, VERSIONS) ?? label(span.resource.attributes.get('service.version'))
}

function knownFramework(attributes: AttributeMap): string | undefined {
  const provider = label(attributes.get('gen_ai.provider.name'))
  return provider === 'microsoft.agent_framework' ? 'microsoft-agent-framework' : undefined
}

const TOOL_NAMES = ['gen_ai.tool.name', 'tool.name'] as const
const CALL_IDS = ['gen_ai.tool.call.id', 'gen_ai.tool.call_id'] as const
const ARGUMENTS = ['gen_ai.tool.call.arguments', 'tool_arguments'] as const
const RESULTS = ['gen_ai.tool.call.result', 'tool_response'] as const
const SERVERS = [
  'mcp.server.name',
  'anthropic.mcp.server.name',
  'gen_ai.tool.mcp.server.name',
  'mcp_server_name',
] as const

/** A tool call. */
export function toolCall(span: Span, framework?: string): Draft {
  const { attributes } = span
  const draft = draftOf(span, 'event', 'tool_call', agentNamed(span, framework))
  putTool(draft, {
    name: firstLabel(attributes, TOOL_NAMES) ?? nameAfter(span.name, 'execute_tool '),
    kind: label(attributes.get('gen_ai.tool.type')),
    call_id: firstLabel(attributes, CALL_IDS),
    server: firstLabel(attributes, SERVERS),
    definition_hash: toolDefinitionHash(attributes),
  })
  const result = firstText(attributes, RESULTS) ?? eventText(span, 'gen_ai.choice', 'message')
  putContent(draft, {
    arguments: firstText(attributes, ARGUMENTS) ?? eventText(span, 'gen_ai.tool.message', 'content'),
    result,
  })
  putDatasets(draft, datasets(namedDatasets(attributes)))
  putEnding(draft, endingOf(span) ?? (saysError(result) ? ending('error', 'tool_error') : undefined))
  const seconds = num(attributes.get('gen_ai.execute_tool.duration'))
  if (seconds !== undefined && seconds >= 0) {
    draft.duration_ms = seconds * 1000
  }
  return draft
}

/** The rest of a span name behind a fixed beginning. */
export function nameAfter(name: string, beginning: string): string | undefined {
  return name.startsWith(beginning) ? label(name.slice(beginning.length)) : undefined
}

/** True when a tool's result is an MCP result that says it failed. */
export function saysError(result: string | undefined): boolean {
  if (result === undefined || !result.startsWith('{') || !/"is_?[eE]rror":\s?true/.test(result)) {
    return false
  }
  const node = asJson(result)
  return field(node, 'isError') === true || field(node, 'is_error') === true
}

function toolDefinitionHash(attributes: AttributeMap): string | undefined {
  const description = text(attributes.get('gen_ai.tool.description'))
  const name = label(attributes.get('gen_ai.tool.name'))
  return description === undefined || name === undefined ? undefined : descriptionHash(name, description)
}

function eventText(span: Span, name: string, key: string): string | undefined {
  for (const event of span.events) {
    if (event.name === name) {
      const found = text(event.attributes.get(key))
      if (found !== undefined) {
        return found
      }
    }
  }
  return undefined
}

/** A model call with its conversation. */
export function modelCall(span: Span, framework?: string): Draft {
  const draft = draftOf(span, 'event', 'model_call', agentNamed(span, framework))
  const conversation = conversationOf(span)
  putConversation(draft, conversation)
  putIntegrity(draft, span.attributes, conversation.system)
  putVolume(draft, usageOf(span.attributes) ?? {})
  const reasons = span.attributes.get('gen_ai.response.finish_reasons')
  const refused = reasons !== undefined && labels(reasons).some(isRefusal)
  const ended = endingOf(span)
  putEnding(
    draft,
    ended ??
      (refused || isRefusal(conversation.finishReason) ? ending('refused', conversation.finishReason) : undefined),
  )
  return draft
}

/** What the agent is made of, as far as a model call shows it. */
export function putIntegrity(draft: Draft, attributes: AttributeMap, system: string | undefined): void {
  const model = modelOf(attributes)
  const definitions = attributes.get('gen_ai.tool.definitions')
  if (definitions !== undefined) {
    putManifest(draft, manifestOf(definitions))
  }
  if (model === undefined && system === undefined) {
    return
  }
  const integrity: Integrity = { ...draft.integrity }
  if (model !== undefined) {
    integrity.model = model
  }
  if (system !== undefined) {
    integrity.system_prompt_hash = systemPromptHash(system)
  }
  draft.integrity = integrity
}

/** Everything a span says of its conversation: attributes, span events, flattened and deprecated names. */
export function conversationOf(span: Span): Conversation {
  const { attributes } = span
  const found: Conversation[] = []
  const input = attributes.get('gen_ai.input.messages') ?? attributes.get('gen_ai.prompt')
  if (input !== undefined) {
    found.push(readInput(input))
  }
  if (attributes.has('gen_ai.prompt.0.role') || attributes.has('gen_ai.prompt.0.content')) {
    found.push(readInput(flatMessages(attributes, 'gen_ai.prompt.')))
  }
  const output = attributes.get('gen_ai.output.messages') ?? attributes.get('gen_ai.completion')
  if (output !== undefined) {
    found.push(readMessages(output, 'output'))
  }
  if (attributes.has('gen_ai.completion.0.role') || attributes.has('gen_ai.completion.0.finish_reason')) {
    found.push(readMessages(flatMessages(attributes, 'gen_ai.completion.'), 'output'))
  }
  if (span.events.length > 0) {
    found.push(...eventConversations(span))
  }
  const joined = found.length === 1 && found[0] !== undefined ? found[0] : joinConversations(...found)
  const system = systemText(attributes.get('gen_ai.system_instructions')) ?? systemText(attributes.get('system_prompt'))
  if (system !== undefined) {
    joined.system = system
  }
  return joined
}

const ROLE_OF_EVENT: ReadonlyMap<string, string> = new Map([
  ['gen_ai.system.message', 'system'],
  ['gen_ai.user.message', 'user'],
  ['gen_ai.assistant.message', 'assistant'],
  ['gen_ai.tool.message', 'tool'],
])

/** A message in the old conventions, as a span event or the body of a log record, with the role its name gives it. */
export function oldMessage(name: string, body: Json | undefined): Conversation | undefined {
  if (name === 'gen_ai.choice') {
    return readMessages(body ?? null, 'output')
  }
  const role = ROLE_OF_EVENT.get(name)
  if (role === undefined || body === undefined) {
    return undefined
  }
  const message =
    typeof body === 'object' && body !== null && !Array.isArray(body) ? { role, ...body } : { role, content: body }
  return readInput(message)
}

function eventConversations(span: Span): readonly Conversation[] {
  const found: Conversation[] = []
  for (const event of span.events) {
    if (event.name === 'gen_ai.client.inference.operation.details') {
      found.push(...detailConversations(event.attributes))
    } else if (event.name.startsWith('gen_ai.')) {
      const content = event.attributes.get('content') ?? event.attributes.get('message')
      const body: Record<string, Json> = {}
      for (const key of ['finish_reason', 'id', 'tool_calls'] as const) {
        const value = event.attributes.get(key)
        if (value !== undefined) {
          body[key] = plain(value)
        }
      }
      const said = asJson(content)
      if (said !== undefined) {
        body.content = said
      }
      const conversation = oldMessage(event.name, body)
      if (conversation !== undefined) {
        found.push(conversation)
      }
    }
  }
  return found
}

/** Input and output messages in attributes of a detail event or log record. */
export function conversationOfDetails(attributes: AttributeMap): Conversation {
  return joinConversations(...detailConversations(attributes))
}

function detailConversations(attributes: AttributeMap): readonly Conversation[] {
  const found: Conversation[] = []
  const input = attributes.get('gen_ai.input.messages')
  if (input !== undefined) {
    found.push(readInput(input))
  }
  const output = attributes.get('gen_ai.output.messages')
  if (output !== undefined) {
    found.push(readMessages(output, 'output'))
  }
  const system = systemText(attributes.get('gen_ai.system_instructions'))
  if (system !== undefined) {
    found.push({ system, calls: [], answers: [] })
  }
  return found
}

function embeddings(span: Span, framework?: string): Draft {
  const draft = draftOf(span, 'event', 'model_call', agentNamed(span, framework))
  putIntegrity(draft, span.attributes, undefined)
  putVolume(draft, usageOf(span.attributes) ?? {})
  putEnding(draft, endingOf(span))
  return draft
}

/** An agent at work. An event of its own when it is a root or names an agent, else a node of the tree. */
export function agentInvoke(span: Span, framework?: string): Draft {
  const rest = nameAfter(span.name, 'invoke_agent ')
  const model = label(span.attributes.get('gen_ai.request.model'))
  const agent =
    agentNamed(span, framework) ??
    agentOf({ name: rest === model ? undefined : rest, version: versionOf(span), framework })
  const speaks = span.parentSpanId === undefined || agent !== undefined
  const draft = draftOf(span, speaks ? 'event' : 'context', speaks ? 'agent_invoke' : undefined, agent)
  const conversation = conversationOf(span)
  putContent(draft, { prompt: conversation.prompt, output: conversation.output, system_prompt: conversation.system })
  putIntegrity(draft, span.attributes, conversation.system)
  putVolume(draft, usageOf(span.attributes) ?? {})
  putEnding(draft, endingOf(span))
  return draft
}

// The name on the span is that of the agent created; who created it, its ancestors say.
function agentSpawn(span: Span): Draft {
  const draft = draftOf(span, 'event', 'agent_spawn', undefined)
  const system = systemText(span.attributes.get('gen_ai.system_instructions'))
  putContent(draft, { system_prompt: system, arguments: label(span.attributes.get('gen_ai.agent.name')) })
  putIntegrity(draft, span.attributes, system)
  putEnding(draft, endingOf(span))
  return draft
}

/** A retrieval with its query, documents and datasets. */
export function retrieval(span: Span, framework?: string): Draft {
  const { attributes } = span
  const draft = draftOf(span, 'event', 'retrieval', agentNamed(span, framework))
  const documents = asJson(attributes.get('gen_ai.retrieval.documents'))
  const list = Array.isArray(documents) ? documents : []
  putContent(draft, {
    arguments: firstText(attributes, ['gen_ai.retrieval.query.text', 'gen_ai.retrieval.query']),
    result: text(attributes.get('gen_ai.retrieval.documents')),
  })
  const named = namedDatasets(attributes)
  putDatasets(draft, datasets([...named, ...list.map(documentDataset)]))
  putVolume(draft, { documents: list.length > 0 ? list.length : undefined })
  putEnding(draft, endingOf(span))
  return draft
}

function memoryCall(span: Span, framework?: string): Draft {
  const draft = toolCall(span, framework)
  const operation = label(span.attributes.get('gen_ai.operation.name'))
  putTool(draft, { ...draft.tool, name: draft.tool?.name ?? operation, kind: 'memory' })
  putDatasets(draft, datasets([dataset(label(span.attributes.get('gen_ai.memory.store.id')))]))
  return draft
}
