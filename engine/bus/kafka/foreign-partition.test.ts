/** What needs no broker; the rest is seen in `collectors/kafka/otlp.kafka.test.ts`. */
import { describe, expect, it } from 'vitest'
import { Misconfigured, Unavailable } from '../../../schema/errors.ts'
import { crc32c } from './crc32c.ts'
import { PartitionReader } from './fetcher.ts'
import { ForeignPartition } from './foreign-partition.ts'
import { encodeBatch } from './record-batch.ts'

function batch(...values: readonly string[]): Buffer {
  const records = values.map((value) => ({ key: '', value: Buffer.from(value) }))
  const identity = { producerId: -1n, producerEpoch: -1, baseSequence: -1 }
  return encodeBatch(records, { ...identity, timestampMs: 0, compression: 'none' })
}

function owned() {
  const stop = new AbortController()
  const ownership = { partition: 0, signal: stop.signal, isLost: false }
  const reader = new PartitionReader('otlp_spans', 0, 0, () => undefined)
  const commits: number[] = []
  const commit = async (next: number) => {
    commits.push(next)
  }
  const partition = new ForeignPartition({ groupId: 'group.otlp_spans', ownership, reader, commit })
  return { partition, reader, ownership, stop, commits }
}

const ALL = { maxRecords: 10, waitMs: 60_000 }

describe('a partition of a foreign topic', () => {
  it('gives a damaged batch as one record that says so', async () => {
    const { partition, reader } = owned()
    const bytes = batch('first', 'second')
    bytes.writeUInt8(bytes.readUInt8(70) ^ 1, 70)
    reader.take(bytes)
    expect(await partition.read(ALL)).toEqual([{ offset: 1, value: bytes, headers: new Map(), isDamaged: true }])
  })

  it('gives what came before messages that cannot be read, then says which they are and what to set', async () => {
    const { partition, reader } = owned()
    reader.take(batch('first', 'second'))
    const snappy = batch('third')
    snappy.writeBigInt64BE(2n, 0)
    snappy.writeInt16BE(2, 21)
    snappy.writeUInt32BE(crc32c(snappy, 21), 17)
    reader.take(snappy)
    reader.take(batch('behind'))
    expect(await partition.read(ALL)).toHaveLength(2)
    const error = await partition.read(ALL).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(Misconfigured)
    expect((error as Misconfigured).problems).toEqual([
      {
        file: 'collectors.kafka',
        message:
          'topic otlp_spans, partition 0, offset 2: records are compressed with snappy, and only gzip and none can be read',
        suggestion: expect.stringContaining('--group group.otlp_spans --topic otlp_spans --reset-offsets'),
      },
    ])
  })

  it('ends a read that waits when it is told to stop, and still commits what is at hand', async () => {
    const { partition, stop, commits } = owned()
    const waiting = partition.read(ALL)
    stop.abort()
    expect(await waiting).toEqual([])
    await partition.commit(7)
    expect(commits).toEqual([7])
  })

  it('tells the group nothing more when it is lost, and gives nothing, not even to a read that waits', async () => {
    const { partition, reader, ownership, stop, commits } = owned()
    const waiting = partition.read(ALL)
    ownership.isLost = true
    stop.abort()
    reader.take(batch('first'))
    await expect(waiting).rejects.toThrow(Unavailable)
    await expect(partition.read(ALL)).rejects.toThrow(Unavailable)
    await expect(partition.commit(1)).rejects.toThrow(/group\.otlp_spans has given otlp_spans\/0 to another/)
    expect(commits).toEqual([])
  })
})
