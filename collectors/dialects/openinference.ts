import type { Integrity } from '../../schema/telemetry.ts'
import type { AttributeMap, Span } from '../otlp/records.ts'
import {
  asJson,
  field,
  fieldLabel,
  firstLabel,
  firstText,
  type Json,
  LIST_READ_LIMIT,
  label,
  put,
  text,
} from '../otlp/values.ts'
import type { Dialect, FragmentDraft } from './dialect.ts'
import { datasets, documentDataset } from './reading/datasets.ts'
import { definitionHash, type Manifest, manifestOf, putManifest, systemPromptHash } from './reading/definitions.ts'
import {
  type Draft,
  draftOf,
  putContent,
  putConversation,
  putDatasets,
  putEnding,
  putTool,
  putVolume,
} from './reading/draft.ts'
import { openInferenceMessages } from './reading/flat.ts'
import { versionOf } from './reading/genai.ts'
import { agentOf, type NamedAgent } from './reading/identity.ts'
import { type Conversation, joinConversations, readAnswer, readInput, readMessages } from './reading/messages.ts'
import { ending, endingOf, isRefusal } from './reading/outcome.ts'
import { modelOf, usageOf } from './reading/usage.ts'

/**
 * OpenInference (Arize Phoenix and others): kinds in `openinference.span.kind`, values in `input.value` and
 * `output.value`, lists flattened by index. LangChain, OpenAI Agents, CrewAI and many more are instrumented with it.
 */
export const openinference: Dialect = {
  id: 'openinference',
  title: 'OpenInference instrumentations',
  joins: 'trace',

  span(span: Span): FragmentDraft | undefined {
    const kind = label(span.attributes.get('openinference.span.kind'))
    if (kind === undefined) {
      return undefined
    }
    const metadata = asJson(span.attributes.get('metadata'))
    return (KINDS.get(kind) ?? node)(span, metadata)
  },
}

const KINDS: ReadonlyMap<string, (span: Span, metadata: Json | undefined) => Draft> = new Map([
  ['TOOL', toolCall],
  ['LLM', modelCall],
  ['EMBEDDING', embedding],
  ['RETRIEVER', retrieval],
  ['RERANKER', retrieval],
  ['AGENT', agentInvoke],
  ['CHAIN', chain],
])

function draft(
  span: Span,
  metadata: Json | undefined,
  role: Draft['role'],
  operation: Draft['operation'] | undefined,
  name?: string,
): Draft {
  const made = draftOf(span, role, operation, agentOfSpan(span, metadata, name), sessionOfSpan(span, metadata))
  const user = made.principal === undefined ? fieldLabel(metadata, 'user_id', 'userId') : undefined
  if (user !== undefined) {
    made.principal = { kind: 'human', id: user }
  }
  return made
}

function sessionOfSpan(span: Span, metadata: Json | undefined): string | undefined {
  return (
    firstLabel(span.attributes, ['gen_ai.conversation.id', 'session.id']) ??
    fieldLabel(metadata, 'session_id', 'thread_id', 'conversation_id')
  )
}

function agentOfSpan(span: Span, metadata: Json | undefined, fallbackName?: string): NamedAgent | undefined {
  const { attributes } = span
  const name =
    firstLabel(attributes, ['gen_ai.agent.name', 'agent.name']) ??
    fieldLabel(metadata, 'lc_agent_name') ??
    label(attributes.get('graph.node.id')) ??
    fallbackName
  return name === undefined
    ? undefined
    : agentOf({
        id: label(attributes.get('gen_ai.agent.id')),
        name,
        version: versionOf(span),
        framework: frameworkOf(span),
      })
}

const INSTRUMENTATION = /openinference[-.]instrumentation[-.]([a-z0-9_-]{2,64})$/

/** The framework is what the instrumentation is for. */
function frameworkOf(span: Span): string | undefined {
  return INSTRUMENTATION.exec(span.scope.name)?.[1]?.replaceAll('_', '-')
}

function node(span: Span, metadata: Json | undefined): Draft {
  return draft(span, metadata, 'context', undefined)
}

function toolCall(span: Span, metadata: Json | undefined): Draft {
  const { attributes } = span
  const made = draft(span, metadata, 'event', 'tool_call')
  const output = asJson(attributes.get('output.value'))
  // LangChain hands back a serialised message: id, status and content of the result are inside.
  const message = field(field(output, 'output') ?? output, 'kwargs')
  putTool(made, {
    name: firstLabel(attributes, ['tool.name', 'tool_call.function.name']) ?? label(span.name),
    call_id: firstLabel(attributes, ['tool.id', 'tool_call.id']) ?? fieldLabel(message, 'tool_call_id'),
    definition_hash: definitionOf(attributes),
  })
  const result = message === undefined ? undefined : text(field(message, 'content'))
  putContent(made, {
    arguments: firstText(attributes, ['tool_call.function.arguments', 'input.value']),
    result: result ?? firstText(attributes, ['output.value']),
  })
  const failedInside = fieldLabel(message, 'status') === 'error' ? ending('error', 'tool_error') : undefined
  putEnding(made, endingOf(span) ?? failedInside)
  return made
}

function definitionOf(attributes: AttributeMap): string | undefined {
  const schema = asJson(attributes.get('tool.json_schema') ?? attributes.get('tool.parameters'))
  const name = label(attributes.get('tool.name'))
  return schema === undefined || name === undefined || typeof schema !== 'object'
    ? undefined
    : definitionHash({ name, description: text(attributes.get('tool.description')) ?? '', parameters: schema })
}

