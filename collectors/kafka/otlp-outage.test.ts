import { describe, expect, it } from 'vitest'
import { Unavailable } from '../../schema/errors.ts'
import { call, gate, useCollector } from './running-collector.contract.ts'

const collector = useCollector()
const away = () => new Unavailable('the bus is away', { retryAfterMs: 1 })

describe('while the bus is away', () => {
  it('the same is tried again, counted once, and nothing is committed', async () => {
    let refused = 0
    collector.append = async () => {
      expect(collector.topics.commits('otlp_spans')).toEqual([])
      if (refused < 5) {
        refused += 1
        throw away()
      }
    }
    collector.topics.add('otlp_spans', [call(1), Buffer.from('oops'), call(2)])
    void collector.start()
    await collector.topics.drained('otlp_spans')
    expect(collector.spanIds()).toEqual([1, 2])
    expect(Object.fromEntries(collector.received)).toEqual({ traces: 3 })
    expect(Object.fromEntries(collector.outcomes)).toEqual({ 'rejected:undecodable-request': 1 })
    expect(collector.letters).toHaveLength(1)
  })

  it('useless messages are not held against the topic again with every attempt', async () => {
    let attempts = 0
    collector.append = async () => {
      attempts += 1
      if (attempts < 200) {
        throw away()
      }
    }
    collector.topics.add('otlp_spans', [call(1), 'oops', 'oops'])
    void collector.start()
    await collector.topics.drained('otlp_spans')
    expect(collector.spanIds()).toEqual([1])
  })

  it('it can be stopped: nothing is committed, and what was read counts as not taken', async () => {
    const refused = gate()
    collector.append = async () => {
      void refused.wait()
      throw new Unavailable('the bus is away', { retryAfterMs: 600_000 })
    }
    collector.topics.add('otlp_spans', [call(1), call(2)])
    const ended = collector.start()
    await refused.reached
    await collector.stop()
    await ended
    expect(collector.topics.commits('otlp_spans')).toEqual([])
    expect(Object.fromEntries(collector.outcomes)).toEqual({ 'refused:unavailable': 2 })
  })

  it('dead letters wait, and what was published before them is not published again', async () => {
    let refused = 0
    collector.topics.add('otlp_spans', [call(1), 'oops'])
    void collector.start({
      giveUp: async (messages) => {
        expect(collector.topics.commits('otlp_spans')).toEqual([])
        if (refused < 3) {
          refused += 1
          throw away()
        }
        collector.letters.push(...messages)
      },
    })
    await collector.topics.drained('otlp_spans')
    expect(collector.spanIds()).toEqual([1])
    expect(collector.letters).toHaveLength(1)
  })
})

describe('while the brokers are away', () => {
  it('reading and committing are tried again, and nothing is published twice', async () => {
    collector.topics.add('otlp_spans', [call(1), call(2)])
    collector.topics.away = { read: 3, commit: 3 }
    void collector.start()
    await collector.topics.drained('otlp_spans')
    expect(collector.spanIds()).toEqual([1, 2])
  })
})
