import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { seenEvents } from './seen.ts'

const id = (n: number) => createHash('sha256').update(String(n)).digest('hex').slice(0, 32)

/** What a store of state entries would hold after the given changes. */
function persist(stored: Map<string, Uint8Array>, changes: ReturnType<ReturnType<typeof seenEvents>['changes']>) {
  for (const { key, value } of changes) {
    if (value === undefined) {
      stored.delete(key)
    } else {
      stored.set(key, Uint8Array.from(value))
    }
  }
}
const entries = (stored: Map<string, Uint8Array>) => [...stored].map(([key, value]) => ({ key, value }))

describe('seenEvents', () => {
  it('knows an id the second time', () => {
    const seen = seenEvents(10_000, [])
    expect(seen.observe(id(1))).toBe(false)
    expect(seen.observe(id(1))).toBe(true)
    expect(seen.observe(id(2))).toBe(false)
  })

  it('survives a restart at any point', () => {
    const stored = new Map<string, Uint8Array>()
    let seen = seenEvents(10_000, [])
    for (let n = 0; n < 3000; n += 1) {
      seen.observe(id(n))
      if (n % 700 === 0) {
        persist(stored, seen.changes())
        seen = seenEvents(10_000, entries(stored))
      }
    }
    persist(stored, seen.changes())
    seen = seenEvents(10_000, entries(stored))
    for (let n = 0; n < 3000; n += 1) {
      expect(seen.observe(id(n))).toBe(true)
    }
  })

  it('forgets the oldest beyond its limit, in memory and in the state', () => {
    const stored = new Map<string, Uint8Array>()
    const seen = seenEvents(4096, [])
    for (let n = 0; n < 20_000; n += 1) {
      seen.observe(id(n))
      if (n % 500 === 0) {
        persist(stored, seen.changes())
      }
    }
    persist(stored, seen.changes())
    expect(seen.size).toBeLessThanOrEqual(4096)
    expect(seen.observe(id(19_999))).toBe(true)
    expect(seen.observe(id(0))).toBe(false)
    expect(seenEvents(4096, entries(stored)).size).toBeLessThanOrEqual(4096)
  })

  it('rewrites only what changed', () => {
    const seen = seenEvents(100_000, [])
    for (let n = 0; n < 5000; n += 1) {
      seen.observe(id(n))
    }
    seen.changes()
    seen.observe(id(5001))
    expect(seen.changes()).toHaveLength(1)
    expect(seen.changes()).toHaveLength(0)
  })
})
