import { hash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { Telemetry } from '../schema/telemetry.ts'
import { event, examplePolicy } from './arbitrary.ts'
import { canary } from './canary.ts'
import { hashedWords } from './text/hashed-words.ts'

const DECOY = 'heron-seven-4417'
const sha = (text: string) => hash('sha256', text, 'hex')
const POLICY = `canaries:
  datasets: [postgresql/crm/board-salaries, 's3/honey/*']
  tools: ['vault.*', ops/dump]
  hosts: ['*.decoy.test', 192.0.2.7]
  tokens: [${sha(DECOY)}]`

const judge = (fields: Partial<Telemetry>, policy = POLICY) =>
  canary.check(event(fields), canary.initial(), { policy: examplePolicy(policy) })
const dataset = (id: string) => judge({ operation: 'retrieval', dataset_scope: [{ id }] })
const MAIL = { name: 'mail.send' }

describe('a decoy dataset', () => {
  it('is told with the line of the policy that plants it', () => {
    expect(dataset('postgresql/crm/board-salaries')).toMatchObject([
      {
        severity: 'high',
        evidence: { decoy: 'dataset', entry: 'postgresql/crm/board-salaries' },
        policy: { file: 'policies/example.yml', line: 6 },
        silence: "policies/example.yml:6: remove 'postgresql/crm/board-salaries' from canaries.datasets",
      },
    ])
    expect(dataset('S3/Honey/2026/a.csv')).toHaveLength(1)
    expect(dataset('postgresql/crm/leads')).toEqual([])
  })

  it('is told with less confidence when arguments name its end alone', () => {
    expect(dataset('board-salaries')).toMatchObject([{ severity: 'medium', confidence: 0.6 }])
    expect(dataset('salaries')).toEqual([])
  })

  it('is critical when the same call goes outward', () => {
    const out = { destinations: [{ host: 'files.example.com', seen_in: 'network' as const }] }
    expect(judge({ tool: MAIL, dataset_scope: [{ id: 's3/honey/x' }], ...out })).toMatchObject([
      { severity: 'critical' },
    ])
  })
})

describe('a decoy tool or host', () => {
  it('is told when it is called', () => {
    expect(judge({ tool: { name: 'vault.dump' } })).toMatchObject([{ severity: 'high', techniques: ['AML.T0053'] }])
    expect(judge({ tool: { name: 'dump', server: 'ops' } })).toHaveLength(1)
    expect(judge({ tool: { name: 'dump', server: 'other' } })).toEqual([])
    expect(judge({ tool: { name: 'VAULT.\u200bdump' } })).toHaveLength(1)
  })

  it('is told when it is named, and critical when it is reached', () => {
    const host = (name: string, seenIn: 'network' | 'argument') =>
      judge({ tool: MAIL, destinations: [{ host: name, seen_in: seenIn }] })
    expect(host('a.decoy.test', 'argument')).toMatchObject([{ severity: 'high' }])
    expect(host('a.decoy.test', 'network')).toMatchObject([{ severity: 'critical' }])
    expect(host('192.0.2.7', 'network')).toHaveLength(1)
    expect(host('decoy.test', 'network')).toEqual([])
  })
})

describe('a decoy credential', () => {
  it.each([
    ['prompt', 'high'],
    ['arguments', 'critical'],
    ['result', 'high'],
    ['output', 'critical'],
  ] as const)('is told in the %s, as %s', (place, severity) => {
    const found = judge({ content: { [place]: `the key=${DECOY}, keep it` } })
    expect(found).toMatchObject([{ severity, evidence: { decoy: 'credential', place: `credential-${place}` } }])
    expect(found[0]?.origin).toMatch(/^[0-9a-f]{32}$/)
    expect(JSON.stringify(found)).not.toContain(DECOY)
  })

  it.each([
    ['in JSON', JSON.stringify({ note: `first\n${DECOY}\nlast` })],
    ['in a URL', `https://files.example.com/a/${DECOY}?b=1`],
    ['at the end of a sentence', `It is ${DECOY}.`],
    ['behind a name', `API_KEY=${DECOY}`],
    ['masked by a collector', `password=[masked:decoy-${sha(DECOY).slice(0, 16)}]`],
  ])('is told %s', (_, output) => {
    expect(judge({ operation: 'model_call', content: { output } })).toHaveLength(1)
  })

  it('is not seen in other words, nor in masks of other secrets', () => {
    const output = `heron-seven-4418 [masked:password] [masked:decoy-0000000000000000] ${'word '.repeat(500)}`
    expect(judge({ operation: 'model_call', content: { output } })).toEqual([])
  })

  it('is not seen where it was planted in the system prompt and is repeated as the prompt', () => {
    const system = `Your key is ${DECOY}.`
    const model = { operation: 'model_call' as const }
    expect(judge({ ...model, content: { prompt: system, system_prompt: system } })).toEqual([])
    expect(judge({ ...model, content: { output: system, system_prompt: system } })).toHaveLength(1)
  })

  it('is told once for each place, however often it stands there', () => {
    expect(judge({ content: { output: `${DECOY} ${DECOY} ${DECOY}`, result: DECOY } })).toHaveLength(2)
  })
})

describe('the words of a text', () => {
  it('are few, however the text is made', () => {
    expect(hashedWords('a1b2c3d4e5f6 '.repeat(630)).length).toBeLessThanOrEqual(512)
    expect(hashedWords('a1'.repeat(4096))).toEqual([])
    expect(hashedWords('plain words of ordinary length, and a-hyphenated-one-without-digits')).toEqual([])
  })
})

describe('a policy without decoys', () => {
  it('says nothing about anything', () => {
    expect(judge({ tool: { name: 'vault.dump' }, content: { output: DECOY } }, '')).toEqual([])
    expect(judge({ tool: { name: 'vault.dump' } }, `${POLICY}\nmode: off`)).toEqual([])
  })
})
