/**
 * What is given up can be read: by whom, why and when; in a whole Telltale of two tenants, with a receiver that takes no
 * alert.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pino from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeKey } from '../api/keys.ts'
import type { Config } from '../config.ts'
import { openEmbeddedBus } from '../engine/bus/embedded.ts'
import { startTelltale, type Telltale } from '../run.ts'
import type { Alert } from '../schema/alert.ts'
import type { DeadLetter } from '../schema/dead-letter.ts'
import { exampleNotice } from './example-alert.ts'
import { liveConfig } from './live-captures.ts'
import { callRequest, postCalls } from './one-call.ts'

let directory: string
let receiver: Server
let telltale: Telltale
/** What the receiver answers. */
let status = 410
let calls = 0

/** Of two tenants; the first is the one that what names none belongs to. */
const TENANTS = ['default', 'acme'] as const
type Tenant = (typeof TENANTS)[number]
const admins = { default: makeKey('admin'), acme: makeKey('admin') }

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'telltale-dead-letters-'))
  receiver = createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(status).end())
  })
  await new Promise<void>((listening) => receiver.listen(0, '127.0.0.1', listening))
  await leaveUnreadable(join(directory, 'bus'))
  telltale = await startTelltale(configOf(receiver), pino({ level: 'silent' }))
}, 60_000)

afterAll(async () => {
  await telltale.close()
  receiver.close()
  await rm(directory, { recursive: true })
})

function configOf(server: Server): Config {
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  const secret = `whsec_${Buffer.alloc(32).toString('base64')}`
  const sink = { type: 'webhook', name: 'siem', url, secret, allow: ['127.0.0.0/8'] }
  const keys = TENANTS.map(
    (tenant) => ({ name: tenant, scope: 'admin', sha256: admins[tenant].sha256, tenant }) as const,
  )
  return { ...liveConfig(directory), keys, sinks: [sink as unknown as Config['sinks'][number]] }
}

const formerNotice = exampleNotice(7, { tenant_id: 'acme' })
const FORMER_LETTERS = [
  { sink: 'old', reason: 'http-422', detail: 'the receiver answered 422', attempts: 1, notice: formerNotice },
  { reason: 'invalid-notice', offset: 3 },
  {
    ...{ stage: 'correlate', topic: 'findings', partition: 0, offset: 4, reason: 'not-a-finding' },
    ...{ key: 'k', value_base64: '/w==' },
  },
  'hostile \ud800, and no letter',
]
const TORN = '{"torn":'
const ACME_KEY = 'acme\u001fagent'

/** As by a process before this one: its letters, and an event of nobody and one of `acme` that no stage can read. */
async function leaveUnreadable(directory: string): Promise<void> {
  const bus = await openEmbeddedBus({ directory })
  const recordOf = (text: string, key = 'k') => ({ key, value: Buffer.from(text) })
  await bus.append(
    'dead_letters',
    FORMER_LETTERS.map((letter) => recordOf(JSON.stringify(letter))),
  )
  await bus.append('events', [recordOf(TORN), recordOf(TORN, ACME_KEY)])
  await bus.close()
}

/** What the API says to an admin of the tenant. */
async function asked(path: string, tenant: Tenant = 'default'): Promise<Response> {
  const response = await fetch(telltale.api + path, { headers: { authorization: `Bearer ${admins[tenant].key}` } })
  expect(response.status).toBe(200)
  return response
}

/** Makes an agent do what its policy does not allow; the alert that this raised, once all about it is stored. */
async function raiseAlert(tenant: Tenant = 'default'): Promise<Alert> {
  calls += 1
  const session = `session-${calls}`
  const call = { call: calls, agent: 'claude-code', session, tool: 'Bash' }
  expect((await postCalls(telltale.otlpHttp, callRequest(call), admins[tenant].key)).status).toBe(200)
  return await until(async () => {
    const { items } = (await (await asked(`/api/v1/alerts?session=${session}`, tenant)).json()) as { items: Alert[] }
    const { lag, sinks } = await telltale.health()
    const isQuiet = Object.values(lag).every((behind) => behind === 0) && sinks.every(({ pending }) => pending === 0)
    return isQuiet ? items[0] : undefined
  })
}

