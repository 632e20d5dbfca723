/** Whether this process works: for load balancers, and for the person who wonders why no alert comes. */
import { type Static, Type } from 'typebox'
import type { ProbeContext, Route } from './route.ts'

const strict = { additionalProperties: false }
const Connection = Type.Object(
  { ok: Type.Boolean(), kind: Type.String(), message: Type.Optional(Type.String()) },
  strict,
)

export const Health = Type.Object(
  {
    /** `degraded`: it works, something is behind or failing; `down`: it can do nothing that it is for. */
    status: Type.Enum(['ok', 'degraded', 'down']),
    /** Why it is not ok, in words. */
    reasons: Type.Array(Type.String()),
    version: Type.String(),
    uptime_s: Type.Number(),
    /** What this process is for: all of it, or the stages it was started as. */
    roles: Type.Array(Type.String()),
    /**
     * Records that this process received, and ends of records in it. Only where one process has the whole log it can be
     * said how many are in flight, and the sums are equal once nothing is.
     */
    records: Type.Object(
      {
        received: Type.Integer(),
        in_flight: Type.Optional(Type.Integer()),
        outcomes: Type.Record(Type.String(), Type.Integer()),
      },
      strict,
    ),
    /** How far each group is behind the log, in records, over all its processes: the groups that run here, or with `serve` all. */
    lag: Type.Record(Type.String(), Type.Integer()),
    /** The partitions that this process owns, by group and topic. */
    partitions: Type.Record(Type.String(), Type.Array(Type.Integer())),
    /** Each absent where this process has none. */
    bus: Type.Optional(Connection),
    spool: Type.Optional(
      Type.Object(
        {
          /** Whether records go to the disk of the collector, because the bus is away or was until now. */
          spooling: Type.Boolean(),
          records: Type.Integer(),
          bytes: Type.Integer(),
          oldest_ms: Type.Optional(Type.Integer()),
        },
        strict,
      ),
    ),
    store: Type.Optional(Connection),
    sinks: Type.Array(Type.Object({ name: Type.String(), ok: Type.Boolean(), pending: Type.Integer() }, strict)),
    /** The policies that judge here; absent where nothing is judged or asked about them. */
    policies: Type.Optional(
      Type.Object(
        {
          /** Of all their texts: processes that judge by the same policies say the same. */
          id: Type.String(),
          count: Type.Integer(),
          since_ms: Type.Integer(),
          /** Why the files as they are now are not what judges, and since when. */
          refused: Type.Optional(
            Type.Object({ since_ms: Type.Integer(), problems: Type.Array(Type.String()) }, strict),
          ),
          /** Those that have expired, or will within seven days. */
          ending: Type.Array(Type.String()),
        },
        strict,
      ),
    ),
  },
  strict,
)
export type Health = Static<typeof Health>

const Readiness = Type.Object({ ready: Type.Boolean() }, strict)

/** Every process has these, whatever it is for. The public ones tell nothing but yes or no. */
export const healthRoutes: readonly Route<ProbeContext>[] = [
  {
    method: 'GET',
    path: '/livez',
    summary: 'Whether this process runs at all',
    need: 'public',
    responses: { 200: { description: 'It does.' } },
    handle: async () => ({ status: 200, body: 'ok', contentType: 'text/plain; charset=utf-8' }),
  },
  {
    method: 'GET',
    path: '/readyz',
    summary: 'Whether this process can do any of what it is for',
    need: 'public',
    responses: {
      200: { description: 'It can.', schema: Readiness },
      503: { description: 'It cannot; health says why.', schema: Readiness },
    },
    handle: async (_request, { isReady }) => {
      const ready = await isReady()
      return { status: ready ? 200 : 503, body: { ready } }
    },
  },
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
