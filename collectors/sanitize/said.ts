/**
 * Attributes that a field of the record already says. They are most of what instrumentations send, and kept a second
 * time they would be a sixth of every event, on the wire, on disk and in the store.
 */
import type { Fragment } from '../../schema/fragment.ts'
import type { Building } from './draft.ts'

/** A field of a record under construction. */
export type Field = (record: Building<Fragment>) => string | number | undefined

const FIELDS: readonly (readonly [keys: string, field: Field])[] = [
  ['gen_ai.agent.id agent.id', ({ agent }) => agent?.id],
  ['gen_ai.agent.name agent.name agent_name', ({ agent }) => agent?.name],
  ['gen_ai.agent.version', ({ agent }) => agent?.version],
  [
    'gen_ai.conversation.id session.id session_id conversation.id gcp.vertex.agent.session_id',
    ({ session_id }) => session_id,
  ],
  ['gen_ai.tool.name tool.name tool_name ai.toolCall.name', ({ tool }) => tool?.name],
  ['gen_ai.tool.type', ({ tool }) => tool?.kind],
  [
    'gen_ai.tool.call.id gen_ai.tool.call_id tool_call_id call_id tool_use_id ai.toolCall.id',
    ({ tool }) => tool?.call_id,
  ],
  ['mcp.server.name mcp_server_name', ({ tool }) => tool?.server],
  ['gen_ai.request.model gen_ai.response.model llm.model_name ai.model.id model', ({ integrity }) => integrity?.model],
  [
    'gen_ai.usage.input_tokens llm.token_count.prompt ai.usage.inputTokens input_tokens',
    ({ volume }) => volume?.input_tokens,
  ],
  [
    'gen_ai.usage.output_tokens llm.token_count.completion ai.usage.outputTokens output_tokens',
    ({ volume }) => volume?.output_tokens,
  ],
  ['server.address net.peer.name', ({ destinations }) => destinations?.[0]?.host],
  ['server.port net.peer.port', ({ destinations }) => destinations?.[0]?.port],
  ['http.request.method http.method', ({ destinations }) => destinations?.[0]?.method],
  ['error.type', ({ error_type }) => error_type],
]

const FIELD_OF: ReadonlyMap<string, Field> = new Map(
  FIELDS.flatMap(([keys, field]) => keys.split(' ').map((key) => [key, field] as const)),
)

/**
 * The field that may say what the attribute says. It does when it has the very same value; an attribute that says
 * anything else is no repetition, whatever its key.
 */
export function fieldOf(key: string): Field | undefined {
  return FIELD_OF.get(key)
}
