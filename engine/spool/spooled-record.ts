/** A record as it waits in the spool's log: its key says also which topic it is for, and since when it waits. */
import { type BusRecord, TOPICS, type Topic } from '../bus/bus.ts'

/** @param nowMs when it was appended, in milliseconds since the epoch. */
export function spooled(topic: Topic, nowMs: number, { key, value }: BusRecord): BusRecord {
  return { key: `${topic} ${nowMs} ${key}`, value }
}

/** A record that comes out of the log. */
export interface Spooled {
  readonly topic: Topic
  /** When it was appended, in milliseconds since the epoch. */
  readonly atMs: number
  readonly record: BusRecord
}

/** What `spooled` was given. Throws when the key is not one of its making: the log is then not a spool's. */
export function unspooled({ key, value }: BusRecord): Spooled {
  const topicEnd = key.indexOf(' ')
  const timeEnd = key.indexOf(' ', topicEnd + 1)
  const topic = TOPICS.find((known) => known === key.slice(0, Math.max(topicEnd, 0)))
  const atMs = Number(key.slice(topicEnd + 1, Math.max(timeEnd, 0)))
  if (topic === undefined || timeEnd < 0 || !Number.isFinite(atMs)) {
    throw new Error('the spool is damaged: a record in its log was not put there by a spool')
  }
  return { topic, atMs, record: { key: key.slice(timeEnd + 1), value } }
}
