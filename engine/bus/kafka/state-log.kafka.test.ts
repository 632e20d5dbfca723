import { Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { Unavailable } from '../../../schema/errors.ts'
import type { Appender, AppendOptions } from './appender.ts'
import { makeRawTopic, openRawLink, readRaw, textOf } from './raw-topic.contract.ts'
import type { NewRecord } from './record-batch.ts'
import { encodeHeaders } from './record-headers.ts'
import { Fenced, StateLog } from './state-log.ts'

type Raw = Awaited<ReturnType<typeof openRawLink>>

const state = (entries: Readonly<Record<string, string | undefined>>) =>
  Object.entries(entries).map(([key, value]) => ({
    key,
    value: value === undefined ? undefined : Buffer.from(value),
  }))

/** What a log's own commit looks like, written by somebody who is not stopped by anything. */
async function forge(
  { appender }: Raw,
  topic: string,
  stamp: { epoch: number; commit: number },
  records: readonly NewRecord[],
) {
  const bytes = Buffer.alloc(16)
  bytes.writeBigUInt64BE(BigInt(stamp.epoch))
  bytes.writeBigUInt64BE(BigInt(stamp.commit), 8)
  await appender.append(topic, 0, records, { headers: encodeHeaders({ e: bytes }), isAtomic: true })
}

/** As an operator might: nothing of it is left but its name. */
async function makeAnew(topic: string): Promise<void> {
  const brokers = inject('bootstrap')
  const admin = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  await admin.deleteTopics({ topics: [topic] }).finally(() => admin.disconnect())
  await makeRawTopic({ brokers, name: topic, settings: { 'cleanup.policy': 'compact' } })
}

describe(`the state log on Kafka ${inject('kafka').version}`, () => {
  let raw: Raw
  /** Of another process. */
  let other: Raw
  let topic: string

  beforeAll(async () => {
    const brokers = inject('bootstrap')
    raw = await openRawLink(brokers, [])
    other = await openRawLink(brokers, [])
  })
  afterAll(() => Promise.all([raw.close(), other.close()]))
  beforeEach(async () => {
    topic = await makeRawTopic({ brokers: inject('bootstrap'), settings: { 'cleanup.policy': 'compact' } })
    await Promise.all([raw, other].map(({ link }) => link.open([topic])))
  })

  const logOf = ({ link, appender }: Raw = raw) => new StateLog({ link, appender, topic, partition: 0 })

  async function claimed(from: Raw = raw) {
    const log = logOf(from)
    const { next, state: found } = await log.claim()
    return { log, next, state: Object.fromEntries([...found].map(([key, value]) => [key, textOf(value)])) }
  }

  /** What compaction would leave of a key: its newest record. */
  async function newest(key: string): Promise<string | undefined> {
    const last = (await readRaw(raw.link, topic)).filter((record) => textOf(record.key) === `s${key}`).at(-1)
    return last?.value === undefined ? undefined : textOf(last.value)
  }

  it('knows nothing of a partition that nobody has owned', async () => {
    expect(await claimed()).toMatchObject({ next: undefined, state: {} })
  })

  it('gives the next owner what was committed, and where to go on', async () => {
    const { log } = await claimed()
    await log.write(3, state({ a: '1', b: '1' }))
    await log.write(5, state({ a: '2', c: '' }))
    await log.write(5, [])
    expect(await claimed(other)).toMatchObject({ next: 5, state: { a: '2', b: '1', c: '' } })
  })

  it('forgets what was deleted', async () => {
    const { log } = await claimed()
    await log.write(1, state({ a: '1', b: '1' }))
    await log.write(2, state({ a: undefined }))
    expect(await claimed(other)).toMatchObject({ next: 2, state: { b: '1' } })
    expect(await newest('a')).toBeUndefined()
  })

  it('raises the epoch with every owner', async () => {
    const first = (await claimed()).log.epoch
    expect((await claimed(other)).log.epoch).toBeGreaterThan(first)
  })

  it('refuses a zombie, whose write changes nothing', async () => {
    const { log: zombie } = await claimed()
    await zombie.write(1, state({ a: 'true' }))
    await claimed(other)
    await expect(zombie.write(9, state({ a: 'late', b: 'late' }))).rejects.toThrow(Fenced)
    // It does not even try again.
    const end = (await readRaw(raw.link, topic)).length
    await expect(zombie.write(10, state({ a: 'later' }))).rejects.toThrow(Fenced)
    expect(await readRaw(raw.link, topic)).toHaveLength(end)
    expect(await claimed()).toMatchObject({ next: 1, state: { a: 'true' } })
  })

  it('tells an idle zombie when it looks', async () => {
    const { log: zombie } = await claimed()
    await zombie.check()
    await claimed(other)
    await expect(zombie.check()).rejects.toThrow(/^somebody else has taken over raw-.*\/0 \(epoch \d+ is over\)$/)
  })

  it('writes again over a zombie, as the owner that meets it', async () => {
    const { log: zombie } = await claimed()
    await zombie.write(1, state({ a: 'true', gone: 'x', kept: 'k' }))
    const { log: owner } = await claimed(other)
    await owner.write(2, state({ gone: undefined }))
    await expect(zombie.write(9, state({ a: 'late', b: 'late', gone: 'late' }))).rejects.toThrow(Fenced)
    expect(await newest('a')).toBe('late')
    await owner.write(3, state({ c: '3' }))
    expect(await Promise.all(['a', 'b', 'gone', 'kept', 'c'].map(newest))).toEqual([
      'true',
      undefined,
      undefined,
      'k',
      '3',
    ])
    expect(await claimed()).toMatchObject({ next: 3, state: { a: 'true', c: '3', kept: 'k' } })
  })

  it('writes again over a zombie when an idle owner looks', async () => {
    const { log: zombie } = await claimed()
    await zombie.write(1, state({ a: 'true' }))
    const { log: owner } = await claimed(other)
    await expect(zombie.write(9, state({ a: 'late' }))).rejects.toThrow(Fenced)
    await owner.check()
    expect(await newest('a')).toBe('true')
    const end = (await readRaw(raw.link, topic)).length
    await owner.check()
    expect(await readRaw(raw.link, topic)).toHaveLength(end)
  })

  it('writes again over a zombie with the next claim', async () => {
    const { log: zombie } = await claimed()
    await zombie.write(1, state({ a: 'true' }))
    await claimed(other)
    await expect(zombie.write(9, state({ a: 'late' }))).rejects.toThrow(Fenced)
    expect(await claimed()).toMatchObject({ next: 1, state: { a: 'true' } })
    expect(await newest('a')).toBe('true')
  })

  it('lets an owner that was disturbed and could not write look again', async () => {
    const { log: zombie } = await claimed()
    await zombie.write(1, state({ a: 'true' }))
    let refusals = 0
    const refusing = {
      append: async (...request: Parameters<Appender['append']>) => {
        if (refusals > 0) {
          refusals -= 1
          throw new Unavailable('away')
        }
        return other.appender.append(...request)
      },
    } as Appender
    const { log: owner } = await claimed({ ...other, appender: refusing })
    await expect(zombie.write(9, state({ a: 'late' }))).rejects.toThrow(Fenced)
    refusals = 1
    await expect(owner.check()).rejects.toThrow('away')
    await owner.check()
    expect(await newest('a')).toBe('true')
  })

  it('does not undo a commit by an older one that comes late', async () => {
    const { log } = await claimed()
    await log.write(1, state({ a: 'older' }))
    await log.write(2, state({ a: 'newer', b: 'newer' }))
    // The first once more, as a broker that was frozen would find it.
    await forge(raw, topic, { epoch: log.epoch, commit: 1 }, [
      { key: 'p', value: Buffer.from('{"next":1}') },
      { key: 'sa', value: Buffer.from('older') },
    ])
    await log.check()
    expect(await newest('a')).toBe('newer')
    await log.write(3, [])
    expect(await claimed(other)).toMatchObject({ next: 3, state: { a: 'newer', b: 'newer' } })
  })

  it('takes a commit that was given up and came late all the same, when nothing newer was written', async () => {
    const { log } = await claimed()
    await log.write(1, state({ a: '1' }))
    await forge(raw, topic, { epoch: log.epoch, commit: 2 }, [
      { key: 'p', value: Buffer.from('{"next":2}') },
      { key: 'sa', value: Buffer.from('2') },
    ])
    expect(await claimed(other)).toMatchObject({ next: 2, state: { a: '2' } })
  })

  it('does not mend with what is older than a write that is under way', async () => {
    const { log: zombie } = await claimed()
    await zombie.write(1, state({ a: 'true' }))
    let under: Promise<void> | undefined
    const slow = {
      append: async (name: string, partition: number, records: readonly NewRecord[], options?: AppendOptions) => {
        const isWrite = records.some(({ key }) => key === 'sa') && options !== undefined && under === undefined
        if (isWrite) {
          // As long as it takes another to look at everything, twice.
          under = (async () => {
            for (let look = 0; look < 8; look += 1) {
              await readRaw(other.link, topic)
            }
          })()
          await under
        }
        return other.appender.append(name, partition, records, options)
      },
    } as Appender
    const { log: owner } = await claimed({ ...other, appender: slow })
    await expect(zombie.write(9, state({ a: 'late' }))).rejects.toThrow(Fenced)
    const writing = owner.write(2, state({ a: 'newer' }))
    await Promise.all([writing, owner.check()])
    await owner.check()
    expect(await newest('a')).toBe('newer')
    expect(await claimed()).toMatchObject({ next: 2, state: { a: 'newer' } })
  })

  it('lets exactly one of two who claim at once write', async () => {
    for (let round = 0; round < 5; round += 1) {
      const [one, two] = await Promise.all([claimed(raw), claimed(other)])
      const written = await Promise.allSettled([
        one.log.write(round, state({ a: 'one' })),
        two.log.write(round, state({ a: 'two' })),
      ])
      expect(written.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
      const winner = written[0]?.status === 'fulfilled' ? 'one' : 'two'
      expect(winner).toBe(one.log.epoch > two.log.epoch ? 'one' : 'two')
      expect((await claimed()).state).toEqual({ a: winner })
    }
  })

  it('refuses an owner whose topic was made anew, and lets the next claim begin there', async () => {
    const { log } = await claimed()
    await log.write(1, state({ a: 'before' }))
    await makeAnew(topic)
    const late = log.write(2, state({ b: 'late' }))
    await expect(late).rejects.toThrow(`${topic}/0 ends before what was written to it: it is claimed anew`)
    await expect(late).rejects.toThrow(Fenced)
    // It does not even try again.
    const end = (await readRaw(raw.link, topic)).length
    await expect(log.write(3, [])).rejects.toThrow(Fenced)
    expect(await readRaw(raw.link, topic)).toHaveLength(end)
    const { log: next, ...found } = await claimed()
    expect(found).toEqual({ next: undefined, state: {} })
    await next.write(1, state({ a: 'after' }))
    expect(await claimed(other)).toMatchObject({ next: 1, state: { a: 'after' } })
  })

  it('counts nothing of an owner that claimed a topic of this name before, though its epoch is higher', async () => {
    const { log } = await claimed()
    await log.write(1, state({ a: '1' }))
    const of = { epoch: log.epoch + 100, commit: 7 }
    await forge(raw, topic, of, [
      { key: 'p', value: Buffer.from('{"next":9}') },
      { key: 'sa', value: Buffer.from('late') },
    ])
    await log.write(2, state({ b: '2' }))
    expect(await newest('a')).toBe('1')
    expect(await claimed(other)).toMatchObject({ next: 2, state: { a: '1', b: '2' } })
  })

  it('counts nothing that a stranger writes', async () => {
    const { log } = await claimed()
    await log.write(1, state({ a: 'true' }))
    const strange = [
      { key: 'sa', value: Buffer.from('stranger') },
      { key: 'p', value: Buffer.from('not json') },
      { key: '', value: null },
      { key: 'x', value: Buffer.alloc(10) },
      { key: Uint8Array.of(0xff, 0xfe), value: Buffer.alloc(10) },
    ]
    await other.appender.append(topic, 0, strange)
    await other.appender.append(topic, 0, strange, { headers: encodeHeaders({ e: Buffer.alloc(3) }) })
    await other.appender.append(topic, 0, strange, { headers: encodeHeaders({ f: Buffer.alloc(16, 0xff) }) })
    expect(await claimed(other)).toMatchObject({ next: 1, state: { a: 'true' } })
    expect(await newest('a')).toBe('true')
    await expect(log.write(2, [])).rejects.toThrow(Fenced)
  })

  it('restores more than one answer of a broker can hold', async () => {
    const { log } = await claimed()
    const large = Buffer.alloc(700_000, 'x')
    for (let at = 0; at < 15; at += 1) {
      await log.write(at, [{ key: `k${at}`, value: large }])
    }
    const found = await logOf(other).claim()
    expect(found.next).toBe(14)
    expect([...found.state.keys()].sort()).toEqual(Array.from({ length: 15 }, (_, at) => `k${at}`).sort())
    expect([...found.state.values()].every((value) => large.equals(value))).toBe(true)
  })
})
