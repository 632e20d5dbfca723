import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ToolDefinition } from '../../schema/telemetry.ts'
import { changeOf, knownTool } from './change.ts'

const tool = (fields: Partial<ToolDefinition>, hash = 'a'): ToolDefinition => ({
  name: 'mail.send',
  hash: hash.repeat(64),
  words: '0'.repeat(16),
  parameters: ['mode:enum(2)', 'to:string!'],
  powers: ['send'],
  ...fields,
})
const between = (before: Partial<ToolDefinition>, after: Partial<ToolDefinition>) =>
  changeOf(knownTool(tool(before), '1', 0), knownTool(tool(after, 'b'), '1', 1))
const takes = (before: string[], after: string[]) => between({ parameters: before }, { parameters: after })?.kind

describe('what changed in a definition', () => {
  it('is nothing when it is the same', () => {
    expect(changeOf(knownTool(tool({}), '1', 0), knownTool(tool({}), '2', 9))).toBeUndefined()
  })

  it.each([
    ['its form', {}, {}, { kind: 'form', added: [] }],
    ['its description', {}, { words: '1'.repeat(16) }, { kind: 'description', added: [] }],
    [
      'a new parameter',
      {},
      { parameters: ['bcc:string', 'mode:enum(2)', 'to:string!'] },
      { kind: 'parameter', added: ['bcc:string'] },
    ],
    ['a new power', {}, { powers: ['delete', 'send'], words: '1'.repeat(16) }, { kind: 'wider', added: ['delete'] }],
    [
      'a new host, whatever else',
      {},
      { hosts: ['evil.test'], powers: ['run'] },
      { kind: 'hosts', added: ['evil.test'] },
    ],
    ['less than there was', {}, { parameters: ['to:string!'] }, { kind: 'narrower', added: [] }],
  ])('is %s', (_what, before, after, change) => {
    expect(between(before, after)).toEqual(change)
  })

  it.each([
    ['mode:enum(2)', 'mode:enum(3)'],
    ['mode:enum(2)', 'mode:string'],
    ['to:string', 'to:any'],
    ['to:string', 'to:object|string'],
    ['to:integer!', 'to:string!'],
  ])('is wider from %s to %s', (before, after) => {
    expect(takes([before], [after])).toBe('wider')
  })

  it.each([
    ['mode:enum(3)', 'mode:enum(2)'],
    ['mode:string', 'mode:enum(2)'],
    ['to:any', 'to:string'],
    ['to:string', 'to:string!'],
    ['to:string', 'to:null|string'],
  ])('is not wider from %s to %s', (before, after) => {
    expect(takes([before], [after])).toBe('form')
  })

  it('is wider where any name is taken', () => {
    expect(takes(['to:string'], ['*:any', 'to:string'])).toBe('wider')
  })

  it('does not call new what was only behind the end of a long list', () => {
    const many = Array.from({ length: 40 }, (_, index) => `p${String(index).padStart(2, '0')}:string`)
    expect(takes(many, many.slice(3))).not.toBe('parameter')
  })

  it('is found for any two definitions with different hashes', () => {
    const strings = fc.array(fc.string({ maxLength: 300 }), { maxLength: 48 })
    fc.assert(
      fc.property(strings, strings, strings, (one, other, powers) => {
        expect(between({ parameters: one }, { parameters: other, powers })).toBeDefined()
        expect(JSON.stringify(knownTool(tool({ parameters: one }), '', 0)).length).toBeLessThan(20_000)
      }),
    )
  })
})
