import fc from 'fast-check'
import { expect, it } from 'vitest'
import { jsonOf } from './json.ts'

it('reads every value that is written as JSON, with space around it', () => {
  fc.assert(
    fc.property(fc.json(), fc.constantFrom('', ' ', '\n\t'), (json, space) => {
      expect(jsonOf(`${space}${json}${space}`)).toEqual(JSON.parse(json))
    }),
  )
})

it.each(['', 'rm -rf /', '{"command": "rm -r', 'null and void', '-', undefined, 7, { a: 1 }])(
  'is silent of %j',
  (text) => {
    expect(jsonOf(text)).toBeUndefined()
  },
)
