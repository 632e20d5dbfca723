/** What the telemetry of the last days covers: detectors, techniques, and the fields that agents lack. */
import { Type } from 'typebox'
import { COVERAGE_STATUSES } from '../engine/coverage.ts'
import { OPERATIONS } from '../schema/telemetry.ts'
import { listingOf, listingQuery } from './listing.ts'
import type { Route } from './route.ts'

const strict = { additionalProperties: false }
const Status = Type.Enum([...COVERAGE_STATUSES], {
  description:
    'covered: every agent that does what is judged gives all that is needed; data-missing: some do not; blind: none does, or nothing of the kind was done',
})

const Missing = Type.Object(
  {
    needs: Type.Array(Type.String(), { description: 'Any one of these would do.' }),
    agents: Type.Array(Type.String(), { description: 'Who lacks it, the first of them.' }),
    count: Type.Integer({ description: 'How many lack it.' }),
  },
  strict,
)

const CoverageReport = Type.Object(
  {
    from_ms: Type.Number(),
    to_ms: Type.Number(),
    agents: Type.Integer(),
    detectors: Type.Array(
      Type.Object(
        {
          id: Type.String(),
          title: Type.String(),
          status: Status,
          on: Type.Array(Type.Enum([...OPERATIONS])),
          agents: Type.Integer({ description: 'Agents that did what it judges.' }),
          covered: Type.Integer({ description: 'Those of them that give it all that it needs.' }),
          missing: Type.Array(Missing),
        },
        strict,
      ),
    ),
    techniques: Type.Array(
      Type.Object(
        { id: Type.String(), name: Type.String(), status: Status, detectors: Type.Array(Type.String()) },
        strict,
      ),
    ),
  },
  strict,
)

const { from, to } = listingQuery({}).properties
const DEFAULT_SPAN_MS = 7 * 86_400_000

export const coverageRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/api/v1/coverage',
    summary: 'Which detectors and techniques the telemetry of a while (default: seven days) covers',
    need: 'read',
    query: Type.Object({ from, to }, strict),
    responses: {
      200: {
        description:
          'Judged by the fields of some events of each agent and operation, and by the policies as they are.',
        schema: CoverageReport,
      },
    },
    handle: async (request, { store, coverageOf }) => {
      const { tenant, ...asked } = listingOf(request)
      const toMs = asked.toMs ?? Date.now()
      const fromMs = asked.fromMs ?? Math.max(0, toMs - DEFAULT_SPAN_MS)
      const coverage = coverageOf(await store.fields(tenant, { fromMs, toMs }))
      return { status: 200, body: { from_ms: fromMs, to_ms: toMs, ...coverage } }
    },
  },
]
