/** Marks of events, as the detect stage makes them: each kind asked, and what is known already not said again. */
import type { Marker } from '../detectors/marks/mark.ts'
import { idOf } from '../schema/ids.ts'
import type { Mark, MarkDraft } from '../schema/mark.ts'
import type { Telemetry } from '../schema/telemetry.ts'
import type { DetectorStates } from './scopes.ts'

/** What was said of one agent's part of a session, and when last. */
interface Said {
  readonly kind: string
  readonly source: string
  readonly name: string
  readonly timeMs: number
}

/** Plain JSON; what was said last stands at the end. */
interface Marked {
  said: readonly Said[]
}

/** Marks remembered for one agent in one session, and how much of a name tells them apart. */
const MOST_REMEMBERED = 32
const NAME_UNITS = 128

/** Where the memory of marks lies among the states of detectors. */
const MEMORY = { id: 'marks', scope: 'session', stateVersion: 1, initial: (): Marked => ({ said: [] }) } as const

/** What a marker notes of an event, when it is news of its session. Changes the state when it is. */
export function newsOf(event: Telemetry, marker: Marker, states: DetectorStates): Mark | undefined {
  const said = marker.mark(event)
  if (said === undefined) {
    return undefined
  }
  const draft: MarkDraft = { kind: marker.kind, ...said }
  if (!isNews(draft, marker.lastsMs, event, states.of(MEMORY, event) as Marked)) {
    return undefined
  }
  states.touched(MEMORY, event)
  return markOf(draft, event)
}

/** Remembers what is. */
function isNews({ kind, source, untrusted_name = '' }: MarkDraft, lastsMs: number, event: Telemetry, marked: Marked) {
  const name = untrusted_name.length > NAME_UNITS ? untrusted_name.slice(0, NAME_UNITS) : untrusted_name
  const at = marked.said.findLastIndex((each) => each.name === name && each.kind === kind && each.source === source)
  const known = marked.said[at]
  if (known !== undefined && Math.abs(event.time_ms - known.timeMs) < lastsMs) {
    // Data sent out after something new was read is another fact than before.
    const isBehind = kind === 'outward' && marked.said.some((each, index) => index > at && each.kind !== kind)
    if (!isBehind) {
      return false
    }
  }
  const others = marked.said.filter((each) => each !== known)
  marked.said = [...others, { kind, source, name, timeMs: event.time_ms }].slice(-MOST_REMEMBERED)
  return true
}

function markOf(draft: MarkDraft, event: Telemetry): Mark {
  return {
    schema_version: '1',
    mark_id: idOf(event.tenant_id, 'mark', event.event_id, draft.kind),
    tenant_id: event.tenant_id,
    event_id: event.event_id,
    time_ms: event.time_ms,
    agent: event.agent,
    session_id: event.session_id,
    trace_id: event.trace_id,
    ...draft,
  }
}
