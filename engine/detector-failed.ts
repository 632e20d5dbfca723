/** What is told when a detector throws: a bug, which must neither stop the others nor go unnoticed. */
import type { FindingDraft } from '../schema/finding.ts'

/** The id under which a detector that threw reports itself: blindness is a finding, too. */
export const DETECTOR_FAILED = 'detector-failed'

/** What its finding says of its detector. */
export const FAILED = { id: DETECTOR_FAILED, version: 1, kind: 'integrity', owasp: [] } as const

/** The opinion that an event could not be judged by a detector. */
export function failureDraft(detector: { readonly id: string }): FindingDraft {
  return {
    cause: detector.id,
    severity: 'medium',
    confidence: 1,
    title: `Detector ${detector.id} failed on an event`,
    reason: `The detector ${detector.id} threw an error, so this event was not judged by it.`,
    observed: 'an error inside the detector',
    expected: 'every detector judges every event',
    silence: 'Report the event id and the log line of the failure to the maintainers of the detector.',
    evidence: { failed_detector: detector.id },
    techniques: [],
  }
}
