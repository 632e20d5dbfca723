/** Opinions about events. */
import { Finding, SEVERITIES } from '../schema/finding.ts'
import { anyOf, exactly, filtersOf, listingOf, listingQuery, pageAnswer, pageOf } from './listing.ts'
import type { Route } from './route.ts'

export const findingRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/api/v1/findings',
    summary: 'Findings, newest first',
    need: 'read',
    query: listingQuery({
      agent: exactly('Id of the agent.'),
      session: exactly('Id of the session.'),
      event: exactly('Id of the event.'),
      detector: exactly('Id of the detector.'),
      severity: anyOf(SEVERITIES),
    }),
    responses: { 200: { description: 'A page of findings.', schema: pageOf(Finding) } },
    handle: async (request, { store }) =>
      pageAnswer(
        await store.findings({
          ...listingOf(request),
          ...filtersOf(request, ['agent', 'session', 'event', 'detector'], ['severity']),
        }),
      ),
  },
]
