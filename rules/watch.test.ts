import { mkdtemp, rename, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { loadPolicies } from './load.ts'
import { type LivePolicies, type PolicyState, watchPolicies } from './watch.ts'

const NOW = 1_790_000_000_000
const policy = (id: string, tool: string) => `version: 1\nid: ${id}\nagent: { id: a }\ntools: { allow: [${tool}] }\n`

let directory: string
let live: LivePolicies | undefined
let taken: PolicyState[]
let refused: Required<PolicyState>[]
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'telltale-watch-'))
  taken = []
  refused = []
  await write('a.yml', policy('first', 'x'))
})
afterEach(async () => {
  live?.close()
  await rm(directory, { recursive: true, force: true })
})

const write = (name: string, text: string) => writeFile(join(directory, name), text)
async function follow(): Promise<LivePolicies> {
  live = watchPolicies(directory, await loadPolicies(directory), {
    pollMs: 50,
    settleMs: 20,
    onTaken: (state) => taken.push(state),
    onRefused: (state) => refused.push(state),
  })
  return live
}
const governing = () => live?.governing({ id: 'a' }, NOW)

describe('watched policies', () => {
  it('are those of the start until a file changes', async () => {
    const { id } = (await follow()).state()
    expect(governing()?.id).toBe('first')
    expect(id).toMatch(/^[0-9a-f]{16}$/)
    expect(id).toBe((await loadPolicies(directory)).id)
  })

  it('follow what is written, replaced, added and removed', async () => {
    const { id } = (await follow()).state()
    await write('a.yml', policy('second', 'y'))
    await expect.poll(() => governing()?.id).toBe('second')
    // Agents of which only some fields are known are asked for apart.
    expect(live?.governingKnown({ id: 'a' }, NOW)?.id).toBe('second')
    expect(live?.state().id).not.toBe(id)
    await write('next', policy('third', 'z'))
    await rename(join(directory, 'next'), join(directory, 'a.yml'))
    await expect.poll(() => governing()?.id).toBe('third')
    await write('b.yml', 'version: 1\nid: more\nagent: { id: b }\n')
    await expect.poll(() => live?.policies.length).toBe(2)
    await rm(join(directory, 'a.yml'))
    await expect.poll(() => live?.policies.map(({ id: each }) => each)).toEqual(['more'])
    expect(taken).toHaveLength(4)
  })

  it('refuse to become none at all, as they would where a volume has gone', async () => {
    await follow()
    await rm(join(directory, 'a.yml'))
    await expect.poll(() => refused.length).toBe(1)
    expect(governing()?.id).toBe('first')
    expect(live?.state().refused?.problems).toEqual([
      `${directory}: holds no policies any more (put them back; to judge by none, start anew with an empty directory)`,
    ])
    await write('b.yml', policy('back', 'x'))
    await expect.poll(() => governing()?.id).toBe('back')
  })

  it('refuse a bad set, say what is wrong and since when, and keep the last good one until it is mended', async () => {
    await follow()
    const before = live?.state().id
    await write('a.yml', 'version: 1\nid: first\nagnet: { id: a }\n')
    await expect.poll(() => refused.length).toBe(1)
    expect(governing()?.judgeTool({ name: 'y' })).toMatchObject({ because: 'not-listed' })
    const state = live?.state()
    expect(state?.id).toBe(before)
    expect(state?.refused?.problems).toEqual([
      `${join(directory, 'a.yml')}:3:1: unknown key 'agnet' (did you mean 'agent'?)`,
    ])
    const since = state?.refused?.sinceMs
    await write('a.yml', 'version: 1\nid: first\nagent: { id: a }\ntool: {}\n')
    await expect.poll(() => refused.length).toBe(2)
    expect(live?.state().refused?.sinceMs).toBe(since)
    await write('a.yml', policy('mended', 'x'))
    await expect.poll(() => governing()?.id).toBe('mended')
    expect(live?.state().refused).toBeUndefined()
  })

  it('refuse a directory that is gone, and files that are back as they were end it', async () => {
    await follow()
    await rename(directory, `${directory}-away`)
    await expect.poll(() => live?.state().refused?.problems[0]).toContain('cannot be listed')
    expect(governing()?.id).toBe('first')
    await rename(`${directory}-away`, directory)
    await expect.poll(() => live?.state().refused).toBeUndefined()
  })

  it('are not taken again when a file is only touched', async () => {
    await follow()
    await utimes(join(directory, 'a.yml'), 1, 1)
    await write('b.yml', 'version: 1\nid: more\nagent: { id: b }\n')
    await expect.poll(() => taken.length).toBe(1)
    await utimes(join(directory, 'a.yml'), 2, 2)
    await write('c.yml', 'version: 1\nid: most\nagent: { id: c }\n')
    await expect.poll(() => live?.policies.length).toBe(3)
    expect(taken).toHaveLength(2)
  })
})
