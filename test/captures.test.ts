/** Recorded requests of real agents, from the bytes that were sent to the events that come out. */
import { existsSync, readFileSync } from 'node:fs'
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
import { type ExpectedCall, expectedCaptures } from './captures.expected.ts'

const folder = join(process.env.TELLTALE_DATA ?? '../shared/data', 'otlp')
const observedMs = 1_795_290_000_000

function recordsOf(file: string): readonly OtlpRecord[] {
  return decodeOtlp(readFileSync(join(folder, file)), {
    signal: file.includes('logs') ? 'logs' : 'traces',
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

const isCall = ({ operation }: Telemetry) => operation === 'tool_call'
const nameOf = (event: Telemetry) => `${event.tool?.name} ${event.tool?.call_id ?? ''}`.trim()
const expectedName = ({ tool, callId }: ExpectedCall) => `${tool} ${callId ?? ''}`.trim()

/** The event in the words of the expectation, so that a difference reads as one. */
function asExpected(event: Telemetry, call: ExpectedCall): ExpectedCall {
  const holds = (text: string | undefined, snippet: string) => (text?.includes(snippet) ? snippet : (text ?? 'absent'))
  const hosts = event.destinations.map(({ host, port }) => (port === undefined ? host : `${host}:${port}`))
  return {
    agent: event.agent.id,
    session: event.session_id,
    outcome: event.outcome,
    tool: event.tool?.name ?? 'absent',
    ...(call.server === undefined ? {} : { server: event.tool?.server ?? 'absent' }),
    ...(call.callId === undefined ? {} : { callId: event.tool?.call_id ?? 'absent' }),
    ...(call.errorType === undefined ? {} : { errorType: event.error_type ?? 'absent' }),
    ...(call.arguments === undefined ? {} : { arguments: holds(event.content?.arguments, call.arguments) }),
    ...(call.result === undefined ? {} : { result: holds(event.content?.result, call.result) }),
    ...(call.destinations === undefined ? {} : { destinations: [...new Set(hosts)].sort() }),
    ...(call.datasets === undefined ? {} : { datasets: event.dataset_scope.map(({ id }) => id) }),
    ...(call.human === undefined
      ? {}
      : { human: event.subject_chain.find(({ kind }) => kind === 'human')?.id ?? 'absent' }),
  }
}

describe.skipIf(!existsSync(folder))('recorded requests (skipped where ../shared/data/otlp is absent)', () => {
  describe.each(expectedCaptures.map((capture) => [capture.id, capture] as const))('%s', (_id, capture) => {
    it('is read by its dialect', () => {
      const dialects = capture.files.flatMap(recordsOf).map((record) => speak(record)?.dialect.id)
      expect([...new Set(dialects.filter((id) => id !== undefined))].sort()).toEqual([...capture.dialects].sort())
    })

    it('gives exactly one event for every tool call', () => {
      const calls = eventsOf(fragmentsOf(capture.files)).filter(isCall)
      expect(calls.map(nameOf).sort()).toEqual(capture.calls.map(expectedName).sort())
    })

    it('knows of each call who made it, how it ended, what it was given and gave', () => {
      const calls = eventsOf(fragmentsOf(capture.files)).filter(isCall)
      const found = capture.calls.map((call) => {
        const event = calls.find((candidate) => nameOf(candidate) === expectedName(call))
        return event === undefined ? undefined : asExpected(event, call)
      })
      expect(found).toEqual(capture.calls)
    })

    it('gives the other events it holds, and no more', () => {
      const counts: Record<string, number> = {}
      for (const { operation } of eventsOf(fragmentsOf(capture.files)).filter((event) => !isCall(event))) {
        counts[operation] = (counts[operation] ?? 0) + 1
      }
      expect(counts).toEqual(capture.others)
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
      const kept = JSON.stringify(fragmentsOf(capture.files))
      expect(capture.secrets.filter((secret) => kept.includes(secret))).toEqual([])
    })
  })
})
