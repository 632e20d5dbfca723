import { describe, expect, it } from 'vitest'
import { spanRecord } from '../../../test/otlp-records.ts'
import { endingOf, isRefusal, outcomeOfError, outcomeOfGrpc, outcomeOfHttp } from './outcome.ts'

describe('the class of an error', () => {
  it.each([
    ['TimeoutError', 'timeout'],
    ['timed_out', 'timeout'],
    ['DEADLINE_EXCEEDED', 'timeout'],
    ['504', 'timeout'],
    ['-32001', 'timeout'],
    ['RateLimitError', 'rate_limited'],
    ['429', 'rate_limited'],
    ['ThrottlingException', 'rate_limited'],
    ['denied', 'denied'],
    ['AccessDeniedException', 'denied'],
    ['PermissionError', 'denied'],
    ['403', 'denied'],
    ['content_filter', 'refused'],
    ['GuardrailTripwireTriggered', 'refused'],
    ['ValueError', 'error'],
    ['500', 'error'],
    ['_OTHER', 'error'],
  ])('%s is %s', (errorType, outcome) => {
    expect(outcomeOfError(errorType)).toBe(outcome)
  })

  it('is never guessed from a message: a tool that says "permission denied" has failed, nobody denied it', () => {
    const span = spanRecord({ status: 2, message: 'permission denied for table audit' })
    expect(endingOf(span)).toEqual({
      outcome: 'error',
      error_type: '_OTHER',
      message: 'permission denied for table audit',
    })
  })
})

describe('status codes', () => {
  it('of HTTP tell refusal, limits and time apart', () => {
    expect([200, 302, 401, 403, 404, 408, 429, 500, 504].map(outcomeOfHttp)).toEqual([
      undefined,
      undefined,
      'denied',
      'denied',
      'error',
      'timeout',
      'rate_limited',
      'error',
      'timeout',
    ])
  })

  it('of gRPC likewise', () => {
    expect([0, 4, 7, 8, 13, 16].map(outcomeOfGrpc)).toEqual([
      undefined,
      'timeout',
      'denied',
      'rate_limited',
      'error',
      'denied',
    ])
  })
})

describe('finish reasons', () => {
  it.each(['content_filter', 'content-filter', 'refusal', 'SAFETY', 'guardrail_intervened'])(
    '%s is a refusal',
    (reason) => {
      expect(isRefusal(reason)).toBe(true)
    },
  )
  it.each(['stop', 'tool_calls', 'length', undefined])('%s is none', (reason) => {
    expect(isRefusal(reason)).toBe(false)
  })
})

describe('a span', () => {
  it('that ended well has no ending to tell of', () => {
    expect(endingOf(spanRecord({ status: 1 }))).toBeUndefined()
    expect(endingOf(spanRecord({ attributes: { success: 'true', 'process.exit.code': 0 } }))).toBeUndefined()
  })

  it('with status OK and an exception has failed', () => {
    const events = [
      { name: 'exception', attributes: { 'exception.type': 'TimeoutError', 'exception.message': 'too slow' } },
    ]
    expect(endingOf(spanRecord({ status: 1, events }))).toEqual({
      outcome: 'timeout',
      error_type: 'TimeoutError',
      message: 'too slow',
    })
  })

  it.each([
    [{ success: 'false' }],
    [{ is_error: true }],
    [{ 'gen_ai.tool.status': 'error' }],
    [{ 'process.exit.code': 1 }],
    [{ 'error.type': 'ValueError' }],
  ])('with %j has failed whatever its status', (attributes) => {
    expect(endingOf(spanRecord({ status: 1, attributes }))?.outcome).toBe('error')
  })

  it('has a message without the stack that some append', () => {
    const message = 'no\n\nError: no\n    at tool (file:///x.mjs:1:1)'
    expect(endingOf(spanRecord({ status: 2, message }))?.message).toBe('no')
  })
})
