import { describe, expect, it } from 'vitest'
import type { BusRecord } from '../bus.ts'
import { HandedOn } from './handed-on.ts'

const record = (name: string, bytes = 10): BusRecord => ({ key: 'k', value: new Uint8Array(bytes), decoded: { name } })

function opened(): HandedOn {
  const handedOn = new HandedOn()
  handedOn.open(0)
  return handedOn
}

describe('what is handed on', () => {
  it('is what was appended at that offset, once', () => {
    const handedOn = opened()
    handedOn.keep(0, 7, [record('a'), record('b')])
    expect(handedOn.take(0, 7)).toEqual({ name: 'a' })
    expect(handedOn.take(0, 7)).toBeUndefined()
    expect(handedOn.take(0, 8)).toEqual({ name: 'b' })
    expect(handedOn.take(0, 9)).toBeUndefined()
  })

  it('is only of partitions that are read here', () => {
    const handedOn = opened()
    handedOn.keep(1, 0, [record('a')])
    expect(handedOn.take(1, 0)).toBeUndefined()
    handedOn.keep(0, 0, [record('a')])
    handedOn.close(0)
    expect(handedOn.take(0, 0)).toBeUndefined()
  })

  it('is nothing of what lies before the offset asked for: that was read already', () => {
    const handedOn = opened()
    handedOn.keep(0, 0, [record('a'), record('b'), record('c')])
    expect(handedOn.take(0, 2)).toEqual({ name: 'c' })
    expect(handedOn.take(0, 1)).toBeUndefined()
  })

  it('is nothing of before, when the partition is opened again', () => {
    const handedOn = opened()
    handedOn.keep(0, 3, [record('of the topic that was there before')])
    handedOn.open(0)
    expect(handedOn.take(0, 3)).toBeUndefined()
  })

  it('is bounded by bytes, and goes on when some were taken', () => {
    const handedOn = opened()
    const large = 3 * 1024 * 1024
    handedOn.keep(0, 0, [record('a', large), record('b', large), record('c', large)])
    expect(handedOn.take(0, 0)).toEqual({ name: 'a' })
    expect(handedOn.take(0, 1)).toEqual({ name: 'b' })
    expect(handedOn.take(0, 2)).toBeUndefined()
    handedOn.keep(0, 3, [record('d', large)])
    expect(handedOn.take(0, 3)).toEqual({ name: 'd' })
  })
})
