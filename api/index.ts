/** The list of routes. */
import { agentRoutes } from './agents.ts'
import { alertRoutes } from './alerts.ts'
import { coverageRoutes } from './coverage.ts'
import { deadLetterRoutes } from './dead-letters.ts'
import { eventRoutes } from './events.ts'
import { findingRoutes } from './findings.ts'
import { frontRoutes } from './front.ts'
import { healthRoutes } from './health.ts'
import type { Route } from './route.ts'

export const routes: readonly Route[] = [
  ...eventRoutes,
  ...alertRoutes,
  ...findingRoutes,
  ...agentRoutes,
  ...coverageRoutes,
  ...deadLetterRoutes,
  ...healthRoutes,
  ...frontRoutes,
]