function modelCall(span: Span, metadata: Json | undefined): Draft {
  const { attributes } = span
  const made = draft(span, metadata, 'event', 'model_call')
  const conversation = conversationOf(attributes)
  putConversation(made, conversation)
  putManifest(made, manifestIn(attributes))
  const integrity: Integrity = { ...made.integrity }
  put(integrity, 'model', modelOf(attributes))
  put(
    integrity,
    'system_prompt_hash',
    conversation.system === undefined ? undefined : systemPromptHash(conversation.system),
  )
  if (Object.keys(integrity).length > 0) {
    made.integrity = integrity
  }
  putVolume(made, usageOf(attributes) ?? {})
  const reason = label(attributes.get('llm.finish_reason')) ?? conversation.finishReason
  putEnding(made, endingOf(span) ?? (isRefusal(reason) ? ending('refused', reason) : undefined))
  return made
}

/** Flattened messages, and for what those leave out (system prompt, calls in LangChain) the whole values. */
function conversationOf(attributes: AttributeMap): Conversation {
  const found: Conversation[] = []
  const input = attributes.get('input.value')
  const output = attributes.get('output.value')
  const flatInput = openInferenceMessages(attributes, 'llm.input_messages.')
  const flatOutput = openInferenceMessages(attributes, 'llm.output_messages.')
  if (input !== undefined) {
    found.push(readInput(input))
  }
  if (flatInput.length > 0) {
    const flat = readInput(flatInput)
    // The same answers in both places are one answer.
    found.push(found[0] !== undefined && found[0].answers.length > 0 ? { ...flat, answers: [] } : flat)
  }
  const said = output === undefined ? undefined : readMessages(output, 'output')
  const flatSaid = flatOutput.length > 0 ? readMessages(flatOutput, 'output') : undefined
  if (said !== undefined) {
    found.push(flatSaid === undefined || flatSaid.calls.length === 0 ? said : { ...said, calls: [] })
  }
  if (flatSaid !== undefined) {
    found.push(flatSaid)
  }
  return joinConversations(...found)
}

function manifestIn(attributes: AttributeMap): Manifest | undefined {
  const definitions: Json[] = []
  for (let index = 0; index < LIST_READ_LIMIT; index++) {
    const definition = asJson(attributes.get(`llm.tools.${index}.tool.json_schema`))
    if (definition === undefined) {
      break
    }
    definitions.push(definition)
  }
  return definitions.length === 0 ? undefined : manifestOf(definitions as Parameters<typeof manifestOf>[0])
}

function embedding(span: Span, metadata: Json | undefined): Draft {
  const made = draft(span, metadata, 'event', 'model_call')
  const model = label(span.attributes.get('embedding.model_name')) ?? modelOf(span.attributes)
  if (model !== undefined) {
    made.integrity = { model }
  }
  putVolume(made, usageOf(span.attributes) ?? {})
  putEnding(made, endingOf(span))
  return made
}

function retrieval(span: Span, metadata: Json | undefined): Draft {
  const { attributes } = span
  const made = draft(span, metadata, 'event', 'retrieval')
  const prefix = attributes.has('reranker.output_documents.0.document.content')
    ? 'reranker.output_documents.'
    : 'retrieval.documents.'
  const contents: string[] = []
  const found = []
  for (let index = 0; index < LIST_READ_LIMIT; index++) {
    const at = `${prefix}${index}.document.`
    const content = attributes.get(`${at}content`)
    const details = attributes.get(`${at}metadata`)
    const id = attributes.get(`${at}id`)
    if (content === undefined && details === undefined && id === undefined) {
      break
    }
    const said = text(content)
    if (said !== undefined) {
      contents.push(said)
    }
    const document: Record<string, Json> = { metadata: asJson(details) ?? null }
    const documentId = label(id)
    if (documentId !== undefined) {
      document.id = documentId
    }
    found.push(documentDataset(document))
  }
  putContent(made, {
    arguments: firstText(attributes, ['input.value']),
    result: contents.length === 0 ? firstText(attributes, ['output.value']) : text(contents.join('\n')),
  })
  putDatasets(made, datasets(found))
  putVolume(made, { documents: found.length === 0 ? undefined : found.length })
  putEnding(made, endingOf(span))
  return made
}

/** Only agents that say who they are lend a name; a nameless one at the root is named by its span. */
function agentInvoke(span: Span, metadata: Json | undefined): Draft {
  const root = span.parentSpanId === undefined
  const named = agentOfSpan(span, metadata, root ? undefined : label(span.name))
  const made = draft(span, metadata, root || named !== undefined ? 'event' : 'context', undefined, named?.name)
  if (made.role === 'event') {
    made.operation = 'agent_invoke'
  }
  putTurn(made, span)
  return made
}

/** LangChain's `createAgent` is a chain at the root, named after the agent. */
function chain(span: Span, metadata: Json | undefined): Draft {
  if (span.parentSpanId !== undefined || fieldLabel(metadata, 'lc_agent_name') === undefined) {
    return node(span, metadata)
  }
  const made = draft(span, metadata, 'event', 'agent_invoke')
  putTurn(made, span)
  return made
}

function putTurn(made: Draft, span: Span): void {
  const input = readInput(span.attributes.get('input.value'))
  const output = readAnswer(span.attributes.get('output.value'))
  putContent(made, { prompt: input.prompt, output, system_prompt: input.system })
  putEnding(made, endingOf(span))
}
