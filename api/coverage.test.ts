import { describe, expect, it } from 'vitest'
import { toolAllowlist } from '../detectors/tool-allowlist.ts'
import { coverageOf } from '../engine/coverage.ts'
import type { AgentFields, TimeSpan } from '../store/store.ts'
import { coverageRoutes } from './coverage.ts'
import type { ApiContext } from './route.ts'

/** Asks the route; returns what it answers and what the store was asked. */
async function ask(query: Readonly<Record<string, string>>, fields: readonly AgentFields[] = []) {
  const asked: (readonly [tenant: string, span: TimeSpan])[] = []
  const store = {
    fields: async (tenant: string, span: TimeSpan) => {
      asked.push([tenant, span])
      return fields
    },
  }
  const context = { store, coverageOf: (seen: readonly AgentFields[]) => coverageOf(seen, [toolAllowlist], () => []) }
  const [route] = coverageRoutes
  const answer = await route?.handle({ tenant: 'acme', query, params: {} }, context as unknown as ApiContext)
  return { asked, body: answer?.body }
}

describe('coverage', () => {
  it('is of the last seven days, unless another while is asked for', async () => {
    const week = { fromMs: 700_000_000 - 7 * 86_400_000, toMs: 700_000_000 }
    expect(await ask({ to: '700000000' })).toMatchObject({
      asked: [['acme', week]],
      body: { from_ms: week.fromMs, to_ms: week.toMs },
    })
    expect((await ask({ from: '5', to: '9' })).asked).toEqual([['acme', { fromMs: 5, toMs: 9 }]])
    await expect(ask({ from: '9', to: '5' })).rejects.toThrow('to is before from')
  })

  it('says of each detector which agents lack what', async () => {
    const fields: AgentFields = { agent: { id: 'support-assistant' }, operation: 'tool_call', fields: ['tool'] }
    expect((await ask({}, [fields])).body).toMatchObject({
      agents: 1,
      detectors: [
        {
          id: 'tool-allowlist',
          status: 'blind',
          missing: [{ needs: ['policy.tools'], agents: ['support-assistant'], count: 1 }],
        },
      ],
    })
  })
})
