/** Drafts become findings: who, when, and the id that is a hash of what caused them. */
import type { AnyDetector } from '../detectors/detector.ts'
import type { Finding, FindingDraft } from '../schema/finding.ts'
import { idOf } from '../schema/ids.ts'

/** Where an opinion comes from. */
type Judge = Pick<Finding, 'kind'> & Pick<AnyDetector, 'id' | 'version' | 'owasp'>

/** What an opinion is about: an event, or what was noted of one. */
export type Subject = Pick<Finding, 'tenant_id' | 'event_id' | 'time_ms' | 'agent' | 'session_id' | 'trace_id'>

/** Completes a draft. The same opinion about the same event is the same finding, however often it is said. */
export function findingOf(draft: FindingDraft, judge: Judge, about: Subject): Finding {
  return {
    schema_version: '1',
    finding_id: idOf(about.tenant_id, judge.id, judge.version, about.event_id, draft.cause),
    tenant_id: about.tenant_id,
    detector: judge.id,
    detector_version: judge.version,
    kind: judge.kind,
    event_id: about.event_id,
    time_ms: about.time_ms,
    agent: about.agent,
    session_id: about.session_id,
    trace_id: about.trace_id,
    owasp: [...judge.owasp],
    ...draft,
  }
}
