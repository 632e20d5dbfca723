import { describe, expect, it } from 'vitest'
import { call, gate, INPUT, useCollector } from './running-collector.contract.ts'
import { logBody, traceBodies } from './sdk-bodies.contract.ts'

const collector = useCollector()

describe('what the exporter wrote', () => {
  it.each(['otlp_proto', 'otlp_json'] as const)('becomes fragments, traces and logs, in %s', async (encoding) => {
    collector.topics.add('otlp_spans', await traceBodies(encoding))
    collector.topics.add('otlp_logs', [logBody(encoding, 'call-1'), logBody(encoding, 'call-2')])
    void collector.start({ input: { ...INPUT, encoding } })
    await Promise.all([collector.topics.drained('otlp_spans'), collector.topics.drained('otlp_logs')])
    const fragments = collector.appends.flat()
    expect(fragments.filter(({ signal }) => signal === 'log').map(({ tool }) => tool?.call_id)).toEqual([
      'call-1',
      'call-2',
    ])
    expect(fragments.filter(({ signal }) => signal === 'span').length).toBeGreaterThan(50)
    expect(Object.fromEntries(collector.received)).toMatchObject({ traces: expect.any(Number), logs: 2 })
    expect(collector.letters).toEqual([])
  })

  it('is of the tenant of the input, whatever messages and headers say', async () => {
    collector.topics.add('otlp_spans', [call(1, { tenant: 'evil', 'tenant.id': 'evil', tenant_id: 'evil' })])
    void collector.start()
    await collector.topics.drained('otlp_spans')
    expect(collector.appends.flat().map(({ tenant_id }) => tenant_id)).toEqual(['acme'])
  })

  it('is read of the topics that are named, and of no other', async () => {
    collector.topics.add('otlp_spans', [call(1)])
    collector.topics.add('spans-of-acme', [call(2)])
    void collector.start({ input: { ...INPUT, topics: { traces: 'spans-of-acme' } } })
    await collector.topics.drained('spans-of-acme')
    expect(collector.spanIds()).toEqual([2])
    expect(collector.topics.commits('otlp_spans')).toEqual([])
  })

  it('is read of every partition', async () => {
    for (const partition of [0, 1, 2]) {
      collector.topics.add('otlp_spans', [call(partition + 1)], partition)
    }
    void collector.start()
    await Promise.all([0, 1, 2].map((partition) => collector.topics.drained('otlp_spans', partition)))
    expect([...collector.spanIds()].sort()).toEqual([1, 2, 3])
  })
})

describe('work', () => {
  it('is done on several messages at one time, in order', async () => {
    collector.topics.add('otlp_spans', [call(3), call(1), call(2)])
    void collector.start()
    await collector.topics.drained('otlp_spans')
    expect(collector.appends).toHaveLength(1)
    expect(collector.spanIds()).toEqual([3, 1, 2])
    expect(collector.topics.commits('otlp_spans')).toEqual([3])
  })

  it('is cut where there is enough for one append, and committed piece by piece', async () => {
    collector.topics.add('otlp_spans', [call(1), call(2), call(3), call(4), call(5)])
    void collector.start({ limits: { turnRecords: 2 } })
    await collector.topics.drained('otlp_spans')
    expect(collector.appends.map((fragments) => fragments.length)).toEqual([2, 2, 1])
    expect(collector.topics.commits('otlp_spans')).toEqual([2, 4, 5])
  })

  it('is cut, too, where records take too much memory', async () => {
    collector.topics.add('otlp_spans', [call(1), call(2)])
    void collector.start({ limits: { turnHeapBytes: 1 } })
    await collector.topics.drained('otlp_spans')
    expect(collector.topics.commits('otlp_spans')).toEqual([1, 2])
  })

  it('is committed only when the bus has it, and no more is read before', async () => {
    const bus = gate()
    collector.append = bus.wait
    collector.topics.add('otlp_spans', [call(1)])
    void collector.start()
    await bus.reached
    collector.topics.add('otlp_spans', [call(2), call(3)])
    await new Promise((resolve) => setImmediate(resolve))
    expect(collector.topics.reads).toBe(1)
    expect(collector.topics.commits('otlp_spans')).toEqual([])
    bus.open()
    await collector.topics.drained('otlp_spans')
    expect(collector.topics.commits('otlp_spans')).toEqual([1, 3])
  })
})

describe('a partition', () => {
  it('that was taken away is left as it is: the next owner reads again what was not committed', async () => {
    const bus = gate()
    collector.append = bus.wait
    collector.topics.add('otlp_spans', [call(1), call(2)])
    const ended = collector.start()
    await bus.reached
    collector.topics.take('otlp_spans')
    bus.open()
    await ended
    expect(collector.topics.commits('otlp_spans')).toEqual([])
    collector.append = async () => undefined
    void collector.start()
    await collector.topics.drained('otlp_spans')
    expect(collector.spanIds()).toEqual([1, 2, 1, 2])
  })

  it.each(['otlp_spans', 'otlp_logs'])('of %s gives the same fragment ids when it is read again', async (topic) => {
    const isTraces = topic === 'otlp_spans'
    collector.topics.add(topic, isTraces ? await traceBodies('otlp_proto') : [logBody('otlp_proto', 'call-1')])
    collector.topics.crash = new Error('killed when all was on the bus')
    await expect(collector.start()).rejects.toBe(collector.topics.crash)
    expect(collector.topics.commits(topic)).toEqual([])
    collector.topics.crash = undefined
    void collector.start()
    await collector.topics.drained(topic)
    const [before = [], after = []] = collector.appends.map((fragments) => fragments.map((each) => each.fragment_id))
    expect(after).toEqual(before)
    expect(new Set(before).size).toBe(before.length)
  })
})

describe('a bug', () => {
  it('ends it, told with the place, and nothing is committed', async () => {
    const bug = new TypeError('x is not a function')
    collector.append = () => Promise.reject(bug)
    collector.topics.add('otlp_spans', [call(1), call(2)])
    const ended = collector.start()
    await expect(ended).rejects.toThrow('the collector of input gateway failed on otlp_spans/0 at offsets 0 to 1')
    await expect(ended).rejects.toHaveProperty('cause', bug)
    expect(collector.topics.commits('otlp_spans')).toEqual([])
  })
})
