/** Everything in one process, on real doors, bus and store; and the same files replayed. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pino from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runReplay } from '../commands/replay.ts'
import { type Config, loadConfig } from '../config.ts'
import { startTelltale, type Telltale } from '../run.ts'
import type { Alert, Notice } from '../schema/alert.ts'
import type { Finding } from '../schema/finding.ts'
import type { Telemetry } from '../schema/telemetry.ts'
import { expectedCaptures } from './captures.expected.ts'
import { sendCapture } from './send-capture.ts'

const folder = join(process.env.TELLTALE_DATA ?? '../shared/data', 'otlp')
const isThere = existsSync(folder)
const files = isThere
  ? readdirSync(folder)
      .filter((file) => /\.(json|pb)$/.test(file) && !file.endsWith('.meta.json'))
      .sort()
  : []

/** The only field that may differ between live and replay. */
const timeless = ({ observed_ms: _, ...event }: Telemetry) => event
const byId = (a: { event_id: string }, b: { event_id: string }) => (a.event_id < b.event_id ? -1 : 1)
const linesOf = (file: string) =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')

describe.skipIf(!isThere)('recorded requests, live (skipped where ../shared/data/otlp is absent)', () => {
  let directory: string
  let config: Config
  let telltale: Telltale
  let events: Telemetry[]
  let alerts: Alert[]

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'telltale-live-'))
    const base = loadConfig(undefined, {})
    config = {
      ...base,
      data: join(directory, 'data'),
      policies: 'test/live',
      listen: { host: '127.0.0.1', otlp_http_port: 0, otlp_grpc_port: 0, api_port: 0 },
      sinks: [{ type: 'ndjson', name: 'copy', file: 'alerts.ndjson' } as Config['sinks'][number]],
    }
    telltale = await startTelltale(config, pino({ level: 'silent' }))
    const doors = { http: telltale.otlpHttp, grpc: telltale.otlpGrpc }
    for (const file of files) {
      expect([0, 200]).toContain(await sendCapture(folder, file, doors))
    }
    await Promise.race([settled(telltale), telltale.failed])
    events = await everything<Telemetry>(`${telltale.api}/api/v1/events`)
    alerts = [
      ...new Map(
        linesOf(join(config.data, 'alerts.ndjson')).map((line) => {
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

  it('end in as many tool calls as were made', () => {
    // Some recordings are told twice, alone and together with the other signal of the same session.
    const together = expectedCaptures.filter(({ files: own }) => {
      return !expectedCaptures.some(
        (other) => other.files.length > own.length && own.every((file) => other.files.includes(file)),
      )
    })
    const expected = together.reduce((sum, { calls }) => sum + calls.length, 0)
    expect(together.flatMap(({ files: own }) => own).sort()).toEqual(files.filter((file) => !file.includes('metrics')))
    expect(events.filter(({ operation }) => operation === 'tool_call')).toHaveLength(expected)
  })

  it('give the same events and alerts, byte for byte, when they are replayed', async () => {
    const out = { events: join(directory, 'events.ndjson'), out: join(directory, 'alerts.ndjson') }
    await runReplay(config, { files: files.map((file) => join(folder, file)), ...out })
    const replayed = linesOf(out.events).map((line) => JSON.parse(line) as Telemetry)
    const text = (each: readonly Telemetry[]) => [...each].sort(byId).map((event) => JSON.stringify(timeless(event)))
    expect(text(events)).toEqual(text(replayed))
    const sorted = (each: readonly Alert[]) => each.map((alert) => JSON.stringify(alert)).sort()
    expect(sorted(alerts)).toEqual(sorted(linesOf(out.out).map((line) => JSON.parse(line) as Alert)))
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
    const notices = linesOf(join(config.data, 'alerts.ndjson')).map((line) => JSON.parse(line) as Notice)
    expect(Object.keys(findings).sort()).toEqual([...new Set(visible.map(({ detector }) => detector))].sort())
    expect(raised).toEqual(tally(notices.map(({ alert }) => alert.severity)))
    // An event that is amended is judged again, so a finding may be written twice; it then ends twice.
    const { outcomes } = (await telltale.health()).records
    expect(sum(findings)).toBe((outcomes['correlate.alerted'] ?? 0) + (outcomes['correlate.absorbed'] ?? 0))
    expect(sum(raised)).toBe(outcomes['correlate.alerted'])
  })

  it('leave no secret anywhere in the data directory', async () => {
    const secrets = expectedCaptures.flatMap((capture) => capture.secrets)
    expect(secrets.length).toBeGreaterThan(0)
    const found: string[] = []
    for (const name of readdirSync(config.data, { recursive: true, encoding: 'utf8', withFileTypes: true })) {
      if (name.isFile()) {
        const bytes = readFileSync(join(name.parentPath, name.name))
        found.push(...secrets.filter((secret) => bytes.includes(secret)).map((secret) => `${secret} in ${name.name}`))
      }
    }
    expect(found).toEqual([])
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

/** Nothing is behind, nothing is held: what was sent has come out everywhere. */
async function settled(telltale: Telltale): Promise<void> {
  const deadline = Date.now() + 60_000
  for (;;) {
    const { lag, records } = await telltale.health()
    if (records.in_flight === 0 && Object.values(lag).every((behind) => behind === 0)) {
      return
    }
    if (Date.now() > deadline) {
      throw new Error(`not settled: ${JSON.stringify({ lag, records })}`)
    }
    await sleep(100)
  }
}

async function everything<Item>(url: string): Promise<Item[]> {
  const items: Item[] = []
  let cursor: string | undefined
  do {
    const query = cursor === undefined ? '?limit=100' : `?limit=100&cursor=${encodeURIComponent(cursor)}`
    const page = (await (await fetch(url + query)).json()) as { items: Item[]; next?: string }
    items.push(...page.items)
    cursor = page.next
  } while (cursor !== undefined)
  return items
}
