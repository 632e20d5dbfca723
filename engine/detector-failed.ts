/** What is told when a detector throws: a bug, which must neither stop the others nor go unnoticed. */
import type { Finding, FindingDraft } from '../schema/finding.ts'
import { findingOf, type Subject } from './finding-of.ts'

/** The id under which a detector that threw reports itself: blindness is a finding, too. */
export const DETECTOR_FAILED = 'detector-failed'

/** What its finding says of its detector. */
const FAILED = { id: DETECTOR_FAILED, version: 1, kind: 'integrity', owasp: [] } as const

/** Told of what threw, by its id, and of what it threw. */
export type OnFailure = (detector: string, error: unknown) => void

/** The finding that stands for what a detector might have said: it threw, which is told. For the `catch` around each. */
export function failureOf(detector: string, about: Subject, error: unknown, onFailure: OnFailure | undefined): Finding {
  onFailure?.(detector, error)
  return findingOf(draftOf(detector), FAILED, about)
}

/** The opinion that an event could not be judged by a detector. */
function draftOf(detector: string): FindingDraft {
  return {
    cause: detector,
    severity: 'medium',
    confidence: 1,
    title: `Detector ${detector} failed on an event`,
    reason: `The detector ${detector} threw an error, so this event was not judged by it.`,
    observed: 'an error inside the detector',
    expected: 'every detector judges every event',
    silence: 'Report the event id and the log line of the failure to the maintainers of the detector.',
    evidence: { failed_detector: detector },
    techniques: [],
  }
}