async function until<Value>(look: () => Promise<Value | undefined>): Promise<Value> {
  for (;;) {
    const value = await Promise.race([look(), telltale.failed])
    if (value !== undefined) {
      return value
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

async function letters(query: string, tenant?: Tenant): Promise<readonly DeadLetter[]> {
  const response = await asked(`/api/v1/dead-letters?${query}`, tenant)
  return ((await response.json()) as { items: DeadLetter[] }).items
}

describe('an alert that a receiver refuses for good', () => {
  it.each([410, 400])('is listed with the reason and its id when it answers %i', async (answer) => {
    status = answer
    const beganMs = Date.now()
    const { alert_id } = await raiseAlert()
    const letter = await until(async () => (await letters('sink=siem')).find((each) => each.alert_id === alert_id))
    expect(letter).toMatchObject({
      ...{ stage: 'deliver', sink: 'siem', attempts: 1, alert_id },
      ...{ reason: `http-${answer}`, detail: `the receiver answered ${answer}` },
    })
    expect(letter.time_ms).toBeGreaterThanOrEqual(beganMs)
    expect(letter.time_ms).toBeLessThanOrEqual(Date.now())
    expect(JSON.parse(Buffer.from(letter.value_base64, 'base64').toString()).alert.alert_id).toBe(alert_id)
  })

  it('is counted, and shows in health until the receiver takes alerts again', async () => {
    status = 410
    const { alert_id } = await raiseAlert()
    await until(async () => (await letters('sink=siem')).find((each) => each.alert_id === alert_id))
    expect(await (await asked('/metrics')).text()).toMatch(
      /telltale_dead_letters_total\{stage="deliver",reason="http-410"\} [1-9]/,
    )
    const { status: health, reasons } = await telltale.health()
    expect({ health, reasons }).toEqual({
      health: 'degraded',
      reasons: ['sink siem: gave up an alert (http-410); /api/v1/dead-letters?sink=siem lists what it lacks'],
    })
    status = 200
    await raiseAlert()
    await until(async () => ((await telltale.health()).status === 'ok' ? true : undefined))
  })
})

/** Who meets an event that is none, and what they say. */
const UNREADABLE = [
  { stage: 'detect', reason: 'invalid-event' },
  { stage: 'write', reason: 'not-json' },
]

describe('a record that nobody can read', () => {
  it('is listed by each stage that met it, whole and with its place, and counted', async () => {
    for (const { stage, reason } of UNREADABLE) {
      const letter = await until(async () => (await letters(`stage=${stage}&reason=${reason}`))[0])
      expect(letter).toMatchObject({ stage, reason, topic: 'events', offset: 0, key: 'k', value_base64: btoa(TORN) })
      await until(async () => (await letters(`stage=${stage}&reason=${reason}`, 'acme'))[0])
      const counted = `telltale_dead_letters_total{stage="${stage}",reason="${reason}"} 2`
      expect(await (await asked('/metrics')).text()).toContain(counted)
    }
  })
})

describe('letters of versions before', () => {
  it('are listed as far as they can be read', async () => {
    const former = (reason: string, tenant?: Tenant) =>
      until(async () => (await letters(`reason=${reason}`, tenant))[0])
    expect(await former('http-422', 'acme')).toMatchObject({
      ...{ stage: 'deliver', sink: 'old', attempts: 1, alert_id: formerNotice.alert.alert_id },
      value_base64: Buffer.from(JSON.stringify(formerNotice)).toString('base64'),
    })
    expect(await former('invalid-notice')).toMatchObject({ stage: 'deliver', offset: 3 })
    expect(await former('not-a-finding')).toMatchObject({ stage: 'correlate', topic: 'findings', value_base64: '/w==' })
    expect(await former('unreadable-letter')).toMatchObject({ stage: 'unknown', topic: 'dead_letters' })
  })
})

describe('a tenant', () => {
  it('is shown the letters about its own alerts and records, and what names no tenant only by default', async () => {
    status = 410
    const alerts = { default: await raiseAlert('default'), acme: await raiseAlert('acme') }
    for (const tenant of TENANTS) {
      const own = alerts[tenant].alert_id
      await until(async () => (await letters('sink=siem', tenant)).find(({ alert_id }) => alert_id === own))
      for (const { reason } of UNREADABLE) {
        await until(async () => (await letters(`reason=${reason}`, tenant))[0])
      }
    }
    const [ofDefault, ofAcme] = [await letters('', 'default'), await letters('', 'acme')]
    expect(new Set(ofDefault.map(({ tenant_id }) => tenant_id))).toEqual(new Set(['default', '']))
    expect(new Set(ofAcme.map(({ tenant_id }) => tenant_id))).toEqual(new Set(['acme']))
    const alertsIn = (listed: readonly DeadLetter[]) => listed.map(({ alert_id }) => alert_id)
    expect(alertsIn(ofDefault)).not.toContain(alerts.acme.alert_id)
    expect(alertsIn(ofAcme)).not.toContain(alerts.default.alert_id)
    const ofUnreadable = ofAcme.filter(({ stage }) => UNREADABLE.some((by) => by.stage === stage))
    expect(ofUnreadable.map(({ key }) => key)).toEqual([ACME_KEY, ACME_KEY])
  })
})
