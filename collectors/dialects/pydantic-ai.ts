import type { Span } from '../otlp/records.ts'
import { asJson, firstText, label, put, text } from '../otlp/values.ts'
import type { Dialect, FragmentDraft } from './dialect.ts'
import { manifestOf, putManifest } from './reading/definitions.ts'
import { type Draft, draftOf, putContent } from './reading/draft.ts'
import { agentInvoke, agentNamed, kindOf, modelCall, speakOf, toolCall } from './reading/genai.ts'
import { readMessages } from './reading/messages.ts'

const SCOPE = 'pydantic-ai'
const FRAMEWORK = 'pydantic-ai'

/**
 * Pydantic AI and Logfire. Newer versions follow OpenTelemetry; instrumentation version 2 names spans `agent run` and
 * `running tool` and has names of its own for arguments, response and agent.
 */
export const pydanticAi: Dialect = {
  id: 'pydantic-ai',
  title: 'Pydantic AI, instrumentation version 2 and later',
  joins: 'trace',

  span(span: Span): FragmentDraft | undefined {
    if (span.scope.name !== SCOPE && !span.attributes.has('model_request_parameters')) {
      return undefined
    }
    const { attributes } = span
    if (span.name === 'agent run' || (span.name.endsWith(' run') && attributes.has('agent_name'))) {
      return run(span)
    }
    if (span.name.startsWith('running tool') && attributes.has('gen_ai.tool.name')) {
      return toolCall(span, FRAMEWORK)
    }
    const kind = kindOf(span)
    if (kind === 'chat') {
      return chat(span)
    }
    return kind === undefined
      ? draftOf(span, 'context', undefined, agentNamed(span, FRAMEWORK))
      : speakOf(kind, span, FRAMEWORK)
  },
}

function chat(span: Span): Draft {
  const draft = modelCall(span, FRAMEWORK)
  const parameters = span.attributes.get('model_request_parameters')
  putManifest(draft, parameters === undefined ? undefined : manifestOf(text(parameters)))
  // Version 1 puts all messages, the answer last, into one list of old events.
  const events = asJson(span.attributes.get('events'))
  if (Array.isArray(events)) {
    const { prompt, output, system } = readMessages(events, 'input')
    putContent(draft, { prompt, output, system_prompt: system })
  }
  return draft
}

function run(span: Span): Draft {
  const draft = agentInvoke(span, FRAMEWORK)
  const { attributes } = span
  draft.role = 'event'
  draft.operation = 'agent_invoke'
  const all = attributes.get('pydantic_ai.all_messages') ?? attributes.get('all_messages_events')
  const conversation = all === undefined ? undefined : readMessages(all, 'input')
  putContent(draft, {
    prompt: conversation?.prompt,
    system_prompt: conversation?.system,
    output: firstText(attributes, ['final_result']) ?? conversation?.output,
  })
  put(draft, 'session_id', label(attributes.get('gen_ai.conversation.id')))
  return draft
}
