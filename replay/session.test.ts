/** Scenario files: what they can tell, and what is said of one that cannot be read. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { recordSession } from './record.ts'
import { readSession } from './session.ts'

const directory = mkdtempSync(join(tmpdir(), 'telltale-session-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const HEAD = 'title: t\nstory: benign\nservice: s\nagent: { id: planner, version: 1.0.0 }\nmodel: m\nsystem: Be kind.\n'

function reading(text: string) {
  const file = join(directory, 'one.yml')
  writeFileSync(file, `${HEAD}${text}`)
  return readSession(file)
}

/** The spans of a session in the order they began, who asked before who was asked: which is the one that ended later. */
async function spansOf(text: string) {
  const { spans } = await recordSession({ name: 'one', session: await reading(text) }, 'test', 1_790_000_000_000)
  return [...spans].reverse().sort((a, b) => a.startTime[0] - b.startTime[0] || a.startTime[1] - b.startTime[1])
}

describe('a scenario file', () => {
  it('puts attributes verbatim on the span of their step, over what the step says', async () => {
    const spans = await spansOf(`
resource: { deployment.environment.name: prod }
attributes: { enduser.role: buyer }
steps:
  - { prompt: Hi, attributes: { gen_ai.request.temperature: 0.2 } }
  - tool: crm.read
    attributes: { gen_ai.operation.name: retrieval, telltale.dataset_scope: ['postgresql/crm/leads'] }
    requests: [{ url: 'https://a.example.com/', attributes: { http.request.body.size: 7 } }]
  - { agent: writer, attributes: { telltale.approval: true }, steps: [] }
`)
    expect(spans.map(({ name, attributes }) => [name, attributes])).toMatchObject([
      ['invoke_agent planner', { 'enduser.role': 'buyer' }],
      ['chat m', { 'gen_ai.request.temperature': 0.2 }],
      [
        'execute_tool crm.read',
        { 'gen_ai.operation.name': 'retrieval', 'telltale.dataset_scope': ['postgresql/crm/leads'] },
      ],
      ['GET', { 'http.request.body.size': 7 }],
      ['invoke_agent writer', { 'telltale.approval': true }],
    ])
    expect(spans[0]?.resource.attributes).toMatchObject({ 'service.name': 's', 'deployment.environment.name': 'prod' })
  })

  it('tells model calls without a prompt, and with a model and system prompt of their own', async () => {
    const [, silent, other] = await spansOf(`
steps:
  - { output: Done. }
  - { prompt: Hi, model: other-model, system: Be curt. }
`)
    expect(silent?.attributes['gen_ai.input.messages']).toBeUndefined()
    expect(silent?.attributes['gen_ai.system_instructions']).toContain('Be kind.')
    expect(other).toMatchObject({ name: 'chat other-model', attributes: { 'gen_ai.request.model': 'other-model' } })
    expect(other?.attributes['gen_ai.system_instructions']).toContain('Be curt.')
  })

  it('tells any other span, and time in which nothing happens', async () => {
    const [root, token, later] = await spansOf(`
steps:
  - { span: POST /token, kind: client, attributes: { url.full: 'https://id.example.com/token' }, error: '500' }
  - { tool: crm.read, wait_ms: 600000 }
`)
    expect(token).toMatchObject({ name: 'POST /token', kind: 2, status: { code: 2 } })
    expect((later?.startTime[0] ?? 0) - (root?.startTime[0] ?? 0)).toBe(600)
  })

  it('delegates within delegations, four deep, each agent the child of the one that asked', async () => {
    const nested = (depth: number): string =>
      depth === 0 ? '{ tool: last }' : `{ agent: a${depth}, version: '2', steps: [${nested(depth - 1)}] }`
    const spans = await spansOf(`identity: every-span\nsteps: [${nested(4)}]`)
    expect(spans.map(({ name }) => name)).toEqual([
      'invoke_agent planner',
      ...['a4', 'a3', 'a2', 'a1'].map((agent) => `invoke_agent ${agent}`),
      'execute_tool last',
    ])
    for (const [index, span] of spans.slice(1).entries()) {
      expect(span.parentSpanContext?.spanId).toBe(spans[index]?.spanContext().spanId)
    }
    expect(spans.at(-1)?.attributes).toMatchObject({ 'gen_ai.agent.id': 'a1', 'gen_ai.agent.version': '2' })
    await expect(reading(`steps: [${nested(5)}]`)).rejects.toThrow('/steps/0/steps/0/steps/0/steps/0')
  })

  it('that is wrong is refused with the place', async () => {
    await expect(reading('steps: [{ tool: a, argumentz: {} }]')).rejects.toThrow('/steps/0 ')
    await expect(reading('steps: [{}]')).rejects.toThrow('/steps/0 ')
  })
})
