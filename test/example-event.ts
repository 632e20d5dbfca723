/** A complete, valid event for tests; what a test is about goes in `changes`. */
import { idOf } from '../schema/ids.ts'
import type { Telemetry } from '../schema/telemetry.ts'

export function exampleEvent(changes: Partial<Telemetry> = {}): Telemetry {
  const timeMs = changes.time_ms ?? 1_790_000_000_000
  return {
    schema_version: '1',
    event_id: idOf('example', changes.session_id, timeMs, changes.tool?.name),
    time_ms: timeMs,
    observed_ms: timeMs,
    tenant_id: 'default',
    agent: { id: 'support-assistant' },
    session_id: 'session-1',
    trace_id: '0af7651916cd43dd8448eb211c80319c',
    span_id: 'b7ad6b7169203331',
    parent_span_id: null,
    operation: 'tool_call',
    prompt_id: null,
    subject_chain: [{ kind: 'agent', id: 'support-assistant' }],
    dataset_scope: [],
    policy_snapshot: null,
    policy_decision: null,
    atlas_mapping: [],
    tool: { name: 'kb.search' },
    outcome: 'ok',
    duration_ms: 12,
    volume: {},
    destinations: [],
    integrity: {},
    token: null,
    approval: null,
    attributes: {},
    ...changes,
  }
}
