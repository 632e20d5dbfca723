import fc from 'fast-check'
import { expect, it } from 'vitest'
import { recencyOf } from './recency.ts'

it('keeps the order of last use, as a list would', () => {
  const step = fc.tuple(fc.boolean(), fc.nat(7))
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const recency = recencyOf(8)
      let order: number[] = []
      for (const [removes, index] of steps) {
        const others = order.filter((other) => other !== index)
        if (!removes) {
          recency.use(index)
          order = [...others, index]
        } else if (others.length < order.length) {
          recency.remove(index)
          order = others
        }
        expect(recency.oldest()).toBe(order[0] ?? -1)
        expect(recency.count).toBe(order.length)
      }
      for (const index of order) {
        expect(recency.oldest()).toBe(index)
        recency.remove(index)
      }
      expect(recency.oldest()).toBe(-1)
    }),
  )
})
