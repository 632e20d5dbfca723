import { describe, expect, it } from 'vitest'
import { callIdOf, sameTool } from './keys.ts'

describe('callIdOf', () => {
  it('is the call id', () => {
    expect(callIdOf({ tool: { call_id: 'toolu_01' } })).toBe('toolu_01')
  })

  it.each(['', '0', '17', '1234567890'])('is nothing for %j, which another connection may use, too', (call_id) => {
    expect(callIdOf({ tool: { call_id } })).toBeUndefined()
  })
})

describe('sameTool', () => {
  it.each([
    ['search', 'search'],
    ['Search', 'search'],
    ['mcp__crm__search', 'search'],
    ['mcp__crm__find_all', 'find_all'],
    ['crm-search', 'search'],
    ['crm/search', 'search'],
    ['Plugin.Search', 'search'],
  ])('holds of %s and %s', (one, other) => {
    expect([sameTool(one, other), sameTool(other, one)]).toEqual([true, true])
  })

  it.each([
    ['search', 'research'],
    ['search', 'send'],
    ['search', ''],
    ['', ''],
    [undefined, undefined],
  ])('does not hold of %s and %s', (one, other) => {
    expect([sameTool(one, other), sameTool(other, one)]).toEqual([false, false])
  })
})
