import { readdirSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { arbitraryRecord, logRecord, spanRecord } from '../../test/otlp-records.ts'
import { TEXT_LIMIT } from '../otlp/values.ts'
import { dialectContract, faultsOf } from './dialect.contract.ts'
import { dialects, speak } from './index.ts'

describe('the list of dialects', () => {
  it('has every file of the folder, named by its id', () => {
    const files = readdirSync('collectors/dialects')
      .filter((file) => file.endsWith('.ts') && !/\.(?:test|contract)\.ts$|^(?:index|dialect)\.ts$/.test(file))
      .map((file) => file.replace('.ts', ''))
    expect(dialects.map(({ id }) => id).sort()).toEqual(files.sort())
  })

  it('says of each in one sentence who speaks it', () => {
    for (const { title } of dialects) {
      expect(title.length).toBeGreaterThan(10)
    }
  })

  it('ends with the dialect that speaks for every span', () => {
    expect(dialects.at(-1)?.id).toBe('unknown-span')
  })
})

describe.each(dialects.map((dialect) => [dialect.id, dialect] as const))('%s', (_id, dialect) => {
  dialectContract(dialect)
})

describe('the contract', () => {
  it('notices drafts that the schema does not know', () => {
    expect(faultsOf({ role: 'event', operation: 'tool_call', tool: { name: '' } })).toContain('/tool/name')
    expect(faultsOf({ role: 'event', volume: { rows: -1 } })).toContain('/volume/rows')
    expect(faultsOf({ role: 'event', content: { prompt: 'x'.repeat(TEXT_LIMIT + 1) } })).toContain('/content/prompt')
  })
})

describe('speak', () => {
  it('has something to say of every span, and nothing of foreign log records', () => {
    fc.assert(
      fc.property(arbitraryRecord, (record) => {
        const spoken = speak(record)
        expect(spoken === undefined && record.signal === 'span').toBe(false)
        expect(spoken === undefined ? '' : faultsOf(spoken.draft)).toBe('')
      }),
    )
    expect(speak(logRecord({ body: 'GET /health 200' }))).toBeUndefined()
  })

  it('reaches every dialect with arbitrary records', () => {
    const reached = new Set(
      fc.sample(arbitraryRecord, { numRuns: 3000, seed: 11 }).map((record) => speak(record)?.dialect.id),
    )
    expect([...reached].filter((id) => id !== undefined).sort()).toEqual(dialects.map(({ id }) => id).sort())
  })

  it('keeps spans of no dialect as nodes of the tree', () => {
    const spoken = speak(spanRecord({ name: 'handle request', attributes: { 'session.id': 's-1' } }))
    expect(spoken?.dialect.id).toBe('unknown-span')
    expect(spoken?.draft).toEqual({ role: 'context', session_id: 's-1' })
  })

  it('adds what the agent states itself, whichever dialect speaks', () => {
    const stated = {
      'telltale.subject_chain': '[{"kind":"human","id":"ana"},{"kind":"agent","id":"crm"}]',
      'telltale.policy_decision': 'allow',
    }
    const chain = [
      { kind: 'human', id: 'ana' },
      { kind: 'agent', id: 'crm' },
    ]
    for (const attributes of [
      { 'gen_ai.operation.name': 'execute_tool' },
      { 'openinference.span.kind': 'TOOL' },
      { 'db.system': 'postgresql' },
    ]) {
      const draft = speak(spanRecord({ attributes: { ...attributes, ...stated } }))?.draft
      expect(draft).toMatchObject({ subject_chain: chain, policy_decision: 'allow' })
    }
  })

  it('lets the dialect say who the agent is, and the agent how it is labelled', () => {
    const labelled = { 'telltale.agent.labels.tier': 'gold' }
    const attributes = { 'gen_ai.operation.name': 'invoke_agent', 'gen_ai.agent.id': 'crm', ...labelled }
    expect(speak(spanRecord({ attributes }))?.draft.agent).toEqual({ id: 'crm', labels: { tier: 'gold' } })
  })
})
