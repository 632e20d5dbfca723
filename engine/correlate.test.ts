import { describe, expect, it } from 'vitest'
import { lethalTrifecta } from '../detectors/lethal-trifecta.ts'
import type { AnySessionDetector } from '../detectors/session-detector.ts'
import type { Notice } from '../schema/alert.ts'
import type { Finding } from '../schema/finding.ts'
import { idOf } from '../schema/ids.ts'
import type { Mark } from '../schema/mark.ts'
import { validateFinding, validateSeen } from '../schema/validate.ts'
import type { StoredRecord } from './bus/bus.ts'
import { correlateStage } from './correlate.ts'
import { decode, findingRecord, markRecord } from './records.ts'
import type { StagePartition } from './stage.ts'

const HOUR_MS = 3_600_000

function finding(changes: Partial<Finding> & { readonly n?: number } = {}): Finding {
  const { n = 0, ...rest } = changes
  return {
    schema_version: '1',
    finding_id: idOf('finding', n),
    tenant_id: 'default',
    detector: 'tool-allowlist',
    detector_version: 1,
    kind: 'policy',
    event_id: idOf('event', n),
    time_ms: 1_790_000_000_000 + n * 1000,
    agent: { id: 'support-assistant' },
    session_id: 'session-1',
    trace_id: null,
    owasp: ['LLM06:2025'],
    cause: 'shell.exec',
    severity: 'medium',
    confidence: 0.9,
    title: 'Tool outside the allow-list',
    reason: 'It called a tool that its policy does not allow.',
    observed: 'shell.exec',
    expected: 'kb.search',
    evidence: { untrusted_tool: 'shell.exec' },
    techniques: ['AML.T0053'],
    ...rest,
  }
}

const open = (state: Iterable<{ key: string; value: Uint8Array }> = [], maxStories = 1000) =>
  correlateStage({
    runbooks: new Map([['tool-allowlist', ['Ask the owner.']]]),
    validate: () => undefined,
    limits: { maxStories },
  }).open(0, state)

function notices(partition: StagePartition, findings: readonly Finding[]): Notice[] {
  const records: StoredRecord[] = findings.map((each, offset) => ({ ...findingRecord(each), offset }))
  return partition
    .apply(records)
    .outputs.flatMap((output) => output.records.map((record) => decode<Notice>(record.value)))
}

