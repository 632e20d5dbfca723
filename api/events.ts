/** What agents did. */
import { Type } from 'typebox'
import { OPERATIONS, OUTCOMES, Telemetry } from '../schema/telemetry.ts'
import { anyOf, exactly, filtersOf, listingOf, listingQuery, pageAnswer, pageOf } from './listing.ts'
import { notFound, Problem } from './problem.ts'
import type { Route } from './route.ts'

export const eventRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/api/v1/events',
    summary: 'Events, newest first',
    need: 'read',
    query: listingQuery({
      agent: exactly('Id of the agent.'),
      session: exactly('Id of the session.'),
      trace: exactly('Id of the trace, hex.'),
      tool: exactly('Name of the tool.'),
      operation: anyOf(OPERATIONS),
      outcome: anyOf(OUTCOMES),
    }),
    responses: { 200: { description: 'A page of events.', schema: pageOf(Telemetry) } },
    handle: async (request, { store }) =>
      pageAnswer(
        await store.events({
          ...listingOf(request),
          ...filtersOf(request, ['agent', 'session', 'trace', 'tool'], ['operation', 'outcome']),
        }),
      ),
  },
  {
    method: 'GET',
    path: '/api/v1/events/:id',
    summary: 'One event',
    need: 'read',
    params: Type.Object({ id: Type.String({ pattern: '^[0-9a-f]{32}$' }) }),
    responses: {
      200: { description: 'The event.', schema: Telemetry },
      404: { description: 'There is none with this id.', schema: Problem },
    },
    handle: async ({ tenant, params }, { store }) => {
      const event = await store.event(tenant, params.id as string)
      return event === undefined ? notFound('event') : { status: 200, body: event }
    },
  },
]
