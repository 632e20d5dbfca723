/** An intake for tests: with the real dialects, or with one that says what the test says. */

import type { FragmentDraft } from '../collectors/dialects/dialect.ts'
import { speak } from '../collectors/dialects/index.ts'
import { createIntake, type IntakeOptions, type Spoken } from '../collectors/intake.ts'
import type { OtlpRecord } from '../collectors/otlp/records.ts'
import type { Fragment } from '../schema/fragment.ts'
import { spanRecord } from './otlp-records.ts'

/** When the intake of a test sees its records, in milliseconds since the epoch. */
export const OBSERVED_MS = 1_795_287_600_000

/** An intake, and what it published and counted. The real dialects speak unless `options` say otherwise. */
export function setUp(options: Partial<IntakeOptions> = {}) {
  const published: Fragment[] = []
  const counted = new Map<string, number>()
  const intake = createIntake({
    speak,
    publish: async (fragments) => {
      published.push(...fragments)
    },
    count: (outcome, records) => counted.set(outcome, (counted.get(outcome) ?? 0) + records),
    now: () => OBSERVED_MS,
    retention: 'masked',
    ...options,
  })
  return { intake, published, counted }
}

/** A dialect that says `draft` of every record. */
export const saying =
  (draft: FragmentDraft, joins: 'trace' | 'session' = 'trace') =>
  (): Spoken => ({ dialect: { id: 'test', title: 'Says what the test says', joins }, draft })

/** The fragment of a record of which a dialect says `draft`. */
export const one = (
  draft: FragmentDraft,
  record: OtlpRecord = spanRecord(),
  options: Partial<IntakeOptions> = {},
): Fragment =>
  setUp({ speak: saying(draft), ...options }).intake.fragments([record], 'acme', OBSERVED_MS)[0] as Fragment
