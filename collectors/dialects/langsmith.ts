import type { Span } from '../otlp/records.ts'
import { asJson, field, fieldLabel, firstLabel, type Json, label, text } from '../otlp/values.ts'
import type { Dialect, FragmentDraft } from './dialect.ts'
import { datasets, documentDataset } from './reading/datasets.ts'
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
import { conversationOf, putIntegrity, versionOf } from './reading/genai.ts'
import { agentOf, type NamedAgent } from './reading/identity.ts'
import { readAnswer, readInput } from './reading/messages.ts'
import { endingOf } from './reading/outcome.ts'
import { usageOf } from './reading/usage.ts'

const FRAMEWORK = 'langsmith'

/**
 * LangSmith SDK exports. Names look like OpenTelemetry, but `gen_ai.operation.name` says `embeddings` of retrievers and
 * failed runs have status OK: the kind of a run is in `langsmith.span.kind`, its failure in an exception event.
 */
export const langsmith: Dialect = {
  id: 'langsmith',
  title: 'LangSmith SDK, OpenTelemetry export',
  joins: 'trace',

  span(span: Span): FragmentDraft | undefined {
    const kind = label(span.attributes.get('langsmith.span.kind'))
    return kind === undefined ? undefined : (KINDS.get(kind.toLowerCase()) ?? node)(span)
  },
}

const KINDS: ReadonlyMap<string, (span: Span) => Draft> = new Map([
  ['tool', toolCall],
  ['llm', modelCall],
  ['retriever', retrieval],
  ['embedding', embedding],
  ['chain', chain],
])

function runName(span: Span): string | undefined {
  return label(span.attributes.get('langsmith.trace.name')) ?? label(span.name)
}

function agent(span: Span, fallbackName?: string): NamedAgent | undefined {
  const name =
    firstLabel(span.attributes, [
      'gen_ai.agent.name',
      'langsmith.metadata.lc_agent_name',
      'langsmith.metadata.agent_name',
    ]) ?? fallbackName
  return agentOf({ name, version: name === undefined ? undefined : versionOf(span), framework: FRAMEWORK })
}

function node(span: Span): Draft {
  return draftOf(span, 'context', undefined, agent(span))
}

/** Inputs and outputs of a run; a bare value is wrapped in `input`, `output` or `outputs`. */
function given(span: Span): Json | undefined {
  const inputs = asJson(span.attributes.get('gen_ai.prompt'))
  return unwrap(inputs, ['input'])
}

function returned(span: Span): Json | undefined {
  const outputs = asJson(span.attributes.get('gen_ai.completion'))
  return unwrap(outputs, ['outputs', 'output'])
}

function unwrap(node: Json | undefined, keys: readonly string[]): Json | undefined {
  if (typeof node !== 'object' || node === null || Array.isArray(node) || Object.keys(node).length !== 1) {
    return node
  }
  for (const key of keys) {
    const inner = field(node, key)
    if (inner !== undefined) {
      return inner
    }
  }
  return node
}

function toolCall(span: Span): Draft {
  const { attributes } = span
  const draft = draftOf(span, 'event', 'tool_call', agent(span))
  const result = returned(span)
  const message = field(result, 'kwargs') ?? result
  putTool(draft, {
    name: firstLabel(attributes, ['gen_ai.tool.name']) ?? runName(span),
    call_id:
      firstLabel(attributes, ['gen_ai.tool.call.id', 'langsmith.metadata.tool_call_id']) ??
      fieldLabel(message, 'tool_call_id'),
  })
  putContent(draft, { arguments: text(given(span)), result: text(field(message, 'content') ?? result) })
  putEnding(draft, endingOf(span))
  return draft
}

function modelCall(span: Span): Draft {
  const draft = draftOf(span, 'event', 'model_call', agent(span))
  const conversation = conversationOf(span)
  putConversation(draft, conversation)
  putIntegrity(draft, span.attributes, conversation.system)
  putVolume(draft, usageOf(span.attributes) ?? {})
  putEnding(draft, endingOf(span))
  return draft
}

function embedding(span: Span): Draft {
  const draft = draftOf(span, 'event', 'model_call', agent(span))
  putIntegrity(draft, span.attributes, undefined)
  putVolume(draft, usageOf(span.attributes) ?? {})
  putEnding(draft, endingOf(span))
  return draft
}

function retrieval(span: Span): Draft {
  const draft = draftOf(span, 'event', 'retrieval', agent(span))
  const outputs = returned(span)
  const documents = Array.isArray(outputs) ? outputs : field(outputs, 'documents')
  const list = Array.isArray(documents) ? documents.slice(0, 64) : []
  const query = given(span)
  putContent(draft, {
    arguments: fieldLabel(query, 'query') ?? text(query),
    result: text(outputs),
  })
  putDatasets(draft, datasets(list.map((entry) => documentDataset(field(entry, 'kwargs') ?? entry))))
  putVolume(draft, { documents: list.length === 0 ? undefined : list.length })
  putEnding(draft, endingOf(span))
  return draft
}

/** A chain at the root is the agent at work; below it, a node of the tree. */
function chain(span: Span): Draft {
  if (span.parentSpanId !== undefined) {
    return node(span)
  }
  const draft = draftOf(span, 'event', 'agent_invoke', agent(span, runName(span)))
  const input = given(span)
  const output = returned(span)
  putContent(draft, {
    prompt: readInput(input).prompt ?? text(input),
    output: readAnswer(output) ?? text(output),
  })
  putEnding(draft, endingOf(span))
  return draft
}
