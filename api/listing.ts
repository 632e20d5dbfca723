/** What every listing has in common: a time span, a page, filters; and how a page is answered. */
import { type TProperties, type TSchema, Type } from 'typebox'
import { Rejected } from '../schema/errors.ts'
import { CURSOR_LIMIT } from '../store/cursor.ts'
import type { Listing, Page } from '../store/store.ts'
import type { Answer, RouteRequest } from './route.ts'

const Moment = Type.String({ maxLength: 40, description: 'Milliseconds since the epoch, or an ISO 8601 time.' })
const Name = Type.String({ minLength: 1, maxLength: 512 })

/** Query parameters of a listing with the given names to filter by. */
export function listingQuery(filters: TProperties) {
  return Type.Object(
    {
      from: Type.Optional(Moment),
      to: Type.Optional(Moment),
      limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 100 })),
      cursor: Type.Optional(Type.String({ maxLength: CURSOR_LIMIT, description: '`next` of the page before.' })),
      ...filters,
    },
    { additionalProperties: false },
  )
}

/** A parameter that is compared as it is. */
export const exactly = (description: string) => Type.Optional(Type.Unsafe<string>({ ...Name, description }))

/** A parameter that takes any of a few words, several joined by commas. */
export const anyOf = (words: readonly string[]) =>
  Type.Optional(
    Type.String({
      maxLength: 512,
      pattern: `^(${words.join('|')})(,(${words.join('|')})){0,15}$`,
      description: words.join(', '),
    }),
  )

export const pageOf = (item: TSchema) =>
  Type.Object({ items: Type.Array(item), next: Type.Optional(Type.String()) }, { additionalProperties: false })

/** The listing that a request asks for. Throws `Rejected` for times that are none. */
export function listingOf({ tenant, query }: RouteRequest): Listing {
  const fromMs = momentOf('from', query.from)
  const toMs = momentOf('to', query.to)
  if (fromMs !== undefined && toMs !== undefined && toMs < fromMs) {
    throw new Rejected('invalid-query', 'to is before from')
  }
  return {
    tenant,
    ...(fromMs === undefined ? {} : { fromMs }),
    ...(toMs === undefined ? {} : { toMs }),
    ...(query.limit === undefined ? {} : { limit: query.limit as number }),
    ...(query.cursor === undefined ? {} : { cursor: query.cursor as string }),
  }
}

/** The values of the named parameters that the request gives, words split at commas. */
export function filtersOf<Exact extends string, Any extends string>(
  { query }: RouteRequest,
  exact: readonly Exact[],
  any: readonly Any[] = [],
): Record<string, never> {
  const given = (name: string): [string, string][] => (typeof query[name] === 'string' ? [[name, query[name]]] : [])
  return Object.fromEntries([
    ...exact.flatMap(given),
    ...any.flatMap(given).map(([name, words]) => [name, words.split(',')]),
  ])
}

export function pageAnswer(page: Page<unknown>): Answer {
  return { status: 200, body: page }
}

function momentOf(name: string, value: unknown): number | undefined {
  if (value === undefined) {
    return undefined
  }
  const text = String(value)
  // Date.parse alone takes almost anything for a date.
  const ms = /^\d{1,16}$/.test(text) ? Number(text) : /^\d{4}-\d\d/.test(text) ? Date.parse(text) : Number.NaN
  if (!Number.isFinite(ms) || ms < 0) {
    throw new Rejected('invalid-query', `${name} is neither milliseconds since the epoch nor an ISO 8601 time`)
  }
  return ms
}
