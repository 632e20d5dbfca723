/**
 * What each dialect can say of an event, by operation: which detectors it can feed (`docs/detections.md`). It says so when the
 * emitter sends it; whether an agent does, the coverage report tells. `given-fields.test.ts` holds the table to
 * what dialects say of generated records and of recorded requests of real agents.
 */
import type { FieldPath } from '../schema/field-path.ts'
import type { Operation } from '../schema/telemetry.ts'

type Given = Partial<Record<Operation, readonly FieldPath[]>>

/** What is known of every event, or may be, whatever dialect it comes by: identity, links, time, how it ended. */
export const ALWAYS_GIVEN: readonly FieldPath[] = [
  ...(['schema_version', 'event_id', 'time_ms', 'observed_ms', 'tenant_id', 'session_id', 'operation'] as const),
  ...(['agent', 'agent.id', 'agent.name', 'agent.framework', 'agent.version', 'agent.owner'] as const),
  ...(['trace_id', 'span_id', 'parent_span_id', 'outcome', 'error_type', 'duration_ms'] as const),
  ...(['subject_chain', 'subject_chain.kind', 'subject_chain.id', 'subject_chain.name'] as const),
]

/** What agents may state in `telltale.*` attributes, whatever dialect their telemetry is. */
export const STATED_FIELDS: readonly FieldPath[] = [
  ...(['subject_chain', 'policy_snapshot', 'policy_decision', 'atlas_mapping'] as const),
  ...(['dataset_scope', 'dataset_scope.id', 'dataset_scope.classification', 'dataset_scope.tenant'] as const),
  ...(['dataset_scope.operation', 'approval', 'approval.required', 'approval.by'] as const),
]

// The collector finds places and datasets in arguments, and measures texts.
const ARGUMENTS: readonly FieldPath[] = [
  ...(['content', 'content.arguments', 'content.truncated', 'volume', 'volume.bytes_in'] as const),
  ...(['destinations', 'destinations.host', 'destinations.port', 'destinations.scheme'] as const),
  ...(['destinations.seen_in', 'dataset_scope', 'dataset_scope.id', 'dataset_scope.operation'] as const),
]
const RESULT: readonly FieldPath[] = ['content', 'content.result', 'volume', 'volume.bytes_out']
const CALL: readonly FieldPath[] = ['tool', 'tool.name', 'tool.call_id', ...ARGUMENTS, ...RESULT]
const OF_SERVER: readonly FieldPath[] = ['tool.kind', 'tool.server']
const DECIDED: readonly FieldPath[] = ['approval', 'approval.required', 'approval.by', 'policy_decision']
const USAGE: readonly FieldPath[] = ['volume', 'volume.input_tokens', 'volume.output_tokens', 'volume.cost_usd']
const MODEL: readonly FieldPath[] = ['integrity', 'integrity.model', ...USAGE]
const SAID: readonly FieldPath[] = ['content', 'content.prompt', 'content.output', 'content.truncated', 'prompt_id']
const SYSTEM: readonly FieldPath[] = ['content.system_prompt', 'integrity', 'integrity.system_prompt_hash']
const MANIFEST: readonly FieldPath[] = ['integrity', 'integrity.tool_manifest_hash', 'integrity.tools']
const CHAT: readonly FieldPath[] = [...MODEL, ...SAID, ...SYSTEM]
const SPAWNED: readonly FieldPath[] = [...SYSTEM, ...MANIFEST, ...ARGUMENTS, 'integrity.model']
const FOUND: readonly FieldPath[] = [...ARGUMENTS, ...RESULT, 'volume.documents']
const REACHED: readonly FieldPath[] = [
  ...(['destinations', 'destinations.host', 'destinations.port', 'destinations.scheme'] as const),
  ...(['destinations.method', 'destinations.seen_in', 'volume', 'volume.bytes_in', 'volume.bytes_out'] as const),
  ...(['dataset_scope', 'dataset_scope.id'] as const),
]

/** By the id of a dialect. `unknown-span` says nothing of events. */
export const GIVEN_FIELDS: ReadonlyMap<string, Given> = new Map<string, Given>([
  [
    'claude-code',
    {
      tool_call: [...CALL, ...OF_SERVER, ...DECIDED, 'content.output'],
      model_call: [...MODEL, ...SAID],
      agent_invoke: SAID,
    },
  ],
  ['codex', { tool_call: [...CALL, ...OF_SERVER, ...DECIDED], model_call: MODEL, agent_invoke: SAID }],
  [
    'copilot',
    {
      agent_spawn: SPAWNED,
      tool_call: [...CALL, ...OF_SERVER, ...DECIDED],
      model_call: CHAT,
      agent_invoke: CHAT,
      retrieval: FOUND,
    },
  ],
  [
    'gemini-cli',
    { agent_spawn: SPAWNED, tool_call: [...CALL, ...OF_SERVER, ...DECIDED], model_call: CHAT, agent_invoke: CHAT },
  ],
  [
    'google-adk',
    {
      agent_spawn: SPAWNED,
      tool_call: [...CALL, ...OF_SERVER, 'tool.definition_hash'],
      model_call: [...CHAT, ...MANIFEST],
      agent_invoke: CHAT,
      retrieval: FOUND,
    },
  ],
  ['langsmith', { tool_call: CALL, model_call: [...CHAT, ...MANIFEST], retrieval: FOUND }],
  ['mcp', { tool_call: [...CALL, ...OF_SERVER], retrieval: ['tool', 'tool.name', ...OF_SERVER, ...FOUND] }],
  [
    'openinference',
    { tool_call: [...CALL, ...OF_SERVER], model_call: [...CHAT, ...MANIFEST], agent_invoke: SAID, retrieval: FOUND },
  ],
  [
    'openllmetry',
    {
      tool_call: [...CALL, ...OF_SERVER],
      model_call: [...CHAT, ...MANIFEST],
      agent_invoke: SAID,
      retrieval: FOUND,
      config_change: [...MANIFEST, ...RESULT],
    },
  ],
  [
    'otel-genai',
    {
      tool_call: [...CALL, ...OF_SERVER],
      model_call: [...CHAT, ...MANIFEST],
      agent_invoke: [...CHAT, ...MANIFEST],
      agent_spawn: SPAWNED,
      retrieval: FOUND,
    },
  ],
  [
    'plain-client',
    {
      egress: REACHED,
      retrieval: [...ARGUMENTS, ...REACHED, 'volume.rows'],
      token_request: [...REACHED, 'token', 'token.scopes_requested', 'token.audience'],
    },
  ],
  [
    'pydantic-ai',
    {
      agent_spawn: SPAWNED,
      tool_call: [...CALL, ...OF_SERVER],
      model_call: [...CHAT, ...MANIFEST],
      agent_invoke: CHAT,
      retrieval: FOUND,
    },
  ],
  [
    'strands',
    {
      agent_spawn: SPAWNED,
      tool_call: [...CALL, ...OF_SERVER],
      model_call: CHAT,
      agent_invoke: [...CHAT, ...MANIFEST],
      retrieval: FOUND,
    },
  ],
  [
    'vercel-ai-sdk',
    {
      agent_spawn: SPAWNED,
      tool_call: [...CALL, ...OF_SERVER],
      model_call: [...CHAT, ...MANIFEST],
      agent_invoke: [...CHAT, ...MANIFEST],
      retrieval: FOUND,
    },
  ],
  ['unknown-span', {}],
])
