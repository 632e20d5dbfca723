/** Questions to the API that are made to be taken for SQL, or for somebody else's. */
import { describe, expect, it } from 'vitest'
import { callSpan } from '../one-call.ts'
import { expectGoodEnd, KEYS, next, useWhole } from './whole.ts'

const whole = useWhole()

describe('questions to the API', () => {
  const VALUES = [
    "' OR 1=1 --",
    '{y:String}',
    "file('/etc/passwd')",
    "url('http://169.254.169.254/')",
    'SETTINGS readonly=0',
    'a FORMAT TabSeparated',
    '/* */ ; DROP TABLE events',
    '%'.repeat(512),
    '(a+)+$',
    '\u0000',
    '\ud800',
    '\\\\',
    "\\' OR 1",
  ]

  it.each(VALUES)('compare with %j as a text, and find nothing', async (value) => {
    for (const [listing, filters] of Object.entries({
      events: ['agent', 'session', 'tool', 'trace'],
      alerts: ['agent', 'session', 'detector'],
      findings: ['agent', 'session', 'event', 'detector'],
    })) {
      for (const filter of filters) {
        const { status, body } = await whole.get<{ items?: unknown[] }>(
          `${listing}?${new URLSearchParams({ [filter]: value })}`,
        )
        expect([listing, filter, status, body.items]).toEqual([listing, filter, 200, []])
      }
    }
  })

  it.each(['from=0&to=9999999999999999', 'from=1900-01-01', 'to=9999-12-31', 'from=2026-02-30', 'limit=1000'])(
    'about any time are answered or refused, never failed: %s',
    async (query) => {
      for (const listing of ['events', 'alerts', 'findings']) {
        expect([200, 400]).toContain((await whole.get(`${listing}?${query}`)).status)
      }
    },
  )

  it('take no cursor that another tenant, another listing or nobody gave', async () => {
    await whole.send([callSpan({ call: next() }), callSpan({ call: next() })])
    await whole.settled()
    const { body } = await whole.get<{ next?: string }>('events?limit=1')
    const cursor = body.next as string
    expect(cursor).toBeDefined()
    expect((await whole.get(`events?limit=1&cursor=${cursor}`)).status).toBe(200)
    expect((await whole.get(`alerts?limit=1&cursor=${cursor}`)).status).toBe(400)
    expect((await whole.get(`events?limit=1&cursor=${cursor}`, KEYS.otherRead)).status).toBe(400)
    const forged = Buffer.from(JSON.stringify(['x', 1, "' OR 1=1"])).toString('base64url')
    expect((await whole.get(`events?cursor=${forged}`)).status).toBe(400)
    const [bound] = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')) as unknown[]
    const changed = Buffer.from(JSON.stringify([bound, Number.MAX_SAFE_INTEGER, "' OR 1=1 --"])).toString('base64url')
    expect((await whole.get(`events?limit=1&cursor=${changed}`)).status).toBe(200)
  })
})

expectGoodEnd(whole)
