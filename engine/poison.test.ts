import { describe, expect, test } from 'vitest'
import { PoisonWatch, TooMuchPoison } from './poison.ts'

/** Takes note of batches of ten records, of which so many are bad. */
function watching(watch: PoisonWatch, batches: number, bad: number): void {
  for (let batch = 0; batch < batches; batch += 1) {
    watch.observe(
      10,
      Array.from({ length: bad }, () => ({ reason: 'invalid' })),
    )
  }
}

describe('the watch over what cannot be processed', () => {
  test('lets half of the records be bad, and stops at more', () => {
    const watch = new PoisonWatch('detect')
    watching(watch, 100, 5)
    expect(() => watching(watch, 1, 10)).toThrow(TooMuchPoison)
  })

  test('says nothing of a few records, however bad', () => {
    expect(() => watching(new PoisonWatch('detect'), 19, 10)).not.toThrow()
    expect(() => watching(new PoisonWatch('detect'), 20, 10)).toThrow('200 of its last 200 records')
  })

  test('goes by the last records alone: what was good long ago excuses nothing, and what was bad is forgotten', () => {
    const good = new PoisonWatch('detect')
    watching(good, 1000, 0)
    expect(() => watching(good, 51, 10)).toThrow('510 of its last 1000 records')

    const bad = new PoisonWatch('detect', { share: 0.6 })
    watching(bad, 100, 6)
    watching(bad, 100, 0)
    expect(() => watching(bad, 60, 10)).not.toThrow()
    expect(() => watching(bad, 1, 10)).toThrow('610 of its last 1000 records')
  })
})