describe('correlateStage', () => {
  it('opens an alert that carries the finding, the technique in words and the runbook', () => {
    const [notice] = notices(open(), [finding()])
    expect(notice?.type).toBe('alert.created')
    expect(notice?.alert).toMatchObject({
      status: 'new',
      severity: 'medium',
      runbook: ['Ask the owner.'],
      techniques: [{ id: 'AML.T0053', name: 'AI Agent Tool Invocation' }],
      findings: [{ finding_id: finding().finding_id }],
    })
  })

  it('absorbs the same cause in the same session', () => {
    expect(notices(open(), [finding({ n: 1 }), finding({ n: 2 }), finding({ n: 2 }), finding({ n: 3 })])).toHaveLength(
      1,
    )
  })

  it('makes one alert of a session, whatever agents, detectors and causes its findings are of', () => {
    const told = notices(open(), [
      finding(),
      finding({ n: 1, cause: 'fs.write' }),
      finding({ n: 2, detector: 'egress', agent: { id: 'writer' } }),
    ])
    expect(told.map(({ type }) => type)).toEqual(['alert.created', 'alert.updated'])
    expect(told[1]?.alert.alert_id).toBe(told[0]?.alert.alert_id)
    expect(told[1]?.alert.findings.map(({ agent_id }) => agent_id)).toEqual([
      'support-assistant',
      'support-assistant',
      'writer',
    ])
  })

  it('keeps sessions and tenants apart', () => {
    const different = [finding(), finding({ n: 2, session_id: 'session-2' }), finding({ n: 3, tenant_id: 'tenant-2' })]
    const alerts = notices(open(), different)
    expect(new Set(alerts.map(({ alert }) => alert.alert_id)).size).toBe(3)
  })

  it('gives the same alert id whichever of the findings of several agents comes first', () => {
    const both = [finding(), finding({ n: 1, detector: 'egress', agent: { id: 'writer' } })]
    const [one, other] = [notices(open(), both), notices(open(), [...both].reverse())]
    expect(other[0]?.alert.alert_id).toBe(one[0]?.alert.alert_id)
    expect(other[1]?.alert).toEqual(one[1]?.alert)
  })

  it('opens a new alert when a session speaks again after a quiet hour', () => {
    const [first, second] = notices(open(), [finding(), finding({ n: 1, time_ms: finding().time_ms + HOUR_MS + 1 })])
    expect(second?.type).toBe('alert.created')
    expect(second?.alert.alert_id).not.toBe(first?.alert.alert_id)
  })

  it('opens a new alert after a day, for sessions that never end', () => {
    const everyHalfHour = Array.from({ length: 50 }, (_, n) =>
      finding({ n, time_ms: finding().time_ms + (n * HOUR_MS) / 2 }),
    )
    const created = notices(open(), everyHalfHour)
    expect(created.map(({ type }) => type)).toEqual(['alert.created', 'alert.created'])
    expect((created[1]?.alert.time_ms ?? 0) - (created[0]?.alert.time_ms ?? 0)).toBe(24.5 * HOUR_MS)
  })

  it('gives the same notices when it is restarted between any two findings', () => {
    const findings = [
      finding({ n: 1 }),
      finding({ n: 2, severity: 'high' }),
      finding({ n: 3, detector: 'egress' }),
      finding({ n: 4 }),
    ]
    const whole = notices(open(), findings)
    expect(whole).toHaveLength(3)
    const store = new Map<string, Uint8Array>()
    const pieces: Notice[] = []
    for (const each of findings) {
      const partition = open([...store].map(([key, value]) => ({ key, value })))
      pieces.push(...notices(partition, [each]))
      for (const { key, value } of partition.changes()) {
        if (value !== undefined) {
          store.set(key, Uint8Array.from(value))
        }
      }
    }
    expect(pieces).toEqual(whole)
  })

  const inSession = (session_id: string, changes: Parameters<typeof finding>[0] = {}) =>
    finding({ session_id, ...changes })

  it('forgets the story that was quiet longest beyond its bound, in the state too', () => {
    const partition = open([], 2)
    notices(partition, [inSession('a'), inSession('b', { n: 1 }), inSession('c', { n: 2 })])
    const changes = partition.changes()
    expect(changes.filter(({ value }) => value !== undefined)).toHaveLength(2)
    expect(changes.filter(({ value }) => value === undefined)).toHaveLength(1)
  })

  it('forgets the same story after a restart, in whatever order its state comes back', () => {
    const before = open([], 2)
    notices(before, [inSession('a'), inSession('b', { n: 1 }), inSession('a', { n: 2 })])
    const kept = before.changes().flatMap(({ key, value }) => (value === undefined ? [] : [{ key, value }]))
    for (const state of [kept, [...kept].reverse()]) {
      const after = open(state, 2)
      notices(after, [inSession('c', { n: 3 })])
      expect(notices(after, [inSession('a', { n: 4 })])).toEqual([])
      expect(notices(after, [inSession('b', { n: 5 })])).toHaveLength(1)
    }
  })

  it('drops and deletes a story that another version kept in another shape', () => {
    const before = open()
    notices(before, [inSession('a')])
    const [entry] = before.changes() as [{ key: string; value: Uint8Array }]
    const { version, ...of } = decode<{ version: number }>(entry.value)
    const after = open([{ key: entry.key, value: Buffer.from(JSON.stringify({ version: version - 1, ...of })) }])
    expect(after.changes()).toEqual([{ key: entry.key, value: undefined }])
    expect(notices(after, [inSession('a', { n: 1 })])).toHaveLength(1)
  })

  it('forgets stories that have been quiet for so long that nothing late can belong to them', () => {
    const partition = open()
    const [first] = notices(partition, [inSession('a')]) as [Notice]
    notices(partition, [inSession('b', { n: 1, time_ms: first.alert.time_ms + 25 * HOUR_MS })])
    expect(partition.changes().filter(({ value }) => value === undefined)).toHaveLength(0)
    notices(partition, [inSession('b', { n: 2, time_ms: first.alert.time_ms + 25 * HOUR_MS + 1 })])
    expect(partition.changes().filter(({ value }) => value === undefined)).toHaveLength(1)
  })

  it('goes on with the story of a session that comes hours late beside one that is up to date', () => {
    const partition = open()
    const lateMs = finding().time_ms
    const late = (n: number) => inSession('late', { n, time_ms: lateMs + n })
    const upToDate = (n: number) => inSession('up to date', { n, time_ms: lateMs + 20 * HOUR_MS + n })
    const told = [late(1), upToDate(2), late(3), upToDate(4), late(5)].flatMap((each) => notices(partition, [each]))
    expect(told.map(({ type, alert }) => [type, alert.session_id])).toEqual([
      ['alert.created', 'late'],
      ['alert.created', 'up to date'],
    ])
  })

  it('asks session detectors about marks and findings, and lets what they find come back as a finding', () => {
    const everything: AnySessionDetector = {
      ...lethalTrifecta,
      id: 'everything',
      initial: () => ({ seen: 0 }),
      observe: (seen, state) => {
        state.seen += 1
        const about = { event_id: seen.event_id, time_ms: seen.time_ms, agent: seen.agent, trace_id: null }
        const { cause, severity, confidence, title, reason, observed, expected, evidence, techniques } = finding()
        const draft = { cause, severity, confidence, title, reason, observed, expected, evidence, techniques }
        return state.seen === 2 ? [{ about, draft }] : []
      },
    }
    const options = { sessionDetectors: [everything], runbooks: new Map(), validate: () => undefined }
    const { finding_id, event_id, time_ms, agent, tenant_id, session_id } = finding()
    const mark: Mark = {
      ...{ schema_version: '1', mark_id: finding_id, tenant_id, event_id, time_ms, agent, session_id, trace_id: null },
      ...{ kind: 'outward', source: 'sending-tool' },
    }
    let partition = correlateStage(options).open(0, [])
    const [first, second] = [markRecord(mark), findingRecord(finding({ n: 1 }))]
    expect(partition.apply([{ ...first, offset: 0 }]).outcomes).toEqual(new Map([['noted', 1]]))
    const state = partition.changes().flatMap(({ key, value }) => (value === undefined ? [] : [{ key, value }]))
    partition = correlateStage(options).open(0, state)
    const outputs = partition.apply([{ ...second, offset: 1 }]).outputs
    expect(outputs.map(({ topic, records }) => [topic, records.length])).toEqual([
      ['alerts', 1],
      ['findings', 1],
    ])
    const made = decode<Finding>(outputs[1]?.records[0]?.value as Uint8Array)
    expect(validateFinding(made)).toBeUndefined()
    expect(made.detector).toBe('everything')
    // It joins the alert like any other, and is not judged again.
    const joined = partition.apply([{ ...findingRecord(made), offset: 2 }])
    expect(joined.outputs.map(({ topic }) => topic)).toEqual(['alerts'])
  })

  it('tells that a session detector threw, asks the others, and asks none about that', () => {
    const failing = (id: string): AnySessionDetector => ({
      ...lethalTrifecta,
      id,
      initial: () => ({ seen: 0 }),
      observe: (_seen, state) => {
        state.seen += 1
        throw new Error('bug')
      },
    })
    const failures: string[] = []
    const partition = correlateStage({
      sessionDetectors: [failing('one'), failing('two')],
      runbooks: new Map(),
      validate: validateSeen,
      onDetectorFailure: (id) => failures.push(id),
    }).open(0, [])
    const { outputs } = partition.apply([{ ...findingRecord(finding()), offset: 0 }])
    const made = outputs.filter(({ topic }) => topic === 'findings').flatMap(({ records }) => records)
    const told = made.map(({ value }) => decode<Finding>(value))
    expect(told.map(validateFinding)).toEqual([undefined, undefined])
    expect(told.map(({ detector, event_id, evidence }) => [detector, event_id, evidence.failed_detector])).toEqual([
      ['detector-failed', finding().event_id, 'one'],
      ['detector-failed', finding().event_id, 'two'],
    ])
    const again = partition.apply(made.map((record, offset) => ({ ...record, offset })))
    expect(again.outputs.filter(({ topic }) => topic === 'findings')).toEqual([])
    expect(failures).toEqual(['one', 'two'])
    const [known] = partition.changes().filter(({ key }) => key.startsWith('session/'))
    expect(Buffer.from(known?.value ?? []).toString()).toContain('"seen":1')
  })

  it('calls bytes that are not a finding poison', () => {
    const result = open().apply([{ key: 'k', value: Buffer.from('{'), offset: 0 }])
    expect(result.poison.map(({ reason }) => reason)).toEqual(['invalid-finding'])
  })
})
