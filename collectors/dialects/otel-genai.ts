import type { LogRecord, Span } from '../otlp/records.ts'
import { asJson, eventName } from '../otlp/values.ts'
import type { Dialect, FragmentDraft } from './dialect.ts'
import { draftOf, putConversation } from './reading/draft.ts'
import { conversationOfDetails, kindOf, oldMessage, putIntegrity, speakOf } from './reading/genai.ts'

/**
 * The OpenTelemetry GenAI conventions, as plain instrumentations and unknown frameworks speak them.
 *
 * Log records of these conventions carry the messages of a model call whose span has the same span id: content
 * for that span, never events of their own.
 */
export const otelGenai: Dialect = {
  id: 'otel-genai',
  title: 'OpenTelemetry GenAI conventions, old names and new, from any instrumentation',
  joins: 'trace',

  span(span: Span): FragmentDraft | undefined {
    const kind = kindOf(span)
    return kind === undefined ? undefined : speakOf(kind, span)
  },

  log(record: LogRecord): FragmentDraft | undefined {
    const name = eventName(record)
    if (!name.startsWith('gen_ai.')) {
      return undefined
    }
    const conversation =
      name === 'gen_ai.client.inference.operation.details'
        ? conversationOfDetails(record.attributes)
        : oldMessage(name, asJson(record.body))
    if (conversation === undefined) {
      return undefined
    }
    const draft = draftOf(record, 'context', undefined, undefined)
    putConversation(draft, conversation)
    putIntegrity(draft, record.attributes, conversation.system)
    return draft
  },
}
