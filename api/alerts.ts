/** What somebody should look at. */
import { Type } from 'typebox'
import { ALERT_STATUSES, Alert } from '../schema/alert.ts'
import { ALERT_KINDS, SEVERITIES } from '../schema/finding.ts'
import { anyOf, exactly, filtersOf, listingOf, listingQuery, pageAnswer, pageOf } from './listing.ts'
import { notFound, Problem } from './problem.ts'
import type { Route } from './route.ts'

const AlertDetail = Type.Object({
  alert: Alert,
  decisions: Type.Array(Type.Object({}, { additionalProperties: true })),
  finding_count: Type.Integer({ minimum: 0 }),
})

export const alertRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/api/v1/alerts',
    summary: 'Alerts, newest first',
    need: 'read',
    query: listingQuery({
      agent: exactly('Id of the agent.'),
      session: exactly('Id of the session.'),
      detector: exactly('Id of a detector that spoke.'),
      kind: anyOf(ALERT_KINDS),
      severity: anyOf(SEVERITIES),
      status: anyOf(ALERT_STATUSES),
    }),
    responses: { 200: { description: 'A page of alerts.', schema: pageOf(Alert) } },
    handle: async (request, { store }) =>
      pageAnswer(
        await store.alerts({
          ...listingOf(request),
          ...filtersOf(request, ['agent', 'session', 'detector'], ['kind', 'severity', 'status']),
        }),
      ),
  },
  {
    method: 'GET',
    path: '/api/v1/alerts/:id',
    summary: 'One alert, what was decided about it, and how many findings of its detectors its session has',
    need: 'read',
    params: Type.Object({ id: Type.String({ pattern: '^[0-9a-f]{32}$' }) }),
    responses: {
      200: { description: 'The alert.', schema: AlertDetail },
      404: { description: 'There is none with this id.', schema: Problem },
    },
    handle: async ({ tenant, params }, { store }) => {
      const detail = await store.alert(tenant, params.id as string)
      if (detail === undefined) {
        return notFound('alert')
      }
      const { findingCount, ...rest } = detail
      return { status: 200, body: { ...rest, finding_count: findingCount } }
    },
  },
]
