import { describe, expect, it } from 'vitest'
import type { GivenUp } from '../collectors/collector.ts'
import { collectedLetter } from './collected-letter.ts'
import { readDeadLetter } from './dead-letter.ts'

const GIVEN_UP: GivenUp = {
  tenantId: 'acme',
  input: 'gateway',
  topic: 'otlp_spans',
  partition: 3,
  offset: 17,
  reason: 'undecodable-request',
  detail: 'not OTLP traces as json: not valid JSON',
  value: Buffer.from('{"'),
}
const letterOf = (givenUp: GivenUp, nowMs = 5) =>
  readDeadLetter({ ...collectedLetter(givenUp, nowMs), offset: 0 }, 0, 9)

describe('a message that was given up', () => {
  it('is a letter of the tenant of its input, whole, with its place and why', () => {
    expect(letterOf(GIVEN_UP)).toEqual({
      letter_id: expect.stringMatching(/^[0-9a-f]{32}$/),
      tenant_id: 'acme',
      time_ms: 5,
      stage: 'collect',
      reason: 'undecodable-request',
      detail: 'not OTLP traces as json: not valid JSON',
      topic: 'otlp_spans',
      partition: 3,
      offset: 17,
      key: 'acme\u001fgateway',
      value_base64: Buffer.from('{"').toString('base64'),
    })
  })

  it('is the same letter when it is fetched again, and another on another input', () => {
    expect(letterOf(GIVEN_UP, 6).letter_id).toBe(letterOf(GIVEN_UP).letter_id)
    expect(letterOf({ ...GIVEN_UP, input: 'other' }).letter_id).not.toBe(letterOf(GIVEN_UP).letter_id)
  })

  it('has no bytes when it had no value', () => {
    expect(letterOf({ ...GIVEN_UP, value: new Uint8Array() })).toMatchObject({ tenant_id: 'acme', value_base64: '' })
  })
})
