/** What a kill loop came to, for people. */
import type { KillResult } from './kill.ts'

/** Prints it; answers whether nothing was missing or strange. */
export function reportKills(result: KillResult): boolean {
  console.log(`kills                        ${result.kills}`)
  console.log(`requests acknowledged        ${result.requests}`)
  console.log(`events, uninterrupted        ${result.events}`)
  console.log(`events missing / strange     ${result.missingEvents.length} / ${result.strangeEvents.length}`)
  console.log(`alerts, uninterrupted        ${result.alerts}`)
  console.log(`alerts missing / strange     ${result.missingAlerts.length} / ${result.strangeAlerts.length}`)
  console.log(`alerts never delivered       ${result.undelivered.length}`)
  const { missingEvents, strangeEvents, missingAlerts, strangeAlerts, undelivered } = result
  return [missingEvents, strangeEvents, missingAlerts, strangeAlerts, undelivered].every((ids) => ids.length === 0)
}
