/** The search for secrets finds them, in every form; a search that finds nothing would pass for ever. */
import { describe, expect, it } from 'vitest'
import { findSecrets } from './secret-search.ts'

const SECRET = 'jane.doe+x@example.com'
const base64 = (text: string) => Buffer.from(text).toString('base64')
const formsIn = (text: string, secret = SECRET) =>
  findSecrets([secret], [{ name: 'text', bytes: Buffer.from(text) }]).map((found) => found.split(', ')[1])

describe('the search for secrets', () => {
  it.each([
    ['as it is', `to ${SECRET}.`],
    ['in other cases', SECRET.toUpperCase()],
    ['between bytes that are no text', `\u0000\u0001${SECRET}\uffff`],
  ])('finds one %s', (_how, text) => {
    expect(formsIn(text)).toEqual(['as it is'])
  })

  it.each([
    ['for a URL', `to=${encodeURIComponent(SECRET)}`],
    ['for a URL, in lower case', `to=${encodeURIComponent(SECRET).toLowerCase()}`],
    ['for a URL, twice', encodeURIComponent(encodeURIComponent(SECRET))],
    ['in JSON', '{"to":"jane.doe\\u002bx\\u0040example.com"}'],
    ['in JSON in JSON', JSON.stringify('{"to":"jane.doe\\u002bx\\u0040example.com"}')],
    [
      'in JSON, every character',
      [...SECRET].map((each) => `\\u${each.charCodeAt(0).toString(16).padStart(4, '0')}`).join(''),
    ],
    ['in markup', SECRET.replace('@', '&#x40;')],
  ])('finds one escaped %s', (_how, text) => {
    expect(formsIn(text)).toEqual(['escaped'])
  })

  it('finds one with quotes, which JSON escapes', () => {
    expect(formsIn(JSON.stringify({ said: 'my "pet" name' }), 'my "pet" name')).toEqual(['escaped'])
  })

  it.each(['', 'a', 'ab', 'abc'])('finds one in base64 behind %j', (before) => {
    expect(formsIn(base64(`${before}${SECRET} and so on`))).toEqual(['base64'])
    expect(formsIn(Buffer.from(`${before}${SECRET}`).toString('base64url'))).toEqual(['base64'])
  })

  it('finds one in hexadecimal', () => {
    expect(formsIn(Buffer.from(`x${SECRET}x`).toString('hex').toUpperCase())).toEqual(['hexadecimal'])
  })

  it('finds one that is not ASCII', () => {
    expect(formsIn('to jörg@müller.example', 'jörg@müller.example')).toEqual(['as it is'])
  })

  it('names the place', () => {
    const places = ['one', 'two'].map((name) => ({ name, bytes: Buffer.from(name === 'two' ? SECRET : '') }))
    expect(findSecrets([SECRET], places)).toEqual([`${SECRET} in two, as it is`])
  })

  it('finds a mere word in its own case only', () => {
    expect(formsIn('key=SECRETS', 'SECRET')).toEqual(['as it is'])
    expect(formsIn('key=[masked:secret]', 'SECRET')).toEqual([])
  })

  it('finds nothing where there is none', () => {
    expect(formsIn(`${base64('jane.doe+x at example.com')} jane.doe+x example.com`)).toEqual([])
  })
})
