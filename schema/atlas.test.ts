import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ATLAS_VERSION, TACTICS, TECHNIQUES, tactic, technique } from './atlas.ts'

const reference = join(process.env.TELLTALE_DATA ?? '../shared/data', 'atlas/techniques-2026.09.json')

describe('technique', () => {
  test('finds a technique and a sub-technique by id', () => {
    expect(technique('AML.T0086')).toMatchObject({
      id: 'AML.T0086',
      title: 'Exfiltration via AI Agent Tool Invocation',
      tactics: ['AML.TA0010'],
    })
    expect(technique('AML.T0051.001')).toEqual({
      id: 'AML.T0051.001',
      name: 'Indirect',
      title: 'LLM Prompt Injection: Indirect',
      parent: 'AML.T0051',
      tactics: ['AML.TA0005'],
    })
  })

  test.each([
    ['AML.T0104', 'AML.T0115.002'],
    ['AML.T0019', 'AML.T0115.000'],
    ['AML.T0058', 'AML.T0115.001'],
    ['AML.T0045', 'AML.T0048.004'],
    ['LLM Meta Prompt Extraction', 'AML.T0056'],
    ['LLM Plugin Compromise', 'AML.T0053'],
    ['Full ML Model Access', 'AML.T0044'],
    ['extract llm system prompt', 'AML.T0056'],
  ])('follows %s of an older release to %s', (old, now) => {
    expect(technique(old)?.id).toBe(now)
  })

  test.each(['AML.T9999', 'AML.TA0005', '', 'constructor', '__proto__'])('knows nothing of %j', (id) => {
    expect(technique(id)).toBeUndefined()
  })
})

describe('the table', () => {
  test('has the counts that the release states', () => {
    expect(ATLAS_VERSION).toBe('2026.09')
    expect(TACTICS).toHaveLength(16)
    expect(TECHNIQUES.filter((each) => each.parent === undefined)).toHaveLength(120)
    expect(TECHNIQUES.filter((each) => each.parent !== undefined)).toHaveLength(88)
    expect(TECHNIQUES.flatMap((each) => each.tactics)).toHaveLength(225)
  })

  test('names only tactics that exist', () => {
    expect(TECHNIQUES.flatMap((each) => each.tactics).filter((id) => tactic(id) === undefined)).toEqual([])
  })
})

describe.skipIf(!existsSync(reference))('the table, compared with ATLAS (skipped without TELLTALE_DATA)', () => {
  test('has every technique with its name, parent and tactics, and no other', () => {
    const expected = JSON.parse(readFileSync(reference, 'utf8'))
    const ours = TECHNIQUES.map(({ id, name, tactics, parent }) =>
      parent === undefined ? { id, name, tactics } : { id, name, tactics, parent },
    )
    expect(ours).toEqual(expected)
  })
})
