import { describe, expect, it } from 'vitest'
import { examplePolicy } from '../detectors/arbitrary.ts'
import { Misconfigured } from '../schema/errors.ts'
import type { Act } from '../schema/policy/purpose.ts'

const judge = (section: string, act: Act | undefined, ...names: string[]) =>
  examplePolicy(`purpose: ${section}`).purpose?.judge({ acts: new Set(act === undefined ? [] : [act]), names })

function problemsOf(section: string) {
  try {
    examplePolicy(`purpose: ${section}`)
  } catch (error) {
    return error instanceof Misconfigured ? error.problems : [error]
  }
  return []
}

describe('a purpose', () => {
  it('brings what it forbids along', () => {
    expect(judge('{ declared: evaluation }', 'write', 'features.put', 'feature-store/users')).toEqual({
      forbidden: 'write on *feature*store*',
      by: 'purpose',
      expected: expect.stringMatching(/^evaluation: never write on \*feature\*store\*, .*delete/),
      policy: { file: 'policies/example.yml', line: 5, allow_with: "add 'features.put' to purpose.allow" },
    })
    expect(judge('{ declared: evaluation }', 'read', 'features.get', 'feature-store/users')).toBeUndefined()
    expect(judge('{ declared: evaluation }', 'write', 'results.save')).toBeUndefined()
    expect(judge('{ declared: Reporting }', 'delete', 'crm.delete')).toMatchObject({ forbidden: 'delete' })
    expect(judge('{ declared: reporting }', undefined, 'crm.delete')).toBeUndefined()
  })

  it('of the house is what the policy says it forbids', () => {
    const section =
      "{ declared: night watch, forbid: [write, 'feature-store/*', { act: read, on: hr.* }, { on: sends }] }"
    expect(judge(section, 'write', 'x')).toMatchObject({ forbidden: 'write', by: 'entry' })
    expect(judge(section, 'read', 'x', 'feature-store/users')).toMatchObject({ forbidden: 'feature-store/*' })
    expect(judge(section, undefined, 'x', 's3/Feature-Store/users')).toMatchObject({ forbidden: 'feature-store/*' })
    expect(judge(section, 'read', 'hr.salaries')).toMatchObject({ forbidden: 'read on hr.*' })
    expect(judge(section, 'delete', 'hr.salaries')).toBeUndefined()
    expect(judge(section, undefined, 'sends')).toMatchObject({ forbidden: 'sends' })
    expect(judge(section, 'send', 'mail.send')).toBeUndefined()
  })

  it('has exceptions', () => {
    const section = '{ declared: reporting, forbid: [write], allow: [mail.send_report, { act: write, on: notes.* }] }'
    expect(judge(section, 'send', 'mail.send_report')).toBeUndefined()
    expect(judge(section, 'write', 'notes.save')).toBeUndefined()
    expect(judge(section, 'delete', 'notes.drop')).toBeDefined()
    expect(judge(section, 'send', 'mail.send')).toBeDefined()
  })

  it('has exceptions for the act they name, and for no other that the same call does', () => {
    const { purpose } = examplePolicy('purpose: { declared: reporting, allow: [send] }')
    const acts = (...all: Act[]) => purpose?.judge({ acts: new Set(all), names: ['mail.move'] })
    expect(acts('send')).toBeUndefined()
    expect(acts('delete', 'send')).toMatchObject({ forbidden: 'delete' })
  })
})

describe('a purpose that is wrong', () => {
  it('is told, with what may have been meant', () => {
    expect(problemsOf('{ declared: evalution }')).toMatchObject([
      { line: 5, message: expect.stringContaining('would forbid nothing'), suggestion: "did you mean 'evaluation'?" },
    ])
    expect(problemsOf('{ declared: night watch }')).toMatchObject([
      { suggestion: expect.stringContaining('declare one of: evaluation, reporting') },
    ])
    expect(problemsOf('{ declared: coding, forbid: [writ] }')).toMatchObject([
      { message: "'writ' is no act", suggestion: expect.stringContaining("did you mean 'write'?") },
    ])
    expect(problemsOf('{ declared: night watch, forbid: [{ act: wipe, on: x }] }')).toHaveLength(1)
  })
})
