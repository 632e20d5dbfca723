import { describe, expect, it } from 'vitest'
import { BatchMemory } from './batch-memory.ts'

const MEGABYTE = 1024 * 1024

describe('memory of batches', () => {
  it('is used again for batches of about the same size', () => {
    const memory = new BatchMemory(3)
    const first = memory.take(5 * MEGABYTE)
    memory.give(first.subarray(0, 5 * MEGABYTE))
    expect(memory.take(6 * MEGABYTE).buffer).toBe(first.buffer)
  })

  it('of a large batch is not given to a small one while there is a smaller one', () => {
    const memory = new BatchMemory(3)
    const [large, small] = [memory.take(5 * MEGABYTE), memory.take(1000)]
    memory.give(large)
    memory.give(small)
    expect(memory.take(500).buffer).toBe(small.buffer)
    expect(memory.take(5 * MEGABYTE).buffer).toBe(large.buffer)
  })

  it('is never given to two at once', () => {
    const memory = new BatchMemory(3)
    const taken = memory.take(1000)
    expect(memory.take(1000).buffer).not.toBe(taken.buffer)
    memory.give(taken)
    expect(memory.take(1000).buffer).toBe(taken.buffer)
    expect(memory.take(1000).buffer).not.toBe(taken.buffer)
  })

  it('keeps as many as it is told, the largest', () => {
    const memory = new BatchMemory(3)
    const all = [1, 2, 4, 8].map((size) => memory.take(size * MEGABYTE))
    for (const each of all) {
      memory.give(each)
    }
    const again = [1, 1, 1, 1].map((size) => memory.take(size * MEGABYTE).buffer)
    expect(again.slice(0, 3)).toEqual(all.slice(1).map(({ buffer }) => buffer))
    expect(all.map(({ buffer }) => buffer)).not.toContain(again[3])
  })

  it('is not kept when it is huge', () => {
    const memory = new BatchMemory(3)
    const huge = memory.take(40 * MEGABYTE)
    memory.give(huge)
    expect(memory.take(40 * MEGABYTE).buffer).not.toBe(huge.buffer)
  })
})
