/** A route of the API: one entry of a resource's list, from which fastify's route and the OpenAPI document are made. */
import type { TObject, TSchema } from 'typebox'
import type { Coverage, SeenFields } from '../engine/coverage.ts'
import type { Metrics } from '../engine/metrics.ts'
import type { Agent } from '../schema/telemetry.ts'
import type { Store } from '../store/store.ts'
import type { Health } from './health.ts'
import type { Scope } from './keys.ts'

/** What the routes of every process work with. */
export interface ProbeContext {
  readonly metrics: Metrics
  readonly health: () => Promise<Health>
  /** The short of it, for whoever asks every second; may be a second old. */
  readonly isReady: () => Promise<boolean>
}

/** What the routes of a process with the whole API work with. */
export interface ApiContext extends ProbeContext {
  readonly store: Store
  /** Id of the policy that governs an agent, or `undefined`: watched, not judged by policy. */
  readonly policyOf: (agent: Agent) => string | undefined
  /** What fields that were seen cover, by the policies as they are now. */
  readonly coverageOf: (seen: readonly SeenFields[]) => Coverage
  /** The tenant of what names none: what comes in without a key, and dead letters that do not say whose they are. */
  readonly defaultTenant: string
}

export interface RouteRequest {
  readonly tenant: string
  /** Validated against the route's schemas. */
  readonly query: Readonly<Record<string, unknown>>
  readonly params: Readonly<Record<string, string>>
}

export interface Answer {
  readonly status: number
  readonly body: unknown
  /** Default `application/json; charset=utf-8`. */
  readonly contentType?: string
}

export interface Route<Context = ApiContext> {
  readonly method: 'GET'
  /** With parameters as `:name`. */
  readonly path: string
  readonly summary: string
  /** What a key must be good for. `public`: no key is asked for, nothing of a tenant is told. */
  readonly need: Scope | 'public'
  readonly query?: TObject
  readonly params?: TObject
  /** By status. Tests validate what is answered against it. */
  readonly responses: Readonly<Record<number, { readonly description: string; readonly schema?: TSchema }>>
  handle(request: RouteRequest, context: Context): Promise<Answer>
}
