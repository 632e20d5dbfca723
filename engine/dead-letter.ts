/** What is written to `dead_letters`: a record that a stage could not process, whole, with where it was and why. */
import type { BusRecord, StoredRecord, Topic } from './bus/bus.ts'

export interface DeadLetter {
  readonly stage: string
  readonly topic: Topic
  readonly partition: number
  readonly offset: number
  /** Kebab-case; counted as `rejected:<reason>`. */
  readonly reason: string
  readonly key: string
  /** The bytes as they were: they need not be text, and whoever wrote them may be hostile. */
  readonly value_base64: string
}

/** Deterministic, so that a record dead-lettered twice over a crash is recognised by its place. */
export function deadLetterRecord(
  letter: Omit<DeadLetter, 'key' | 'value_base64' | 'offset'>,
  record: StoredRecord,
): BusRecord {
  const { key, offset, value } = record
  const whole: DeadLetter = { ...letter, offset, key, value_base64: Buffer.from(value).toString('base64') }
  return { key, value: Buffer.from(JSON.stringify(whole)) }
}
