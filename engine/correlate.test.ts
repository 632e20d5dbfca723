import { describe, expect, it } from 'vitest'
import type { Notice } from '../schema/alert.ts'
import type { Finding } from '../schema/finding.ts'
import { idOf } from '../schema/ids.ts'
import type { StoredRecord } from './bus/bus.ts'
import { correlateStage } from './correlate.ts'
import { decode, findingRecord } from './records.ts'
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

const open = (state: Iterable<{ key: string; value: Uint8Array }> = [], maxOpenAlerts = 1000) =>
  correlateStage({
    runbooks: new Map([['tool-allowlist', ['Ask the owner.']]]),
    validate: () => undefined,
    maxOpenAlerts,
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

  it('keeps causes, sessions and tenants apart', () => {
    const different = [
      finding(),
      finding({ n: 1, cause: 'fs.write' }),
      finding({ n: 2, session_id: 'session-2' }),
      finding({ n: 3, tenant_id: 'tenant-2' }),
    ]
    const alerts = notices(open(), different)
    expect(new Set(alerts.map(({ alert }) => alert.alert_id)).size).toBe(4)
  })

  it('tells again when severity rises, under the same alert id', () => {
    const [created, updated] = notices(open(), [finding({ n: 1 }), finding({ n: 2, severity: 'critical' })])
    expect(updated).toMatchObject({ type: 'alert.updated', alert: { severity: 'critical' } })
    expect(updated?.alert.alert_id).toBe(created?.alert.alert_id)
    expect(updated?.notice_id).not.toBe(created?.notice_id)
    expect(updated?.alert.findings).toHaveLength(2)
  })

  it('opens a new alert when the cause comes back after a quiet hour', () => {
    const [first, second] = notices(open(), [finding(), finding({ n: 1, time_ms: finding().time_ms + HOUR_MS + 1 })])
    expect(second?.type).toBe('alert.created')
    expect(second?.alert.alert_id).not.toBe(first?.alert.alert_id)
  })

  it('never carries more than twenty findings', () => {
    const many = Array.from({ length: 50 }, (_, n) => finding({ n }))
    const [, updated] = notices(open(), [...many, finding({ n: 60, severity: 'critical' })])
    expect(updated?.alert.findings).toHaveLength(20)
    expect(updated?.alert.findings.at(-1)?.finding_id).toBe(finding({ n: 60 }).finding_id)
  })

  it('gives the same notices when it is restarted between any two findings', () => {
    const findings = [
      finding({ n: 1 }),
      finding({ n: 2, severity: 'high' }),
      finding({ n: 3, cause: 'x' }),
      finding({ n: 4 }),
    ]
    const whole = notices(open(), findings)
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

  it('forgets the alert that was quiet longest beyond its bound, in the state too', () => {
    const partition = open([], 2)
    notices(partition, [finding({ cause: 'a' }), finding({ n: 1, cause: 'b' }), finding({ n: 2, cause: 'c' })])
    const changes = partition.changes()
    expect(changes.filter(({ value }) => value !== undefined)).toHaveLength(2)
    expect(changes.filter(({ value }) => value === undefined)).toHaveLength(1)
  })

  it('forgets the same alert after a restart, in whatever order its state comes back', () => {
    const before = open([], 2)
    notices(before, [finding({ cause: 'a' }), finding({ n: 1, cause: 'b' }), finding({ n: 2, cause: 'a' })])
    const kept = before.changes().flatMap(({ key, value }) => (value === undefined ? [] : [{ key, value }]))
    for (const state of [kept, [...kept].reverse()]) {
      const after = open(state, 2)
      notices(after, [finding({ n: 3, cause: 'c' })])
      expect(notices(after, [finding({ n: 4, cause: 'a' })])).toEqual([])
      expect(notices(after, [finding({ n: 5, cause: 'b' })])).toHaveLength(1)
    }
  })

  it('forgets alerts that have been quiet for so long that nothing late can belong to them', () => {
    const partition = open()
    const [first] = notices(partition, [finding({ cause: 'a' })]) as [Notice]
    notices(partition, [finding({ n: 1, cause: 'b', time_ms: first.alert.time_ms + 2 * HOUR_MS })])
    expect(partition.changes().filter(({ value }) => value === undefined)).toHaveLength(0)
    notices(partition, [finding({ n: 2, cause: 'b', time_ms: first.alert.time_ms + 2 * HOUR_MS + 1 })])
    expect(partition.changes().filter(({ value }) => value === undefined)).toHaveLength(1)
  })

  it('calls bytes that are not a finding poison', () => {
    const result = open().apply([{ key: 'k', value: Buffer.from('{'), offset: 0 }])
    expect(result.poison.map(({ reason }) => reason)).toEqual(['invalid-finding'])
  })
})
