/**
 * Attributes that a field of the record already says. They are most of what instrumentations send, and kept a second
 * time they would be a sixth of every event, on the wire, on disk and in the store.
 */
import type { Agent, Destination, Integrity, Tool, Volume } from '../../schema/telemetry.ts'

/** What fields are read of: a fragment under construction, or an event. */
export interface Saying {
  readonly agent?: Partial<Agent> | undefined
  readonly session_id?: string | undefined
  readonly tool?: Partial<Tool> | null | undefined
  readonly integrity?: Integrity | undefined
  readonly volume?: Volume | undefined
  readonly destinations?: readonly Destination[] | undefined
  readonly error_type?: string | undefined
}

export type Field = (record: Saying) => string | number | undefined

type Row = readonly [keys: string, field: Field]

/** Of several records of one event one speaks for these. */
const CHOSEN: readonly Row[] = [
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
  ['error.type', ({ error_type }) => error_type],
]

/** What several records say of these is put together. */
const TOGETHER: readonly Row[] = [
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
]

const FIELD_OF: ReadonlyMap<string, Field> = new Map(
  [...CHOSEN, ...TOGETHER].flatMap(([keys, field]) => keys.split(' ').map((key) => [key, field] as const)),
)

const CHOSEN_BY_KEY = CHOSEN.map(([keys, field]) => ({ key: keys.split(' ')[0] as string, field }))

/**
 * The field that may say what the attribute says. It does when it has the very same value; an attribute that says
 * anything else is no repetition, whatever its key.
 */
export function fieldOf(key: string): Field | undefined {
  return FIELD_OF.get(key)
}

/** What a record says otherwise than the event that it became part of, as the attributes it may have come in. */
export function saidOtherwise(
  record: Saying,
  event: Saying,
): readonly (readonly [key: string, value: string | number])[] {
  return CHOSEN_BY_KEY.flatMap(({ key, field }) => {
    const value = field(record)
    return value === undefined || value === field(event) ? [] : [[key, value] as const]
  })
}
