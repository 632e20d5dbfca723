import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv } from 'ajv'
import { describe, expect, test } from 'vitest'
import { publishedSchemas } from './generate.ts'

describe.each([...publishedSchemas()])('schema/json/%s', (name, text) => {
  test('is what its source says (run `node dist/schema/generate.js` when this fails)', () => {
    expect(readFileSync(join(import.meta.dirname, 'json', name), 'utf8')).toBe(text)
  })

  test('is a JSON Schema that others can compile', () => {
    const schema = JSON.parse(text)
    expect(schema.$schema).toBe('http://json-schema.org/draft-07/schema#')
    expect(() => new Ajv({ strict: false, logger: false }).compile(schema)).not.toThrow()
  })
})
