import { describe, expect, it } from 'vitest'
import { Misconfigured } from '../schema/errors.ts'
import type { ToolDefinition } from '../schema/telemetry.ts'
import { compilePolicies } from './compile.ts'

const HASH = 'a'.repeat(64)
const compiled = (section: string, mode = 'alert') => {
  const text = `version: 1\nid: a\nagent: { id: '*' }\nmode: ${mode}\nintegrity: ${section}\n`
  return compilePolicies([{ path: 'a.yml', name: 'policies/a.yml', text }]).policies[0]?.integrity
}
const tool = (fields: Partial<ToolDefinition>): ToolDefinition => ({
  name: 'mail.send',
  hash: HASH,
  words: '0'.repeat(16),
  parameters: [],
  ...fields,
})

describe('integrity pins', () => {
  it('answer only where something is pinned', () => {
    const pins = compiled("{ models: ['gpt-*'] }")
    expect(pins?.judge('models', 'gpt-4o')).toEqual({ allowed: true })
    expect(pins?.judge('models', 'other')).toMatchObject({ allowed: false, expected: 'gpt-*', policy: { line: 5 } })
    expect(pins?.judge('system_prompt', HASH)).toBeUndefined()
    expect(pins?.judgeDefinition(tool({}))).toBeUndefined()
    expect(pins?.judgeParameter('temperature', 2)).toBeUndefined()
    expect(pins?.judgeParameter('constructor', 2)).toBeUndefined()
  })

  it('compare a tool with the pin of its server, else with that of its name', () => {
    const other = 'b'.repeat(64)
    const pins = compiled(
      `{ tools: [{ name: mail.send, definition: ${HASH} }, { name: mail.send, server: x, definition: ${other} }] }`,
    )
    expect(pins?.judgeDefinition(tool({}))).toEqual({ allowed: true })
    expect(pins?.judgeDefinition(tool({ server: 'y' }))).toEqual({ allowed: true })
    expect(pins?.judgeDefinition(tool({ server: 'x' }))).toMatchObject({ allowed: false, expected: 'bbbbbbbbbbbb...' })
    expect(pins?.judgeDefinition(tool({ name: 'mail.read', hash: other }))).toBeUndefined()
  })

  it('hold numbers to both ends of a range', () => {
    const pins = compiled('{ parameters: { temperature: { min: 0.1, max: 1 } } }')
    expect([0, 0.1, 1, 1.1].map((value) => pins?.judgeParameter('temperature', value)?.allowed)).toEqual([
      false,
      true,
      true,
      false,
    ])
  })

  it('are none while the policy is off', () => {
    expect(compiled("{ models: ['gpt-*'] }", 'off')).toBeUndefined()
  })

  it('must be hashes where they are hashes', () => {
    expect(() => compiled('{ system_prompt: [abc] }')).toThrow(Misconfigured)
    expect(() => compiled('{ parameters: { temperature: {} } }')).toThrow(Misconfigured)
  })
})
