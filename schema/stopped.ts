/** Whether what an agent tried was kept from happening. */
import type { Telemetry } from './telemetry.ts'

/** Denied by a policy point, refused by who was asked, or rejected by a human. */
export function wasStopped({ outcome, policy_decision }: Telemetry): boolean {
  return outcome === 'denied' || outcome === 'refused' || policy_decision === 'deny'
}
