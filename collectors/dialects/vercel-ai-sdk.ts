import type { Span } from '../otlp/records.ts'
import { asJson, firstLabel, firstText, type Json, label, text } from '../otlp/values.ts'
import type { Dialect, FragmentDraft } from './dialect.ts'
import { manifestOf, putManifest } from './reading/definitions.ts'
import { type Draft, draftOf, putContent, putConversation, putEnding, putTool, putVolume } from './reading/draft.ts'
import { kindOf, putIntegrity, speakOf, versionOf } from './reading/genai.ts'
import { agentOf, type NamedAgent } from './reading/identity.ts'
import { type Conversation, joinConversations, readInput, readMessages } from './reading/messages.ts'
import { ending, endingOf, isRefusal } from './reading/outcome.ts'
import { usageOf } from './reading/usage.ts'

const NEW_SCOPE = 'gen_ai'
const FRAMEWORK = 'vercel-ai-sdk'

/**
 * Vercel AI SDK. Version 7 speaks OpenTelemetry with a few names of its own; up to 6 everything is `ai.*`, with the
 * metadata of the application on every span and tool results as JSON within JSON.
 */
export const vercelAiSdk: Dialect = {
  id: 'vercel-ai-sdk',
  title: 'Vercel AI SDK, new (7) and legacy spans',
  joins: 'trace',

  span(span: Span): FragmentDraft | undefined {
    const operation = label(span.attributes.get('ai.operationId'))
    if (operation !== undefined) {
      return legacy(span, operation)
    }
    if (span.scope.name !== NEW_SCOPE) {
      return undefined
    }
    const kind = kindOf(span)
    return kind === undefined ? undefined : speakOf(kind, span, FRAMEWORK)
  },
}

function legacy(span: Span, operation: string): Draft {
  if (operation === 'ai.toolCall') {
    return toolCall(span)
  }
  if (operation.endsWith('.doEmbed')) {
    return embedding(span)
  }
  if (operation.endsWith('.doGenerate') || operation.endsWith('.doStream')) {
    return modelCall(span)
  }
  return INVOKES.has(operation) ? agentInvoke(span) : draftOf(span, 'context', undefined, agent(span))
}

const INVOKES: ReadonlySet<string> = new Set([
  'ai.generateText',
  'ai.streamText',
  'ai.generateObject',
  'ai.streamObject',
])

function agent(span: Span): NamedAgent | undefined {
  const name = firstLabel(span.attributes, ['gen_ai.agent.name', 'ai.telemetry.functionId', 'resource.name'])
  return agentOf({ name, version: versionOf(span), framework: FRAMEWORK })
}

function toolCall(span: Span): Draft {
  const { attributes } = span
  const draft = draftOf(span, 'event', 'tool_call', agent(span))
  putTool(draft, {
    name: firstLabel(attributes, ['ai.toolCall.name', 'gen_ai.tool.name']),
    call_id: firstLabel(attributes, ['ai.toolCall.id', 'gen_ai.tool.call.id']),
  })
  putContent(draft, {
    arguments: firstText(attributes, ['ai.toolCall.args', 'ai.toolCall.input']),
    result: text(asJson(attributes.get('ai.toolCall.result') ?? attributes.get('ai.toolCall.output'))),
  })
  putEnding(draft, endingOf(span))
  return draft
}

function conversationOf(span: Span): Conversation {
  const { attributes } = span
  const found: Conversation[] = []
  for (const key of ['ai.prompt', 'ai.prompt.messages'] as const) {
    const value = attributes.get(key)
    if (value !== undefined) {
      // `ai.prompt` is an object with `system` beside `prompt` or `messages`.
      found.push(readInput(asMessages(asJson(value))))
    }
  }
  const said = firstText(attributes, ['ai.response.text', 'ai.response.object', 'ai.result.text'])
  if (said !== undefined) {
    found.push({ output: said, calls: [], answers: [] })
  }
  const calls = asJson(attributes.get('ai.response.toolCalls') ?? attributes.get('ai.result.toolCalls'))
  if (Array.isArray(calls)) {
    found.push(readMessages({ tool_calls: calls.map(asToolCall) }, 'output'))
  }
  return joinConversations(...found)
}

function asMessages(node: Json | undefined): Json {
  if (typeof node !== 'object' || node === null || Array.isArray(node)) {
    return node ?? null
  }
  const { system, prompt, messages } = node as { readonly [key: string]: Json }
  return [
    ...(system === undefined ? [] : [{ role: 'system', content: system }]),
    ...(prompt === undefined ? [] : [{ role: 'user', content: prompt }]),
    ...(Array.isArray(messages) ? messages : []),
  ]
}

function asToolCall(call: Json): Json {
  return typeof call === 'object' && call !== null && !Array.isArray(call) ? { ...call, type: 'tool-call' } : call
}

function modelCall(span: Span): Draft {
  const { attributes } = span
  const draft = draftOf(span, 'event', 'model_call', agent(span))
  const conversation = conversationOf(span)
  putConversation(draft, conversation)
  putIntegrity(draft, attributes, conversation.system)
  putManifest(draft, manifestOf(attributes.get('ai.prompt.tools')))
  putVolume(draft, usageOf(attributes) ?? {})
  const reason = label(attributes.get('ai.response.finishReason'))
  putEnding(draft, endingOf(span) ?? (isRefusal(reason) ? ending('refused', reason) : undefined))
  return draft
}

function embedding(span: Span): Draft {
  const draft = draftOf(span, 'event', 'model_call', agent(span))
  putIntegrity(draft, span.attributes, undefined)
  putVolume(draft, { input_tokens: undefined, ...usageOf(span.attributes) })
  putEnding(draft, endingOf(span))
  return draft
}

function agentInvoke(span: Span): Draft {
  const named = agent(span)
  const speaks = span.parentSpanId === undefined || named !== undefined
  const draft = draftOf(span, speaks ? 'event' : 'context', speaks ? 'agent_invoke' : undefined, named)
  const conversation = conversationOf(span)
  putContent(draft, { prompt: conversation.prompt, output: conversation.output, system_prompt: conversation.system })
  putIntegrity(draft, span.attributes, conversation.system)
  putVolume(draft, usageOf(span.attributes) ?? {})
  putEnding(draft, endingOf(span))
  return draft
}
