import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Entry, openLedger, type Shelf, type StateChange } from './ledger.ts'

/** What the bus keeps of the changes. */
function persist(disk: Map<string, Uint8Array>, changes: readonly StateChange[]): void {
  for (const { key, value } of changes) {
    if (value === undefined) {
      disk.delete(key)
    } else {
      // As a disk would: the bytes are written over later.
      disk.set(key, Uint8Array.from(value))
    }
  }
}

const stateOf = (disk: ReadonlyMap<string, Uint8Array>) => [...disk].map(([key, value]) => ({ key, value }))
const contents = (shelf: Shelf<unknown>) => [...shelf.values()].map(({ age, value }) => ({ age, value }))

describe('ledger', () => {
  it('writes nothing when nothing changed', () => {
    const ledger = openLedger([])
    const shelf = ledger.shelf<{ n: number }>('numbers')
    shelf.add({ n: 1 })
    expect(ledger.changes().length).toBeGreaterThan(0)
    expect(ledger.changes()).toEqual([])
  })

  it('writes no entry that came and went between two calls', () => {
    const ledger = openLedger([])
    const shelf = ledger.shelf<{ n: number }>('numbers')
    shelf.drop(shelf.add({ n: 1 }))
    expect(ledger.changes().map(({ key }) => key)).toEqual(['counters'])
  })

  it('puts all entries of a batch in one chunk', () => {
    const ledger = openLedger([])
    const shelf = ledger.shelf<{ n: number }>('numbers')
    for (let n = 0; n < 500; n += 1) {
      shelf.add({ n })
    }
    expect(ledger.changes().map(({ key }) => key)).toEqual(['chunk/0', 'counters'])
  })

  it('restores what it held, oldest first, whatever was added, changed, renewed and dropped', () => {
    const step = fc.record({
      act: fc.constantFrom('add', 'add', 'changed', 'renew', 'drop', 'persist' as const),
      at: fc.nat(),
      text: fc.string({ maxLength: 5 }),
    })
    let rewritten = 0
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const disk = new Map<string, Uint8Array>()
        const ledger = openLedger([])
        const shelf = ledger.shelf<{ text: string }>('texts')
        for (const { act, at, text } of steps) {
          const entries = [...shelf.values()]
          const entry = entries[at % Math.max(1, entries.length)] as Entry<{ text: string }> | undefined
          if (act === 'add') {
            shelf.add({ text })
          } else if (act === 'persist') {
            persist(disk, ledger.changes())
          } else if (entry !== undefined) {
            entry.value.text = text
            shelf.changed(entry)
            if (act !== 'changed') {
              shelf[act as 'renew' | 'drop'](entry)
            }
          }
        }
        persist(disk, ledger.changes())
        const again = openLedger(stateOf(disk))
        expect(contents(again.shelf('texts'))).toEqual(contents(shelf))
        rewritten += disk.size > 2 ? 1 : 0
      }),
    )
    expect(rewritten).toBeGreaterThan(0)
  })

  it('keeps the chunks within about twice what is alive', () => {
    const ledger = openLedger([])
    const disk = new Map<string, Uint8Array>()
    const shelf = ledger.shelf<{ text: string }>('texts')
    const kept: Entry<{ text: string }>[] = []
    for (let batch = 0; batch < 50; batch += 1) {
      const added = Array.from({ length: 20 }, () => shelf.add({ text: 'x'.repeat(100) }))
      persist(disk, ledger.changes())
      kept.push(added[0] as Entry<{ text: string }>)
      for (const entry of added.slice(1)) {
        shelf.drop(entry)
      }
    }
    persist(disk, ledger.changes())
    const bytes = [...disk.values()].reduce((sum, value) => sum + value.length, 0)
    expect(contents(openLedger(stateOf(disk)).shelf('texts'))).toHaveLength(kept.length)
    expect(bytes).toBeLessThan(kept.length * 150 * 2)
  })

  it('splits what would be too large for one message', () => {
    const ledger = openLedger([])
    const shelf = ledger.shelf<string>('texts')
    for (let n = 0; n < 10; n += 1) {
      shelf.add('x'.repeat(100_000))
    }
    const sizes = ledger.changes().map(({ value }) => value?.length ?? 0)
    expect(Math.max(...sizes)).toBeLessThan(512 * 1024)
    expect(sizes.length).toBeGreaterThan(2)
  })
})
