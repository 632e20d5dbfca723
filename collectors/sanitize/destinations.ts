/** Endpoints: normalised, and found in the arguments of a call. */
import type { Destination } from '../../schema/telemetry.ts'

export function findDestinations(_argumentsText: string): readonly Destination[] {
  return []
}

export function normalizeDestination(destination: Destination): Destination | undefined {
  return destination
}
