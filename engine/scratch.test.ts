import { describe, expect, it } from 'vitest'
import { Scratch } from './scratch.ts'

describe('scratch memory', () => {
  it('gives out bytes that nobody else writes to until it is reset, however much is asked for', () => {
    const scratch = new Scratch()
    const sizes = [10, 3 * 1024 * 1024, 1, 0, 40 * 1024 * 1024, 7]
    const given = sizes.map((size, index) => scratch.take(size).fill(index + 1))
    given.forEach((bytes, index) => {
      expect(bytes.length).toBe(sizes[index])
      expect(bytes.every((byte) => byte === index + 1)).toBe(true)
    })
  })

  it('uses its memory again after that', () => {
    const scratch = new Scratch()
    const first = scratch.take(100)
    scratch.reset()
    expect(scratch.take(100).buffer).toBe(first.buffer)
  })

  it('does not keep what it grew to for something unusual', () => {
    const scratch = new Scratch()
    const large = scratch.take(33 * 1024 * 1024)
    scratch.reset()
    expect(scratch.take(1).buffer).not.toBe(large.buffer)
  })

  it('copies', () => {
    const source = Buffer.from('abc')
    const copy = new Scratch().copy(source)
    source.fill(0)
    expect(copy.toString()).toBe('abc')
  })
})
