import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DeadLetter } from '../schema/dead-letter.ts'
import { idOf } from '../schema/ids.ts'
import { validator } from '../schema/validate.ts'
import type { RefusedRow, Store } from '../store/store.ts'
import { exampleNotice } from '../test/example-alert.ts'
import type { Bus, StoredRecord } from './bus/bus.ts'
import { openEmbeddedBus } from './bus/embedded.ts'
import { type DeadLetterFacts, deadLetterOf, deadLetterRecord, readDeadLetter } from './dead-letter.ts'
import { decode, encode } from './records.ts'
import { runWriter, WRITE_GROUP, type WrittenBatch } from './write.ts'

const validate = validator(DeadLetter)
const NOW_MS = 1_790_000_000_000

const facts: DeadLetterFacts = {
  time_ms: 1_780_000_000_000,
  stage: 'assemble',
  reason: 'not-a-fragment',
  topic: 'fragments',
  partition: 3,
  offset: 17,
}
const poison = { key: 'acme\u001fsession', value: Buffer.from([0xff, 0x00, 0x7b]) }
const stored = (value: Uint8Array, key = 'k'): StoredRecord => ({ key, value, offset: 5 })
const read = (value: object, key?: string) => readDeadLetter(stored(encode(value), key), 1, NOW_MS)

describe('a dead letter', () => {
  it('holds the bytes as they were, and why they were given up', () => {
    expect(deadLetterOf(facts, poison)).toEqual({
      letter_id: idOf('assemble', undefined, 'fragments', 3, 17, poison.key, '/wB7'),
      tenant_id: 'acme',
      ...facts,
      key: poison.key,
      value_base64: '/wB7',
    })
  })

  it('has an id of what was given up, by whom and where, whenever that was', () => {
    const letter = deadLetterOf(facts, poison)
    expect(deadLetterOf({ ...facts, time_ms: 1 }, poison).letter_id).toBe(letter.letter_id)
    const others = [{ offset: 18 }, { partition: 4 }, { topic: 'events' }, { stage: 'write' }, { sink: 'siem' }]
    const ids = others.map((change) => deadLetterOf({ ...facts, ...change }, poison).letter_id)
    expect(new Set([letter.letter_id, ...ids]).size).toBe(others.length + 1)
    expect(deadLetterOf(facts, { ...poison, value: Buffer.from('{}') }).letter_id).not.toBe(letter.letter_id)
  })

  it('is of the tenant that the key names, whatever a letter says, and of nobody when it names none', () => {
    const said = { ...deadLetterOf(facts, poison), tenant_id: 'another' }
    expect(read(said)).toMatchObject({ tenant_id: 'acme' })
    expect(read(said, 'another\u001fk')).toMatchObject({ tenant_id: 'acme' })
    for (const key of ['', 'acme', '\u001facme', '\u001f']) {
      expect(deadLetterOf(facts, { ...poison, key })).toMatchObject({ tenant_id: '' })
    }
    const torn = readDeadLetter(stored(Buffer.from('{"torn":'), 'acme\u001fk'), 1, NOW_MS)
    expect(torn).toMatchObject({ tenant_id: 'acme', reason: 'unreadable-letter' })
  })

  it('is read as it was written', () => {
    const sunk = { ...facts, sink: 'siem', attempts: 0, alert_id: 'a', detail: 'lone \ud800' }
    for (const letter of [deadLetterOf(facts, poison), deadLetterOf(sunk, poison)]) {
      expect(readDeadLetter({ ...deadLetterRecord(letter), offset: 5 }, 1, NOW_MS)).toEqual(letter)
    }
  })
})

describe('a letter of a version before the one form is read as far as it goes', () => {
  it('of a stage: all but its time', () => {
    const { time_ms: _, ...known } = facts
    expect(read({ ...known, key: poison.key, value_base64: '/wB7' })).toEqual(
      deadLetterOf({ ...known, time_ms: NOW_MS }, poison),
    )
  })

  it('of a delivery: the notice is what was given up, of the tenant of its alert', () => {
    const notice = exampleNotice(0, { tenant_id: 'acme' })
    const { alert_id } = notice.alert
    const former = { sink: 'siem', reason: 'http-410', detail: 'the receiver answered 410', attempts: 1 }
    expect(read({ ...former, notice }, alert_id)).toEqual(
      deadLetterOf(
        { time_ms: NOW_MS, stage: 'deliver', ...former, alert_id },
        { key: alert_id, value: encode(notice) },
        'acme',
      ),
    )
  })

  it('of what was no notice: the reason and the offset', () => {
    expect(read({ reason: 'invalid-notice', offset: 9 })).toEqual(
      deadLetterOf(
        { time_ms: NOW_MS, stage: 'deliver', reason: 'invalid-notice', offset: 9 },
        { key: 'k', value: Buffer.alloc(0) },
      ),
    )
  })
})

