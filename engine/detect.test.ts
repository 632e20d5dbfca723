import { describe, expect, it } from 'vitest'
import { defineDetector } from '../detectors/detector.ts'
import type { PolicySet } from '../rules/policy.ts'
import type { Finding } from '../schema/finding.ts'
import type { Telemetry } from '../schema/telemetry.ts'
import { exampleEvent } from '../test/example-event.ts'
import type { StoredRecord } from './bus/bus.ts'
import { detectStage } from './detect.ts'
import { decode, eventRecord } from './records.ts'
import type { StagePartition } from './stage.ts'

const noPolicies: PolicySet = { policies: [], governing: () => undefined, governingKnown: () => undefined }

/** Flags the third and later calls of an agent; learns by counting. */
const thirdCall = defineDetector<{ calls: number }>({
  id: 'third-call',
  title: 'Third call',
  catches: 'a third call',
  misses: 'the first two',
  kind: 'baseline',
  version: 1,
  techniques: ['AML.T0053'],
  owasp: ['ASI02'],
  runbook: ['Look.'],
  needs: [],
  severities: ['low'],
  on: ['tool_call'],
  scope: 'agent',
  stateVersion: 1,
  initial: () => ({ calls: 0 }),
  check: (_event, state) =>
    state.calls < 2
      ? []
      : [
          {
            cause: 'third',
            severity: 'low',
            confidence: 0.5,
            title: 'A third call',
            reason: 'It called a third time.',
            observed: 'three',
            expected: 'two',
            evidence: {},
            techniques: ['AML.T0053'],
          },
        ],
  learn: (_event, state) => {
    state.calls += 1
  },
})

const broken = defineDetector({
  ...thirdCall,
  id: 'broken',
  check: () => {
    throw new Error('bug')
  },
})

function stored(events: readonly Telemetry[]): StoredRecord[] {
  return events.map((event, offset) => ({ ...eventRecord(event), offset }))
}
function findings(partition: StagePartition, events: readonly Telemetry[]): Finding[] {
  const { outputs } = partition.apply(stored(events))
  return outputs.flatMap((output) => output.records.map((record) => decode<Finding>(record.value)))
}
const call = (n: number, changes: Partial<Telemetry> = {}) =>
  exampleEvent({ time_ms: 1_790_000_000_000 + n, ...changes })
const open = (state: Iterable<{ key: string; value: Uint8Array }> = [], detectors = [thirdCall]) =>
  detectStage({ detectors, policies: noPolicies, validate: () => undefined }).open(0, state)

