import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { idOf } from '../schema/ids.ts'
import { exampleNotice } from '../test/example-alert.ts'
import { hasChdb } from './chdb/installed.contract.ts'
import { openStore } from './clickhouse.ts'
import type { Page, Store } from './store.ts'

const bytes = (value: unknown) => Buffer.from(JSON.stringify(value))
const START_MS = 1_790_000_000_000

let batches = 0
const batchId = () => `00000000-0000-7000-8000-${String(++batches).padStart(12, '0')}`

/** Every item of a listing, page by page. */
async function all<Item>(page: (cursor?: string) => Promise<Page<Item>>): Promise<Item[]> {
  const items: Item[] = []
  let cursor: string | undefined
  do {
    const { items: more, next } = await page(cursor)
    items.push(...more)
    cursor = next
  } while (cursor !== undefined)
  return items
}

describe.skipIf(!hasChdb)(
  'alerts and findings in the store (needs the optional package chdb)',
  { timeout: 60_000 },
  () => {
    const directory = mkdtempSync(join(tmpdir(), 'telltale-alerts-'))
    let store: Store
    beforeAll(async () => {
      store = await openStore({ embedded: { directory } })
    })
    afterAll(async () => {
      await store.close()
      rmSync(directory, { recursive: true, force: true })
    })

    const tenant = 'alerting'
    const alerts = Array.from({ length: 12 }, (_, index) => {
      const { alert } = exampleNotice(index)
      return {
        ...alert,
        tenant_id: tenant,
        alert_id: idOf('alerting', index),
        time_ms: START_MS + index * 1000,
        agent: { id: `agent-${index % 2}` },
        severity: index % 3 === 0 ? ('high' as const) : ('low' as const),
        findings: alert.findings.map((finding) => ({ ...finding, detector: `detector-${index % 2}` })),
      }
    })
    const notice = (alert: unknown) => bytes({ type: 'alert.created', alert, notice_id: idOf('notice') })
    const ids = (page: Page<{ alert_id: string }>) => page.items.map(({ alert_id }) => alert_id)
    const expected = (matches: (alert: (typeof alerts)[number]) => boolean) =>
      alerts
        .filter(matches)
        .reverse()
        .map(({ alert_id }) => alert_id)

    beforeAll(async () => {
      expect(await store.insert({ batchId: batchId(), table: 'alerts', rows: alerts.map(notice) })).toEqual([])
    })

    it('gives alerts back as they were, newest first', async () => {
      const page = await store.alerts({ tenant, limit: 5 })
      expect(page.items).toEqual(alerts.slice(-5).reverse())
      const found = await all((cursor) =>
        store.alerts({ tenant, limit: 5, ...(cursor === undefined ? {} : { cursor }) }),
      )
      expect(found).toEqual([...alerts].reverse())
    })

    it('filters by severity, agent and detector', async () => {
      expect(ids(await store.alerts({ tenant, severity: ['high'] }))).toEqual(
        expected(({ severity }) => severity === 'high'),
      )
      expect(ids(await store.alerts({ tenant, agent: 'agent-1' }))).toEqual(
        expected(({ agent }) => agent.id === 'agent-1'),
      )
      expect(ids(await store.alerts({ tenant, detector: 'detector-0' }))).toEqual(
        expected(({ findings }) => findings[0]?.detector === 'detector-0'),
      )
    })

    it('shows an alert as its last notice has it', async () => {
      const grown = {
        ...(alerts[3] as (typeof alerts)[number]),
        severity: 'critical' as const,
        time_ms: START_MS + 3500,
      }
      await store.insert({ batchId: batchId(), table: 'alerts', rows: [notice(grown)] })
      expect((await store.alerts({ tenant, severity: ['critical'] })).items).toEqual([grown])
      expect((await store.alerts({ tenant, limit: 1000 })).items.length).toBe(alerts.length)
      await store.insert({ batchId: batchId(), table: 'alerts', rows: [notice(alerts[3])] })
    })

    it('keeps what was decided beside the alert', async () => {
      const [alert] = alerts as [(typeof alerts)[number]]
      const decision = { tenant, alertId: alert.alert_id, actor: "ann o'neil" }
      await store.decide({ ...decision, timeMs: START_MS, status: 'acknowledged' })
      await store.decide({
        ...decision,
        timeMs: START_MS + 1,
        status: 'closed',
        disposition: 'benign',
        note: 'a \ud800 test',
      })
      expect(ids(await store.alerts({ tenant, status: ['closed'] }))).toEqual([alert.alert_id])
      expect(ids(await store.alerts({ tenant, status: ['new'] })).length).toBe(alerts.length - 1)
      const detail = await store.alert(tenant, alert.alert_id)
      expect(detail?.alert).toEqual({ ...alert, status: 'closed', disposition: 'benign' })
      expect(detail?.decisions).toEqual([
        { timeMs: START_MS, status: 'acknowledged', actor: "ann o'neil" },
        { timeMs: START_MS + 1, status: 'closed', disposition: 'benign', actor: "ann o'neil", note: 'a \ufffd test' },
      ])
      // A notice that comes later does not undo it.
      await store.insert({ batchId: batchId(), table: 'alerts', rows: [notice(alert)] })
      expect((await store.alert(tenant, alert.alert_id))?.alert.status).toBe('closed')
      expect(await store.alert('stranger', alert.alert_id)).toBeUndefined()
    })

    it('counts the findings of the same session and detectors', async () => {
      const [alert] = alerts as [(typeof alerts)[number]]
      const finding = (index: number, changes: object = {}) => ({
        schema_version: '1',
        finding_id: idOf('finding', index),
        tenant_id: tenant,
        detector: 'detector-0',
        detector_version: 1,
        kind: 'policy',
        event_id: idOf('event', index),
        time_ms: START_MS + index,
        agent: { id: 'agent-0' },
        session_id: alert.session_id,
        trace_id: null,
        owasp: [],
        cause: 'x',
        severity: 'low',
        confidence: 1,
        title: 't',
        reason: 'r',
        observed: 'o',
        expected: 'e',
        evidence: {},
        techniques: ['AML.T0053'],
        ...changes,
      })
      const findings = [
        finding(0),
        finding(1),
        finding(1),
        finding(2, { session_id: 'another' }),
        finding(3, { detector: 'other' }),
      ]
      // A mark travels with the findings and is none.
      const rows = [...findings.map(bytes), bytes({ mark: 'read-private-data', tenant_id: tenant })]
      expect(await store.insert({ batchId: batchId(), table: 'findings', rows })).toEqual([])
      expect((await store.alert(tenant, alert.alert_id))?.findingCount).toBe(2)
      const found = await store.findings({ tenant, session: alert.session_id })
      expect(found.items).toEqual([finding(3, { detector: 'other' }), finding(1), finding(0)])
      expect((await store.findings({ tenant, detector: 'other', severity: ['low'] })).items.length).toBe(1)
      expect((await store.findings({ tenant, event: idOf('event', 2) })).items.length).toBe(1)
    })
  },
)