describe('what is no letter', () => {
  it.each(['', '{"torn":', 'null', '7', '"reason"', '[]', '{}', '{"reason":""}', '{"reason":{"a":1}}', '\u0000'])(
    'becomes one that holds it: %j',
    (text) => {
      const place = { topic: 'dead_letters', partition: 1, offset: 5 }
      const record = stored(Buffer.from(text))
      expect(readDeadLetter(record, 1, NOW_MS)).toEqual(
        deadLetterOf({ time_ms: NOW_MS, stage: 'unknown', reason: 'unreadable-letter', ...place }, record),
      )
    },
  )

  it('never hinders: whatever is there is read as a valid letter', () => {
    const names = ['reason', 'time_ms', 'stage', 'detail', 'sink', 'attempts', 'alert_id', 'topic', 'offset', 'notice']
    const values = fc.oneof(fc.jsonValue(), fc.string({ unit: 'binary' }), fc.constantFrom(-1, 1.5, 2 ** 60, '\ud800'))
    const said = fc.dictionary(fc.constantFrom(...names, 'key', 'value_base64', 'partition', '__proto__'), values)
    fc.assert(
      fc.property(said, fc.boolean(), (value, hasReason) => {
        const letter = read(hasReason ? { ...value, reason: 'r' } : value)
        expect(validate(letter)).toBeUndefined()
        expect(validate(decode(encode(letter)))).toBeUndefined()
      }),
    )
    const deep = Buffer.from(`{"reason":"r","notice":${'['.repeat(100_000)}${']'.repeat(100_000)}}`)
    const huge = Buffer.from('{"reason":"r","time_ms":1e999,"detail":"x"}')
    expect(validate(readDeadLetter(stored(deep), 1, NOW_MS))).toBeUndefined()
    expect(readDeadLetter(stored(huge), 1, NOW_MS)).toMatchObject({ time_ms: NOW_MS, detail: 'x' })
    expect(read({ reason: 'r', detail: 'x'.repeat(9999) }).detail).toHaveLength(1000)
  })
})

describe('the writer', () => {
  let directory: string
  let bus: Bus
  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'telltale-dead-letter-'))
    bus = await openEmbeddedBus({ directory, partitions: 1, sync: false })
  })
  afterEach(async () => {
    await bus.close()
    rmSync(directory, { recursive: true, force: true })
  })

  /** Writes until all letters are written and committed, to a store that refuses what `refuses` says. */
  async function writeLetters(refuses: (row: DeadLetter) => boolean) {
    const stop = new AbortController()
    const rows: DeadLetter[] = []
    const batches: WrittenBatch[] = []
    const insert: Store['insert'] = async (batch) => {
      const letters = batch.rows.map((row) => decode<DeadLetter>(row))
      const refused = letters.flatMap((letter, index): RefusedRow[] =>
        refuses(letter) ? [{ index, reason: 'unstorable' }] : [],
      )
      rows.push(...(refused.length === 0 ? letters : []))
      return refused
    }
    await runWriter({
      bus,
      store: { insert, hasBatch: async () => false } as Partial<Store> as Store,
      signal: stop.signal,
      topics: ['dead_letters'],
      limits: { intervalMs: 1 },
      onBatch: (batch) => {
        batches.push(batch)
        stop.abort()
      },
    })
    return { rows, batches }
  }

  it('stores letters in the one form, whatever is on the topic', async () => {
    const letter = deadLetterOf(facts, poison)
    const torn = { key: 'k', value: Buffer.from('{"torn":') }
    await bus.append('dead_letters', [deadLetterRecord(letter), torn])
    const { rows } = await writeLetters(() => false)
    expect(rows).toEqual([
      letter,
      expect.objectContaining({ stage: 'unknown', offset: 1, value_base64: torn.value.toString('base64') }),
    ])
  })

  it('writes no letter about a letter that the store refuses, and goes on however many there are', async () => {
    const letters = Array.from({ length: 300 }, (_, offset) => deadLetterOf({ ...facts, offset }, poison))
    await bus.append('dead_letters', letters.map(deadLetterRecord))
    const { rows, batches } = await writeLetters(({ offset }) => offset !== 7)
    expect(rows.map(({ offset }) => offset)).toEqual([7])
    expect(batches.map(({ refused }) => [...refused])).toEqual([[['unstorable', 299]]])
    expect((await bus.lag()).find(({ group }) => group === WRITE_GROUP)?.end).toBe(300)
  })
})
