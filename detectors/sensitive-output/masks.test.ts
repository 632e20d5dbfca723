import { describe, expect, it } from 'vitest'
import { bulkIn } from './masks.ts'

const MASKS = '[masked:email] '.repeat(12)

describe('a list of personal data', () => {
  it('is read in time that grows with the text, also where lists of addressees never end', () => {
    // Eight times as much as telemetry keeps: quadratic reading takes hundreds of milliseconds, linear reading one or two.
    const text = `${MASKS}${'"to":['.repeat(10_640)}`
    const times = Array.from({ length: 5 }, () => {
      const started = performance.now()
      expect(bulkIn(text, 'arguments', {})).toMatchObject({ contacts: 12 })
      return performance.now() - started
    })
    expect(Math.min(...times)).toBeLessThan(20)
  })

  it('leaves out every field of addressees that is closed, and no more', () => {
    const fields = `{"to": ["[masked:email]", "Kim <[masked:email]>"], "CC":"${MASKS}", "guests": []`
    expect(bulkIn(`${fields}}`, 'arguments', {})).toBeUndefined()
    expect(bulkIn(`${fields}, "body": "${MASKS}"}`, 'arguments', {})).toMatchObject({ contacts: 12 })
    expect(bulkIn(`${fields}, "bcc": [${MASKS}`, 'arguments', {})).toMatchObject({ contacts: 12 })
    expect(bulkIn(`{"x": "${MASKS}", "to": 5`, 'arguments', {})).toMatchObject({ contacts: 12 })
  })
})
