import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ToolPolicy } from '../schema/policy/tools.ts'
import type { Tool } from '../schema/telemetry.ts'
import { compileTools } from './tools.ts'

function judge(policy: ToolPolicy, tool: Tool | string) {
  const lineOf = (path: readonly (string | number)[]) => (path.length === 1 ? 10 : 11 + Number(path[1]))
  return compileTools(policy, 'policies/a.yml', lineOf)(typeof tool === 'string' ? { name: tool } : tool)
}

function allows(policy: ToolPolicy, tool: Tool | string): boolean {
  return judge(policy, tool).allowed
}

describe('allow', () => {
  it('is a closed world', () => {
    const policy = { allow: ['kb.search', 'crm.*'] }
    expect(allows(policy, 'kb.search')).toBe(true)
    expect(allows(policy, 'crm.read')).toBe(true)
    expect(allows(policy, 'crm')).toBe(false)
    expect(allows(policy, 'shell.exec')).toBe(false)
  })

  it('compares exactly: another case or an invisible character is another tool', () => {
    for (const name of ['KB.search', 'kb.search ', 'kb.se\u200barch', 'kb\u2024search', 'kb.se\u0430rch']) {
      expect(allows({ allow: ['kb.search'] }, name)).toBe(false)
    }
  })

  it('that is empty allows nothing, and that is absent allows what is not denied', () => {
    expect(judge({ allow: [] }, 'a')).toMatchObject({ allowed: false, expected: 'no tool' })
    expect(allows({ deny: ['b'] }, 'a')).toBe(true)
  })

  it('explains what would allow the call', () => {
    expect(judge({ allow: ['kb.search', 'crm.*'] }, 'shell.exec')).toEqual({
      allowed: false,
      because: 'not-listed',
      expected: 'kb.search, crm.*',
      policy: { file: 'policies/a.yml', line: 10, allow_with: "add 'shell.exec' to tools.allow" },
    })
  })

  it('keeps a long list short', () => {
    const verdict = judge({ allow: Array.from({ length: 500 }, (_, index) => `tool-number-${index}`) }, 'x')
    expect(verdict).toMatchObject({ expected: expect.stringMatching(/^tool-number-0, .* and \d+ more$/) })
    expect(JSON.stringify(verdict).length).toBeLessThan(700)
  })
})

describe('deny', () => {
  it('beats allow', () => {
    const policy = { allow: ['crm.*'], deny: ['crm.delete', 'crm.export*'] }
    expect(allows(policy, 'crm.read')).toBe(true)
    expect(judge(policy, 'crm.export_all')).toEqual({
      allowed: false,
      because: 'denied',
      expected: 'crm.*; never crm.delete, crm.export*',
      policy: { file: 'policies/a.yml', line: 12, allow_with: "remove 'crm.export*' from tools.deny" },
    })
  })

  it('is not escaped by case, width or invisible characters', () => {
    for (const name of ['Shell.Exec', 'SHELL.EXEC', '\uff53hell.exec', 'she\u200bll.exec', 'shell\u2024exec']) {
      expect(allows({ deny: ['shell.exec'] }, name)).toBe(false)
      expect(allows({ deny: ['shell.*'] }, name)).toBe(false)
    }
  })
})

describe('the server of a tool', () => {
  it('may be named before the tool', () => {
    const policy = { allow: ['crm/*'] }
    expect(allows(policy, { name: 'read', server: 'crm' })).toBe(true)
    expect(allows(policy, 'crm/read')).toBe(true)
    expect(allows(policy, { name: 'read', server: 'other' })).toBe(false)
    expect(allows(policy, 'read')).toBe(false)
  })

  it('cannot be claimed by a tool of another server through a slash in its name', () => {
    expect(allows({ allow: ['crm/*'] }, { name: 'crm/read', server: 'evil' })).toBe(false)
    expect(allows({ allow: ['crm/*'] }, { name: 'crm/read', server: 'crm' })).toBe(true)
    expect(allows({ deny: ['crm/read'] }, { name: 'crm/read', server: 'evil' })).toBe(false)
  })

  it('can be pinned: no other server, and no call that names none', () => {
    const policy = { allow: [{ name: 'tickets.*', server: 'tickets' }] }
    expect(allows(policy, { name: 'tickets.close', server: 'tickets' })).toBe(true)
    expect(allows(policy, { name: 'tickets.close', server: 'tickets-evil' })).toBe(false)
    expect(allows(policy, 'tickets.close')).toBe(false)
    expect(judge(policy, 'x')).toMatchObject({ expected: 'tickets.* on tickets' })
  })

  it('is told when another than the pinned one answers', () => {
    const policy = { allow: ['kb.search', { name: 'tickets.*', server: 'tickets' }, 'crm/read', 'files/*'] }
    expect(judge(policy, { name: 'tickets.close', server: 'evil' })).toMatchObject({
      because: 'other-server',
      policy: { line: 12, allow_with: "add { name: 'tickets.close', server: 'evil' } to tools.allow" },
    })
    expect(judge(policy, { name: 'read', server: 'evil' })).toMatchObject({
      because: 'other-server',
      policy: { line: 13 },
    })
    expect(judge(policy, 'tickets.close')).toMatchObject({ because: 'not-listed' })
    expect(judge(policy, { name: 'shell', server: 'evil' })).toMatchObject({ because: 'not-listed' })
    expect(allows(policy, { name: 'kb.search', server: 'any' })).toBe(true)
  })
})

describe('any tool name', () => {
  it('gets an answer, the same each time, and is allowed by its own exact entry alone', () => {
    const names = fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }).filter((name) => !name.includes('*'))
    fc.assert(
      fc.property(names, names, (name, other) => {
        const judgeOwn = compileTools({ allow: [name] }, 'f', () => undefined)
        expect(judgeOwn({ name }).allowed).toBe(true)
        expect(judgeOwn({ name: other }).allowed).toBe(name === other)
        expect(judgeOwn({ name: other })).toEqual(judgeOwn({ name: other }))
        expect(compileTools({ allow: ['*'], deny: [name] }, 'f', () => undefined)({ name }).allowed).toBe(false)
      }),
    )
  })
})
