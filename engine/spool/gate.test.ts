import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Gate } from './gate.ts'

beforeEach(() => {
  vi.useFakeTimers()
})

afterEach(() => {
  vi.useRealTimers()
})

describe('the gate', () => {
  test('holds nobody while it is open', () => {
    expect(new Gate({ limitMs: 1000, maxBytes: 100 }).pass(1)).toBeUndefined()
  })

  test('lets those who wait go on in the order in which they came', async () => {
    const gate = new Gate({ limitMs: 1000, maxBytes: 100 })
    const passed: number[] = []
    gate.close()
    const waiting = [1, 2, 3].map((number) => gate.pass(1)?.then(() => passed.push(number)))
    await vi.advanceTimersByTimeAsync(999)
    expect(passed).toEqual([])
    gate.open()
    await Promise.all(waiting)
    expect(passed).toEqual([1, 2, 3])
  })

  test('holds nobody for longer than the limit, however often it is closed meanwhile', async () => {
    const gate = new Gate({ limitMs: 1000, maxBytes: 100 })
    gate.close()
    const waiting = gate.pass(1)
    await vi.advanceTimersByTimeAsync(600)
    gate.close()
    await vi.advanceTimersByTimeAsync(400)
    await waiting
    expect(gate.pass(1)).toBeUndefined()
  })

  test('closes for the whole limit when it was opened in between', async () => {
    const gate = new Gate({ limitMs: 1000, maxBytes: 100 })
    gate.close()
    await vi.advanceTimersByTimeAsync(600)
    gate.open()
    gate.close()
    await vi.advanceTimersByTimeAsync(600)
    expect(gate.pass(1)).toBeInstanceOf(Promise)
  })

  test('holds no more than its bytes: it opens instead, and counts anew', async () => {
    const gate = new Gate({ limitMs: 1000, maxBytes: 100 })
    gate.close()
    await Promise.all([gate.pass(60), gate.pass(41)])
    expect(gate.pass(1)).toBeUndefined()
    gate.close()
    void gate.pass(100)
    expect(gate.pass(0)).toBeInstanceOf(Promise)
  })
})
