import type { Span } from '../otlp/records.ts'
import type { Dialect, FragmentDraft } from './dialect.ts'
import { draftOf } from './reading/draft.ts'
import { agentNamed, kindOf, speakOf } from './reading/genai.ts'

const FRAMEWORK = 'strands'

/**
 * Strands Agents, also inside Bedrock AgentCore. OpenTelemetry names with the content in span events; the scope is named
 * after the service, so its own event times and loop cycles are what it is known by.
 */
export const strands: Dialect = {
  id: 'strands',
  title: 'Strands Agents, TypeScript and Python',
  joins: 'trace',

  span(span: Span): FragmentDraft | undefined {
    const { attributes } = span
    if (
      !attributes.has('gen_ai.event.start_time') &&
      !attributes.has('agent_loop.cycle_id') &&
      !attributes.has('event_loop.cycle_id') &&
      !span.scope.name.startsWith('strands')
    ) {
      return undefined
    }
    const kind = kindOf(span)
    return kind === undefined
      ? draftOf(span, 'context', undefined, agentNamed(span, FRAMEWORK))
      : speakOf(kind, span, FRAMEWORK)
  },
}
