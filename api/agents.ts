/** Who acts: every agent seen, with the policy that governs it, or none. */
import { Type } from 'typebox'
import { listingOf, listingQuery } from './listing.ts'
import type { Route } from './route.ts'

const AgentEntry = Type.Object(
  {
    id: Type.String(),
    name: Type.Optional(Type.String()),
    framework: Type.Optional(Type.String()),
    owner: Type.Optional(Type.String()),
    /** Id of the governing policy; null: watched, not judged by policy. */
    policy: Type.Union([Type.String(), Type.Null()]),
    first_seen_ms: Type.Number(),
    last_seen_ms: Type.Number(),
    events: Type.Integer(),
    errors: Type.Integer(),
    denied: Type.Integer(),
    alerts: Type.Integer(),
    sessions: Type.Integer(),
    versions: Type.Array(Type.String()),
    tools: Type.Array(Type.String()),
  },
  { additionalProperties: false },
)

const { from, to } = listingQuery({}).properties

export const agentRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/api/v1/agents',
    summary: 'Agents seen, the one seen last first',
    need: 'read',
    query: Type.Object({ from, to }, { additionalProperties: false }),
    responses: {
      200: { description: 'At most 1,000 agents.', schema: Type.Object({ items: Type.Array(AgentEntry) }) },
    },
    handle: async (request, { store, policyOf }) => {
      const { tenant, ...span } = listingOf(request)
      const agents = await store.agents(tenant, span)
      const items = agents.map(({ agentId: id, firstSeenMs, lastSeenMs, ...agent }) => {
        const { name, framework, owner, versions } = agent
        const version = versions.at(-1)
        const known = Object.entries({ name, framework, owner, version }).filter(([, value]) => value !== undefined)
        const policy = policyOf({ id, ...Object.fromEntries(known) }) ?? null
        return { id, policy, first_seen_ms: firstSeenMs, last_seen_ms: lastSeenMs, ...agent }
      })
      return { status: 200, body: { items } }
    },
  },
]
