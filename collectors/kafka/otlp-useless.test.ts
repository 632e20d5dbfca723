import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Rejected } from '../../schema/errors.ts'
import { call, INPUT, useCollector } from './running-collector.contract.ts'
import { logBody } from './sdk-bodies.contract.ts'

const collector = useCollector()

describe('a message of no use', () => {
  it('is counted, goes to the dead letters with why, where and its bytes, and holds nobody up', async () => {
    const wrong = Buffer.from('{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"x"},{"traceId":"y"}]}]}]}')
    collector.topics.add('otlp_spans', ['{}', undefined, 'oops', wrong], 2)
    collector.topics.add('otlp_logs', [logBody('otlp_json', 'call-1'), 'oops', logBody('otlp_json', 'call-2')])
    void collector.start({ input: { ...INPUT, encoding: 'otlp_json' } })
    await Promise.all([collector.topics.drained('otlp_spans', 2), collector.topics.drained('otlp_logs')])
    expect(collector.appends.flat().map(({ tool }) => tool?.call_id)).toEqual(['call-1', 'call-2'])
    expect(Object.fromEntries(collector.received)).toEqual({ traces: 5, logs: 3 })
    expect(Object.fromEntries(collector.outcomes)).toEqual({
      'rejected:no-records': 1,
      'rejected:no-value': 1,
      'rejected:undecodable-request': 2,
      'rejected:invalid-trace-id': 2,
    })
    const place = { tenantId: 'acme', input: 'gateway', topic: 'otlp_spans', partition: 2 }
    expect(collector.letters.filter(({ topic }) => topic === 'otlp_spans')).toEqual([
      { ...place, offset: 0, reason: 'no-records', detail: expect.any(String), value: Buffer.from('{}') },
      { ...place, offset: 1, reason: 'no-value', detail: expect.any(String), value: new Uint8Array() },
      {
        ...place,
        offset: 2,
        reason: 'undecodable-request',
        detail: 'not OTLP traces as json: not valid JSON',
        value: Buffer.from('oops'),
      },
      { ...place, offset: 3, reason: 'invalid-trace-id', detail: 'none of its traces can be read', value: wrong },
    ])
  })

  it('is kept as far as one record of a bus holds it, and its letter says so', async () => {
    collector.topics.add('otlp_spans', ['x'.repeat(100)])
    void collector.start({ limits: { letterBytes: 10 } })
    await collector.topics.drained('otlp_spans')
    expect(collector.letters).toMatchObject([
      { value: Buffer.from('x'.repeat(10)), detail: expect.stringMatching(/; the first 10 of 100 bytes are kept$/) },
    ])
  })

  it('is a batch that is damaged, too, even where its bytes could be taken for a message', async () => {
    collector.topics.add('otlp_spans', [call(1)])
    collector.topics.addDamaged('otlp_spans', call(2))
    collector.topics.add('otlp_spans', [call(3)])
    void collector.start()
    await collector.topics.drained('otlp_spans')
    expect(collector.spanIds()).toEqual([1, 3])
    expect(Object.fromEntries(collector.outcomes)).toEqual({ 'rejected:damaged-batch': 1 })
    expect(collector.letters).toMatchObject([{ offset: 1, reason: 'damaged-batch', value: call(2) }])
  })

  it('is alone in that, whatever is around it', async () => {
    const message = fc.oneof(fc.constant(undefined), fc.uint8Array({ maxLength: 40 }), fc.constant('good'))
    await fc.assert(
      fc.asyncProperty(fc.array(message, { minLength: 1, maxLength: 30 }), async (messages) => {
        collector.reset()
        const values = messages.map((value, index) => (value === 'good' ? call(index + 1) : value))
        collector.topics.add('otlp_spans', values)
        void collector.start({ limits: { turnRecords: 3, readMessages: 7 } })
        await collector.topics.drained('otlp_spans')
        await collector.stop()
        expect(collector.spanIds()).toEqual(messages.flatMap((value, index) => (value === 'good' ? [index + 1] : [])))
        expect(collector.letters).toHaveLength(messages.filter((value) => value !== 'good').length)
      }),
    )
  })

  it('stops the collector when most of them are, and says so; what was at hand stays uncommitted', async () => {
    collector.topics.add('otlp_spans', [...Array(100).fill(call(1)), ...Array(300).fill('oops')])
    await expect(collector.start({ limits: { readMessages: 50 } })).rejects.toThrow(
      /the collect \(otlp_spans\) stage stopped: \d+ of its last \d+ records cannot be processed \(undecodable-request\)/,
    )
    const committed = collector.topics.commits('otlp_spans').at(-1) ?? 0
    expect(committed).toBe(200)
    expect(collector.letters.map(({ offset }) => offset)).toEqual(
      Array.from({ length: 100 }, (_, index) => 100 + index),
    )
  })
})

describe('what the bus will never take', () => {
  it('is given up message by message: those around it go on', async () => {
    collector.append = async (fragments) => {
      if (fragments.some(({ span_id }) => span_id?.startsWith('02'))) {
        throw new Rejected('too-large', 'the bus takes no record of this size')
      }
    }
    collector.topics.add('otlp_spans', [call(1), call(2), 'oops', call(3)])
    void collector.start()
    await collector.topics.drained('otlp_spans')
    expect(collector.spanIds()).toEqual([1, 3])
    expect(collector.letters.map(({ offset, reason, detail }) => [offset, reason, detail])).toEqual([
      [1, 'too-large', 'the bus takes no record of this size'],
      [2, 'undecodable-request', expect.any(String)],
    ])
    expect(Object.fromEntries(collector.outcomes)).toMatchObject({
      'rejected:too-large': 1,
      'rejected:undecodable-request': 1,
    })
  })
})
