import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { allowListTable, hasAllowListData, measureAllowLists } from './allow-lists.ts'

const DATA = join(process.env.TELLTALE_DATA ?? '../shared/data', 'evaluation')

describe.skipIf(!hasAllowListData(DATA))('allow-lists on recorded agents (skipped without the evaluation data)', () => {
  it('finds every forbidden call and no other', () => {
    const results = measureAllowLists(DATA)
    expect(results).toHaveLength(2)
    for (const { forbidden, found, misses, falseAlarms } of results) {
      expect(forbidden).toBeGreaterThan(0)
      expect({ found, misses, falseAlarms }).toEqual({ found: forbidden, misses: 0, falseAlarms: 0 })
    }
    expect(allowListTable(results)).toContain('ToolBench')
  })
})
