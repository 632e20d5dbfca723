/**
 * The composition root of what comes before the bus: intake and dialects. Beside `wire.ts`, so that the thread of the doors
 * loads no detectors.
 */
import type { CountOutcome, Intake, Publish } from './collectors/collector.ts'
import { speak } from './collectors/dialects/index.ts'
import { createIntake } from './collectors/intake.ts'

/** The intake that doors and replay hand decoded records to. `count` is told of records that end there. */
export function openIntake(options: {
  readonly publish: Publish
  readonly count: CountOutcome
  readonly retention: 'masked' | 'none'
  readonly now?: () => number
  /** SHA-256 of the decoy credentials of every policy (`decoyTokens` of `rules/canaries.ts`): their masks name them. */
  readonly decoys?: () => ReadonlySet<string>
}): Intake {
  return createIntake({ speak, now: Date.now, ...options })
}
