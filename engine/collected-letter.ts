/** The dead letter of a message that a collector fetched and cannot use. */
import type { GivenUp } from '../collectors/collector.ts'
import type { BusRecord } from './bus/bus.ts'
import { deadLetterOf, deadLetterRecord } from './dead-letter.ts'
import { inputKey } from './records.ts'

/**
 * As it travels on `dead_letters`; what gives a collector its `GiveUp` appends it. Message and place make its id, so one
 * that is fetched again after a crash has one letter.
 *
 * @param nowMs when it is given up, in milliseconds since the epoch.
 */
export function collectedLetter({ tenantId, input, value, ...about }: GivenUp, nowMs: number): BusRecord {
  const facts = { time_ms: nowMs, stage: 'collect', ...about }
  return deadLetterRecord(deadLetterOf(facts, { key: inputKey(tenantId, input), value }))
}
