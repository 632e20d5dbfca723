/** Who acts: every agent seen, with the policy that governs it, or none. */
import { Type } from 'typebox'
import { Labels } from '../schema/telemetry.ts'
import { listingOf, listingQuery, pageAnswer, pageOf } from './listing.ts'
import type { Route } from './route.ts'

const AgentEntry = Type.Object(
  {
    id: Type.String(),
    name: Type.Optional(Type.String()),
    framework: Type.Optional(Type.String()),
    owner: Type.Optional(Type.String()),
    /** What policies may select it by. */
    labels: Type.Optional(Labels),
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

/** A page of agents is small: one holds all that most have. */
const PAGE = 1000
const { from, to, cursor } = listingQuery({}).properties
const limit = Type.Optional(Type.Integer({ minimum: 1, maximum: PAGE, default: PAGE }))

export const agentRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/api/v1/agents',
    summary: 'Agents seen, the one seen last first',
    need: 'read',
    query: Type.Object({ from, to, limit, cursor }, { additionalProperties: false }),
    responses: {
      200: {
        description:
          'A page of agents. Name the end of the span when you read several: who acts meanwhile goes to the front.',
        schema: pageOf(AgentEntry),
      },
    },
    handle: async (request, { store, policyOf }) => {
      const { items, ...page } = await store.agents({ limit: PAGE, ...listingOf(request) })
      return pageAnswer({
        items: items.map(({ agent, firstSeenMs, lastSeenMs, ...seen }) => {
          const { id, name, framework, owner, labels } = agent
          const known = Object.entries({ name, framework, owner, labels }).filter(([, value]) => value !== undefined)
          return {
            id,
            ...Object.fromEntries(known),
            policy: policyOf(agent) ?? null,
            first_seen_ms: firstSeenMs,
            last_seen_ms: lastSeenMs,
            ...seen,
          }
        }),
        ...page,
      })
    },
  },
]
