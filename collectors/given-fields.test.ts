/** The table of what dialects give, held to what they say of generated records and of recorded requests. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fieldsOf } from '../schema/field-path.ts'
import type { Fragment } from '../schema/fragment.ts'
import type { Operation } from '../schema/telemetry.ts'
import { areCapturesThere, captureFolder, recordFiles, signalOf } from '../test/capture-files.ts'
import { arbitraryRecord } from '../test/otlp-records.ts'
import { dialects, speak } from './dialects/index.ts'
import { ALWAYS_GIVEN, GIVEN_FIELDS, STATED_FIELDS } from './given-fields.ts'
import { createIntake } from './intake.ts'
import { decodeOtlp } from './otlp/decode.ts'
import type { OtlpRecord } from './otlp/records.ts'

/** Beside those of events: what a fragment has for itself. */
const OF_FRAGMENTS = ['fragment_id', 'dialect', 'signal', 'role', 'join_key', 'twin', 'transport']

/** What a call that a model asked for, or whose result it was given, says of the event of the call. */
const OF_CALLS = ['content.arguments', 'content.result', 'tool.name', 'tool.server', 'destinations', 'dataset_scope']

const intake = createIntake({ speak, publish: async () => {}, count: () => {}, now: () => 0, retention: 'masked' })

/** Every `dialect operation field` that the records say, beyond what is always given or may be stated. */
function saidBy(records: readonly OtlpRecord[]): ReadonlySet<string> {
  const said = new Set<string>()
  const anyway: readonly string[] = [...ALWAYS_GIVEN, ...STATED_FIELDS, ...OF_FRAGMENTS]
  for (const fragment of intake.fragments(records, 'acme', 0)) {
    for (const { operation, fields } of eventsOf(fragment)) {
      for (const field of fields.filter((name) => !anyway.includes(name) && !/^(attributes|service)\b/.test(name))) {
        said.add(`${fragment.dialect} ${operation} ${field}`)
      }
    }
  }
  return said
}

/** The events that a fragment is or adds to, with what it says of them. */
function eventsOf({ requested_calls = [], answered_calls = [], callers: _, principal: __, ...own }: Fragment) {
  // A part without an operation adds to a call.
  const operation: Operation | undefined = own.operation ?? (own.role === 'part' ? 'tool_call' : undefined)
  const calls = [...requested_calls, ...answered_calls].map((call) => ({
    operation: 'tool_call' as const,
    fields: fieldsOf({ ...call, content: call, tool: call }).filter((field) => OF_CALLS.includes(field)),
  }))
  return [...(operation === undefined ? [] : [{ operation, fields: fieldsOf(own) }]), ...calls]
}

const given = new Set(
  [...GIVEN_FIELDS].flatMap(([dialect, operations]) =>
    Object.entries(operations).flatMap(([operation, fields]) =>
      fields.map((field) => `${dialect} ${operation} ${field}`),
    ),
  ),
)
const notGiven = (records: readonly OtlpRecord[]) => [...saidBy(records)].filter((each) => !given.has(each)).sort()

describe('what dialects can say of events', () => {
  it('is told of each of them', () => {
    expect([...GIVEN_FIELDS.keys()].sort()).toEqual(dialects.map(({ id }) => id).sort())
  })

  it('is all that they say of generated records', { timeout: 60_000 }, () => {
    expect(notGiven(fc.sample(arbitraryRecord, { numRuns: 6000, seed: 3 }))).toEqual([])
  })

  it.skipIf(!areCapturesThere)('is all that they say of recorded requests (skipped where there are none)', () => {
    const records = recordFiles.flatMap((file) => {
      const encoding = file.endsWith('.json') ? 'json' : 'protobuf'
      return decodeOtlp(readFileSync(join(captureFolder, file)), { signal: signalOf(file), encoding }).records
    })
    expect(notGiven(records)).toEqual([])
  })
})
