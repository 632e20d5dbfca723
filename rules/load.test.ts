import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeProblem, Misconfigured } from '../schema/errors.ts'
import { compilePolicies } from './compile.ts'
import { loadPolicies } from './load.ts'
import { YAML_FILE_LIMIT } from './yaml-document.ts'

const INVALID = join(import.meta.dirname, 'invalid')
const broken = (await readdir(INVALID)).filter((name) => name.endsWith('.yml'))

const NOW = 1_790_000_000_000

describe('broken policy files', () => {
  it.each(broken)('%s is explained in full', async (name) => {
    const text = await readFile(join(INVALID, name), 'utf8')
    const expected = [...text.matchAll(/^# expect: (.*)$/gm)].map((match) => match[1])
    expect(expected).not.toEqual([])
    const shingles = new Map(
      await Promise.all(
        ['main', 'broken', 'short'].map(async (one) => {
          const file = `${one}.shingles`
          return [file, await readFile(join(INVALID, file), 'utf8')] as const
        }),
      ),
    )
    const problems = await problemsOf(() => compilePolicies([{ path: name, name, text }], shingles))
    expect(problems.map((problem) => problem.slice(name.length + 1))).toEqual(expected)
  })

  it('are reported all at once, whichever file they are in', async () => {
    const problems = await problemsOf(() => loadPolicies(INVALID))
    for (const name of broken) {
      expect(problems.some((problem) => problem.includes(name))).toBe(true)
    }
  })
})

describe('loadPolicies', () => {
  let directory = ''
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'telltale-policies-'))
  })
  afterAll(() => rm(directory, { recursive: true }))

  const minimal = (id: string) => `version: 1\nid: ${id}\nagent: { id: ${id} }\n`

  it('loads the policies that ship with the project', async () => {
    const set = await loadPolicies(join(import.meta.dirname, 'policies'))
    expect(set.policies.map(({ id }) => id)).toEqual(
      expect.arrayContaining(['billing-agent', 'coding-agent', 'research-agent', 'support-assistant']),
    )
    expect(set.policies.filter(({ owner }) => owner === undefined)).toEqual([])
    expect(set.governing({ id: 'coding-agent-7' }, NOW)?.file).toBe('policies/coding-agent.yml')
    expect(set.governing({ id: 'somebody-else' }, NOW)).toBeUndefined()
  })

  it('reads several documents of a file, both endings, and nothing else', async () => {
    await writeFile(
      join(directory, 'two.yml'),
      `\uFEFF---\n${minimal('one')}---\n# only a comment\n---\n${minimal('two')}`,
    )
    await writeFile(join(directory, 'three.yaml'), minimal('three').replaceAll('\n', '\r\n'))
    await writeFile(join(directory, 'notes.txt'), 'not a policy')
    await writeFile(join(directory, 'empty.yml'), '')
    const set = await loadPolicies(directory)
    expect(set.policies.map(({ id }) => id)).toEqual(['three', 'one', 'two'])
  })

  it('takes registered shingles from the policy and from files beside it', async () => {
    const beside = await mkdtemp(join(tmpdir(), 'telltale-policies-'))
    await writeFile(
      join(beside, 'a.yml'),
      `${minimal('a')}system_prompts:\n  - { name: inline, shingles: [1, 2, 3, 4, 5, 6] }\n  - { name: filed, file: a.shingles }\n`,
    )
    await writeFile(join(beside, 'a.shingles'), '# prompt of a\n2\n4\r\n6\n8\n10\n4294967295 # the largest\n\n')
    const set = await loadPolicies(beside)
    expect(set.governing({ id: 'a' }, NOW)?.registeredPrompts).toEqual([
      new Set([1, 2, 3, 4, 5, 6]),
      new Set([2, 4, 6, 8, 10, 4294967295]),
    ])
    await rm(beside, { recursive: true })
  })

  it('refuses a directory that is not there, and an absent one is not an empty one', async () => {
    expect(await problemsOf(() => loadPolicies(join(directory, 'absent')))).toHaveLength(1)
  })

  it.each([
    ['larger than the limit', (path: string) => writeFile(path, '#'.repeat(YAML_FILE_LIMIT + 1)), /at most 1048576/],
    ['not UTF-8', (path: string) => writeFile(path, Buffer.from([0x69, 0x64, 0xff, 0xfe])), /cannot be read/],
    ['a device', (path: string) => symlink('/dev/zero', path), /is not a file/],
    ['a link to nothing', (path: string) => symlink('/nonexistent', path), /cannot be read/],
  ])('refuses a file that is %s', async (_what, make, message) => {
    const path = join(directory, 'odd.yml')
    await make(path)
    const problems = await problemsOf(() => loadPolicies(directory))
    await rm(path)
    expect(problems).toHaveLength(1)
    expect(problems[0]).toMatch(message)
  })
})

async function problemsOf(load: () => unknown): Promise<string[]> {
  try {
    await load()
  } catch (error) {
    if (error instanceof Misconfigured) {
      return error.problems.map(describeProblem)
    }
    throw error
  }
  return []
}
