/** Everything in one process, on real doors, bus and store; and the same files replayed. */
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runReplay } from '../commands/replay.ts'
import type { Config } from '../config.ts'
import type { Telltale } from '../run.ts'
import type { Alert, Notice } from '../schema/alert.ts'
import type { Finding } from '../schema/finding.ts'
import type { Telemetry } from '../schema/telemetry.ts'
import { areCapturesThere, captureFiles, captureFolder, recordFiles } from './capture-files.ts'
import { wholeRecordings } from './captures.expected.ts'
import { asExpected, expectedNames, expectedOthers, namesOfCalls, othersOf } from './compare-calls.ts'
import { ALERTS_FILE, everything, startWithCaptures } from './live-captures.ts'
import type { Way } from './send-capture.ts'

/** The only field that may differ between live and replay. */
const timeless = ({ observed_ms: _, ...event }: Telemetry) => event
const byId = (a: { event_id: string }, b: { event_id: string }) => (a.event_id < b.event_id ? -1 : 1)
const linesOf = (file: string) =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')

/** What must be the same however the requests came: everything of an event but when it reached us. */
const textOf = (each: readonly Telemetry[]) => [...each].sort(byId).map((event) => JSON.stringify(timeless(event)))

describe.skipIf(!areCapturesThere)('recorded requests, live (skipped where ../shared/data/otlp is absent)', () => {
  const calls = wholeRecordings.flatMap((recording) => recording.calls)
  let directory: string
  let config: Config
  let telltale: Telltale
  let events: Telemetry[]
  let alerts: Alert[]

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'telltale-live-'))
    const live = await startWithCaptures(join(directory, 'data'))
    config = live.config
    telltale = live.telltale
    events = await everything<Telemetry>(`${telltale.api}/api/v1/events`)
    alerts = [
      ...new Map(
        linesOf(join(config.data, ALERTS_FILE)).map((line) => {
          const { alert } = JSON.parse(line) as Notice
          return [alert.alert_id, alert]
        }),
      ).values(),
    ]
  }, 120_000)

  afterAll(async () => {
    await telltale?.close()
    await rm(directory, { recursive: true, force: true })
  })

  it('are all expected to come out as something', () => {
    expect(wholeRecordings.flatMap(({ files }) => files).sort()).toEqual(recordFiles)
  })

  it('give exactly one event for every tool call', () => {
    expect(namesOfCalls(events)).toEqual(expectedNames(calls))
  })

  it('tell of each call who made it, in which session, how it ended, what it was given and gave', () => {
    expect(asExpected(calls, events)).toEqual(calls)
  })

  it('give the other events they hold, and no more', () => {
    expect(othersOf(events)).toEqual(expectedOthers(wholeRecordings))
  })

  it.each<Way>([
    { transport: 'http', compression: 'identity' },
    { transport: 'http', compression: 'gzip' },
    { transport: 'grpc', compression: 'identity' },
    { transport: 'grpc', compression: 'gzip' },
  ])(
    'give the same events when all of them are sent over $transport, $compression',
    async (way) => {
      const data = join(directory, `${way.transport}-${way.compression}`)
      const other = await startWithCaptures(data, recordFiles, way)
      try {
        const received = await everything<Telemetry>(`${other.telltale.api}/api/v1/events`)
        expect(asExpected(calls, received)).toEqual(calls)
        expect(textOf(received)).toEqual(textOf(events))
      } finally {
        await other.telltale.close()
      }
    },
    60_000,
  )

  it('give the same events and alerts, byte for byte, when they are replayed', async () => {
    const out = { events: join(directory, 'events.ndjson'), out: join(directory, 'alerts.ndjson') }
    await runReplay(config, { files: captureFiles.map((file) => join(captureFolder, file)), ...out })
    const replayed = linesOf(out.events).map((line) => JSON.parse(line) as Telemetry)
    expect(textOf(events)).toEqual(textOf(replayed))
    const sorted = (each: readonly Alert[]) => each.map((alert) => JSON.stringify(alert)).sort()
    const notices = linesOf(join(config.data, ALERTS_FILE)).map((line) => JSON.parse(line) as Notice)
    const raised = linesOf(out.out).map((line) => JSON.parse(line) as Alert)
    expect(sorted(notices.map(({ alert }) => alert))).toEqual(sorted(raised))
  })

  it('raise the alerts that the policies call for', () => {
    const raised = new Set(alerts.map(({ agent, findings }) => `${agent.id} ${findings[0]?.detector}`))
    expect(raised).toContain('claude-code tool-allowlist')
    expect(raised).toContain('agent-42 egress')
    expect([...raised].every((each) => /^(claude-code|agent-42) /.test(each))).toBe(true)
  })

  it('are all accounted for: received equals the sum of outcomes', async () => {
    const { records, reasons, status } = await telltale.health()
    expect(records.received).toBeGreaterThan(100)
    expect(records.in_flight).toBe(0)
    expect(reasons).toEqual([])
    expect(status).toBe('ok')
  })

  it('are counted in the metrics: what was found, by detector, and what was raised, by severity', async () => {
    const text = await (await fetch(`${telltale.api}/metrics`)).text()
    const counted = (metric: string) =>
      Object.fromEntries(
        [...text.matchAll(new RegExp(`^${metric}\\{\\w+="([\\w-]+)"\\} (\\d+)$`, 'gm'))].map(([, label, n]) => [
          label,
          Number(n),
        ]),
      )
    const findings = counted('telltale_findings_total')
    const raised = counted('telltale_alerts_total')
    const visible = await everything<Finding>(`${telltale.api}/api/v1/findings`)
    const notices = linesOf(join(config.data, ALERTS_FILE)).map((line) => JSON.parse(line) as Notice)
    expect(Object.keys(findings).sort()).toEqual([...new Set(visible.map(({ detector }) => detector))].sort())
    expect(raised).toEqual(tally(notices.map(({ alert }) => alert.severity)))
    // An event that is amended is judged again, so a finding may be written twice; it then ends twice.
    const { outcomes } = (await telltale.health()).records
    expect(sum(findings)).toBe((outcomes['correlate.alerted'] ?? 0) + (outcomes['correlate.absorbed'] ?? 0))
    expect(sum(raised)).toBe(outcomes['correlate.alerted'])
  })

  it('list every agent, watched or governed', async () => {
    const { items } = (await (await fetch(`${telltale.api}/api/v1/agents`)).json()) as {
      items: { id: string; policy: string | null }[]
    }
    const policies = new Map(items.map(({ id, policy }) => [id, policy]))
    expect(policies.get('claude-code')).toBe('only-reads')
    expect(policies.get('crm_agent')).toBeNull()
    expect(new Set(policies.keys())).toEqual(new Set(events.map(({ agent }) => agent.id)))
  })
})

function tally(names: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const name of names) {
    counts[name] = (counts[name] ?? 0) + 1
  }
  return counts
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0)
}
