import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { BusRecord } from '../bus.ts'
import { recordBytes } from '../record-bytes.ts'
import { Tail } from './tail.ts'

const records = (count: number, from = 0): BusRecord[] =>
  Array.from({ length: count }, (_, n) => ({ key: 'k', value: Buffer.from(String(from + n)) }))

describe('Tail', () => {
  it('hands back the very arrays that were appended, from any offset on', () => {
    const tail = new Tail(1_000_000)
    const first = records(3)
    tail.push(10, first)
    tail.push(13, records(2, 3))
    const reader = tail.readerAt(11)
    expect(reader?.next()).toEqual({ offset: 11, key: 'k', value: first[1]?.value })
    expect(reader?.next().value).toBe(first[2]?.value)
    expect(reader?.position).toBe(reader?.end)
    expect(tail.readerAt(13)?.next().value.toString()).toBe('3')
  })

  it('has nothing before its beginning or after its end', () => {
    const tail = new Tail(1_000_000)
    expect(tail.readerAt(0)).toBeUndefined()
    tail.push(10, records(3))
    expect(tail.readerAt(9)).toBeUndefined()
    expect(tail.readerAt(13)).toBeUndefined()
  })

  it('forgets the oldest beyond its bound and agrees with the log on what is left', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 30 }), (runs) => {
        const tail = new Tail(500)
        let end = 0
        for (const count of runs) {
          tail.push(end, records(count, end))
          end += count
        }
        for (let offset = 0; offset < end; offset += 1) {
          const found = tail.readerAt(offset)?.next()
          if (found !== undefined) {
            expect(found.value.toString()).toBe(String(offset))
          }
        }
        const bytes = records(end).reduce((sum, record) => sum + recordBytes(record), 0)
        expect(tail.readerAt(0) !== undefined).toBe(bytes <= 500)
      }),
    )
  })

  it('forgets runs that everybody has read to their end', () => {
    const tail = new Tail(1000)
    tail.push(0, records(2))
    tail.push(2, records(1, 2))
    tail.forget(1)
    expect(tail.readerAt(0)?.next().value.toString()).toBe('0')
    tail.forget(2)
    expect(tail.readerAt(1)).toBeUndefined()
    expect(tail.readerAt(2)?.next().value.toString()).toBe('2')
    tail.forget(100)
    expect(tail.readerAt(2)).toBeUndefined()
    tail.push(3, records(1, 3))
    expect(tail.readerAt(3)?.next().value.toString()).toBe('3')
  })
})
