/** Recorded requests of real agents, from the bytes that were sent to the events that come out. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openAssembler } from '../collectors/assemble/index.ts'
import { speak } from '../collectors/dialects/index.ts'
import { createIntake } from '../collectors/intake.ts'
import { decodeOtlp } from '../collectors/otlp/decode.ts'
import type { OtlpRecord } from '../collectors/otlp/records.ts'
import type { Fragment } from '../schema/fragment.ts'
import type { Telemetry } from '../schema/telemetry.ts'
import { validateTelemetry } from '../schema/validate.ts'
import { areCapturesThere, captureFolder, signalOf } from './capture-files.ts'
import { expectedCaptures } from './captures.expected.ts'
import { asExpected, expectedNames, isCall, namesOfCalls, othersOf } from './compare-calls.ts'
import { findSecrets } from './secret-search.ts'

const observedMs = 1_795_290_000_000

function recordsOf(file: string): readonly OtlpRecord[] {
  return decodeOtlp(readFileSync(join(captureFolder, file)), {
    signal: signalOf(file),
    encoding: file.endsWith('.json') ? 'json' : 'protobuf',
  }).records
}

function fragmentsOf(files: readonly string[]): readonly Fragment[] {
  const intake = createIntake({
    speak,
    publish: async () => {},
    count: () => {},
    now: () => observedMs,
    retention: 'masked',
  })
  return files.flatMap((file, index) => intake.fragments(recordsOf(file), 'acme', observedMs + index * 100))
}

/** Events by id, the last amendment of each. */
function eventsOf(fragments: readonly Fragment[]): readonly Telemetry[] {
  const assembler = openAssembler({ clamp: false }, [])
  const events = new Map<string, Telemetry>()
  for (const absorbed of [...fragments.map((fragment) => assembler.absorb(fragment)), assembler.flush()]) {
    for (const event of absorbed.events) {
      events.set(event.event_id, event)
    }
  }
  return [...events.values()]
}

describe.skipIf(!areCapturesThere)('recorded requests (skipped where ../shared/data/otlp is absent)', () => {
  describe.each(expectedCaptures.map((capture) => [capture.id, capture] as const))('%s', (_id, capture) => {
    it('is read by its dialect', () => {
      const dialects = capture.files.flatMap(recordsOf).map((record) => speak(record)?.dialect.id)
      expect([...new Set(dialects.filter((id) => id !== undefined))].sort()).toEqual([...capture.dialects].sort())
    })

    it('gives exactly one event for every tool call', () => {
      expect(namesOfCalls(eventsOf(fragmentsOf(capture.files)))).toEqual(expectedNames(capture.calls))
    })

    it('knows of each call who made it, how it ended, what it was given and gave', () => {
      expect(asExpected(capture.calls, eventsOf(fragmentsOf(capture.files)))).toEqual(capture.calls)
    })

    it('gives the other events it holds, and no more', () => {
      expect(othersOf(eventsOf(fragmentsOf(capture.files)))).toEqual(capture.others)
    })

    it('gives events of the published schema', () => {
      expect(eventsOf(fragmentsOf(capture.files)).map(validateTelemetry).filter(Boolean)).toEqual([])
    })

    it('gives the same calls when everything arrives in reverse order', () => {
      const names = (fragments: readonly Fragment[]) =>
        eventsOf(fragments)
          .filter(isCall)
          .map(({ tool }) => tool?.name)
          .sort()
      expect(names([...fragmentsOf(capture.files)].reverse())).toEqual(names(fragmentsOf(capture.files)))
    })

    it('lets no secret through', () => {
      const bytes = Buffer.from(JSON.stringify(fragmentsOf(capture.files)))
      expect(findSecrets(capture.secrets, [{ name: 'fragments', bytes }])).toEqual([])
    })
  })
})
