/** Recordings through the engine, as every command that reads history does it: what cannot be read is told and passed over. */
import { decodeOtlp } from '../collectors/otlp/decode.ts'
import type { Config } from '../config.ts'
import { checkRecordings, type Recorded } from '../replay/recording.ts'
import { DAMAGED, type ReplayOptions, type ReplayResult, replay } from '../replay/replay.ts'
import { decoyTokens } from '../rules/canaries.ts'
import type { PolicySet } from '../rules/policy.ts'
import { printable } from '../schema/printable.ts'
import { validateTelemetry } from '../schema/validate.ts'
import { pureStages } from '../wire.ts'
import { openIntake } from '../wire-intake.ts'
import { progress } from './progress.ts'

/** The part of the configuration that reading history needs. */
export interface HistoryConfig {
  readonly tenant: string
  readonly retention: Pick<Config['retention'], 'content'>
}

export interface History extends Pick<ReplayOptions, 'files' | 'onEvent' | 'onFinding' | 'onAlert'> {
  readonly policies: PolicySet
}

/** Everything replayed arrives at one moment, so only this bounds what waits for relatives until the end. */
const MAX_HELD = 500_000

/** A file of another kind than its name says would fill the screen. */
const SHOWN_REJECTIONS = 20

/** @throws Misconfigured when a file cannot be read; nothing was done then. */
export async function replayHistory(config: HistoryConfig, { policies, ...history }: History): Promise<ReplayResult> {
  checkRecordings(history.files)
  const alerts = new Set<string>()
  const shown = progress()
  let rejected = 0
  const result = await replay({
    ...history,
    tenantId: config.tenant,
    stages: pureStages({ policies, assemble: { clamp: false, maxHeld: MAX_HELD } }),
    fragmentsOf: fragmentsOf(config, policies),
    validateEvent: validateTelemetry,
    onAlert: (alert, type) => {
      alerts.add(alert.alert_id)
      history.onAlert?.(alert, type)
    },
    onRejected: (place, why, reason) => {
      // That a file breaks off is never one of the many.
      if (rejected < SHOWN_REJECTIONS || reason === DAMAGED) {
        shown.end()
        process.stderr.write(`${place}: ${printable(why)}\n`)
      }
      rejected += reason === DAMAGED ? 0 : 1
    },
    onProgress: (received) => shown.update(`${received} records, ${alerts.size} alerts`),
  })
  shown.end()
  if (rejected > SHOWN_REJECTIONS) {
    process.stderr.write(`... and ${rejected - SHOWN_REJECTIONS} more that could not be read\n`)
  }
  return result
}

/** What the door does with a body, without the door. */
function fragmentsOf(config: HistoryConfig, policies: PolicySet): ReplayOptions['fragmentsOf'] {
  let refused = new Map<string, number>()
  const count = (outcome: string, records: number) => refused.set(outcome, (refused.get(outcome) ?? 0) + records)
  const intake = openIntake({
    publish: async () => undefined,
    count,
    retention: config.retention.content,
    decoys: decoyTokens(policies),
  })
  return (recorded: Extract<Recorded, { kind: 'otlp' }>, tenantId: string, observedMs: number) => {
    refused = new Map()
    const request = decodeOtlp(recorded.body, { signal: recorded.signal, encoding: recorded.encoding })
    for (const { reason, records } of request.rejected) {
      count(`rejected:${reason}`, records)
    }
    const fragments = intake.fragments(request.records, tenantId, observedMs)
    const rejected = request.rejected.reduce((sum, { records }) => sum + records, 0)
    const unspoken = request.records.length - fragments.length
    if (unspoken > 0) {
      count('ignored:not-agent-telemetry', unspoken)
    }
    return { fragments, received: request.records.length + rejected, refused }
  }
}
