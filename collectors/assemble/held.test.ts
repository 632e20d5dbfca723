import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Deadlines } from './held.ts'

interface Item {
  deadline_ms: number
  armed: number
}

describe('deadlines', () => {
  it('give what is due first, then what waits longest, whatever was added, moved and removed', () => {
    const step = fc.record({ act: fc.constantFrom('add', 'add', 'move', 'remove'), at: fc.nat(), ms: fc.nat(5) })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
        const deadlines = new Deadlines<Item>()
        let model: Item[] = []
        let armed = 0
        for (const { act, at, ms } of steps) {
          armed += 1
          const item = model[at % Math.max(1, model.length)]
          if (act === 'add' || item === undefined) {
            const added = { deadline_ms: ms, armed }
            deadlines.add(added)
            model.push(added)
          } else {
            deadlines.remove(item)
            if (act === 'move') {
              Object.assign(item, { deadline_ms: ms, armed })
              deadlines.add(item)
            } else {
              Object.assign(item, { armed: 0 })
              model = model.filter((other) => other !== item)
            }
          }
          const [first] = model.toSorted((a, b) => a.deadline_ms - b.deadline_ms || a.armed - b.armed)
          expect(deadlines.first()).toBe(first)
          expect(deadlines.next()).toBe(first?.deadline_ms)
        }
      }),
    )
  })
})
