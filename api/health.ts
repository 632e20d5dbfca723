/** Whether Telltale works: for load balancers, and for the person who wonders why no alert comes. */
import { type Static, Type } from 'typebox'
import type { Route } from './route.ts'

const strict = { additionalProperties: false }

export const Health = Type.Object(
  {
    /** `degraded`: it works, something is behind or failing; `down`: telemetry is refused or not judged. */
    status: Type.Enum(['ok', 'degraded', 'down']),
    /** Why it is not ok, in words. */
    reasons: Type.Array(Type.String()),
    version: Type.String(),
    uptime_s: Type.Number(),
    /** Records received, and what became of them: the sums are equal once nothing is in flight. */
    records: Type.Object(
      { received: Type.Integer(), in_flight: Type.Integer(), outcomes: Type.Record(Type.String(), Type.Integer()) },
      strict,
    ),
    /** How far each stage is behind the log, in records. */
    lag: Type.Record(Type.String(), Type.Integer()),
    store: Type.Object({ ok: Type.Boolean(), kind: Type.String(), message: Type.Optional(Type.String()) }, strict),
    sinks: Type.Array(Type.Object({ name: Type.String(), ok: Type.Boolean(), pending: Type.Integer() }, strict)),
  },
  strict,
)
export type Health = Static<typeof Health>

export const healthRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/api/v1/health',
    summary: 'Whether it works, and if not, why',
    need: 'read',
    responses: {
      200: { description: 'It works, or works with limits.', schema: Health },
      503: { description: 'It does not work.', schema: Health },
    },
    handle: async (_request, { health }) => {
      const body = await health()
      return { status: body.status === 'down' ? 503 : 200, body }
    },
  },
  {
    method: 'GET',
    path: '/metrics',
    summary: 'Prometheus metrics',
    need: 'read',
    responses: { 200: { description: 'Prometheus text format.' } },
    handle: async (_request, { metrics }) => ({
      status: 200,
      body: await metrics.render(),
      contentType: 'text/plain; version=0.0.4; charset=utf-8',
    }),
  },
]