describe('detectStage', () => {
  it('asks before it lets a detector absorb', () => {
    expect(findings(open(), [call(1), call(2)])).toHaveLength(0)
    expect(findings(open(), [call(1), call(2), call(3)])).toHaveLength(1)
  })

  it('completes a draft with who, when and a deterministic id', () => {
    const events = [call(1), call(2), call(3)]
    const [first] = findings(open(), events)
    const [again] = findings(open(), events)
    expect(first).toMatchObject({ detector: 'third-call', event_id: events[2]?.event_id, session_id: 'session-1' })
    expect(first?.finding_id).toMatch(/^[0-9a-f]{32}$/)
    expect(again).toEqual(first)
  })

  it('keeps the states of agents and tenants apart', () => {
    const other = { agent: { id: 'other' } }
    const tenant = { tenant_id: 'tenant-2' }
    expect(findings(open(), [call(1), call(2, other), call(3, tenant), call(4), call(5, other)])).toHaveLength(0)
  })

  it('keeps what agents do in one session apart: others of the session may be in another partition', () => {
    const ofSession = defineDetector({ ...thirdCall, scope: 'session' })
    const other = { agent: { id: 'other' } }
    const events = [call(1), call(2), call(3, other), call(4, { session_id: 'session-2' })]
    expect(findings(open([], [ofSession]), events)).toHaveLength(0)
    expect(findings(open([], [ofSession]), [...events, call(5)])).toHaveLength(1)
  })

  it('writes no state that was left as it was', () => {
    const idle = defineDetector({ ...thirdCall, learn: () => false })
    const partition = open([], [idle])
    findings(partition, [call(1)])
    expect(partition.changes().filter(({ key }) => key.startsWith('agent/'))).toEqual([])
    const learning = open()
    findings(learning, [call(1)])
    expect(learning.changes().filter(({ key }) => key.startsWith('agent/'))).toHaveLength(1)
  })

  it('judges a repeated event again without learning from it twice', () => {
    const partition = open()
    const event = call(1)
    const result = partition.apply(stored([event, event, event, event]))
    expect(result.outputs).toHaveLength(0)
    expect(result.outcomes).toEqual(
      new Map([
        ['judged', 1],
        ['repeated', 3],
      ]),
    )
  })

  it('tells a detector when it was asked about the event before, and calls neither learn nor spoke again', () => {
    const seen: unknown[] = []
    const asked = defineDetector({
      ...thirdCall,
      initial: () => ({ calls: 9 }),
      check: (event, state, context) => {
        seen.push(context.repeated)
        return thirdCall.check(event, state, context)
      },
      spoke: () => {
        seen.push('spoke')
        return true
      },
    })
    const amended = { outcome: 'error' } as const
    findings(open([], [asked]), [call(1), { ...call(1), ...amended }, call(2)])
    expect(seen).toEqual([false, 'spoke', true, false, 'spoke'])
  })

  it('does not learn from what it flagged', () => {
    const partition = open()
    partition.apply(stored([call(1), call(2), call(3)]))
    const state = partition.changes().find(({ key }) => key.startsWith('agent/'))
    expect(Buffer.from(state?.value ?? []).toString()).toContain('"calls":2')
  })

  it('gives the same findings when it is restarted between any two batches', () => {
    const events = [call(1), call(2), call(3), call(4), call(5)]
    const whole = findings(open(), events)
    const store = new Map<string, Uint8Array>()
    const pieces: Finding[] = []
    for (const event of events) {
      const partition = open([...store].map(([key, value]) => ({ key, value })))
      pieces.push(...findings(partition, [event]))
      for (const { key, value } of partition.changes()) {
        if (value !== undefined) {
          store.set(key, Uint8Array.from(value))
        }
      }
    }
    expect(pieces).toEqual(whole)
  })

  it('reports a detector that throws as a finding and lets the others go on', () => {
    const failures: string[] = []
    const partition = detectStage({
      detectors: [broken, thirdCall],
      policies: noPolicies,
      validate: () => undefined,
      onDetectorFailure: (id) => failures.push(id),
    }).open(0, [])
    const result = findings(partition, [call(1), call(2), call(3)])
    expect(result.filter(({ detector }) => detector === 'detector-failed')).toHaveLength(3)
    expect(result.filter(({ detector }) => detector === 'third-call')).toHaveLength(1)
    expect(failures).toEqual(['broken', 'broken', 'broken'])
  })

  it('tells what a detector found though it throws when it absorbs that', () => {
    const spoilt = defineDetector<{ calls: number }>({
      ...thirdCall,
      spoke: () => {
        throw new Error('bug')
      },
    })
    const partition = detectStage({ detectors: [spoilt], policies: noPolicies, validate: () => undefined }).open(0, [])
    const result = findings(partition, [call(1), call(2), call(3)])
    expect(result.map(({ detector }) => detector)).toEqual(['third-call', 'detector-failed'])
  })

  it('goes on after a restart with the state that a detector left when it threw', () => {
    const halfway = defineDetector<{ calls: number }>({
      ...thirdCall,
      learn: (_event, state) => {
        state.calls += 1
        throw new Error('bug')
      },
    })
    const stage = detectStage({ detectors: [halfway], policies: noPolicies, validate: () => undefined })
    const partition = stage.open(0, [])
    findings(partition, [call(1), call(2)])
    const state = partition.changes().flatMap(({ key, value }) => (value === undefined ? [] : [{ key, value }]))
    const result = findings(stage.open(0, state), [call(3)])
    expect(result.map(({ detector }) => detector)).toContain('third-call')
  })

  it('asks the policy that governed when the event happened', () => {
    const times: number[] = []
    const policies: PolicySet = {
      policies: [],
      governing: (_agent, atMs) => {
        times.push(atMs)
        return undefined
      },
      governingKnown: () => undefined,
    }
    findings(detectStage({ detectors: [], policies, validate: () => undefined }).open(0, []), [call(7)])
    expect(times).toEqual([1_790_000_000_007])
  })

  it('calls bytes that are not an event poison', () => {
    const partition = detectStage({
      detectors: [thirdCall],
      policies: noPolicies,
      validate: (value) => (typeof value === 'object' ? undefined : 'not an object'),
    }).open(0, [])
    const bad = [Buffer.from('{'), Buffer.from('17')].map((value, offset) => ({ key: 'k', value, offset }))
    expect(partition.apply(bad).poison.map(({ reason }) => reason)).toEqual(['invalid-event', 'invalid-event'])
  })
})
