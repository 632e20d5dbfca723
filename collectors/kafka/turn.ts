/** What is worked on at one time: neighbouring messages of a partition as one request to the intake. */
import type { DecodedRequest } from '../collector.ts'
import type { OtlpRecord } from '../otlp/records.ts'
import { damagedMessage, type MessageForm, type ReadMessage, readMessage } from './message.ts'
import type { OtlpTopicRecord } from './otlp-topic.ts'

/** What messages are, and when enough of them have been read. */
export interface TurnForm extends MessageForm {
  /** The message whose records reach this number is the last one. */
  readonly turnRecords: number
  /** Bytes on the heap, beyond texts; likewise. */
  readonly turnHeapBytes: number
}

/** What is known of a message once it was read. */
export interface MessageFacts {
  readonly message: OtlpTopicRecord
  /** What it counts as. */
  readonly records: number
  /** Why it is for the dead letters, if it is. */
  readonly unusable: ReadMessage['unusable']
}

/** Messages that were read, in order, from the first on: one at least. */
export interface Turn {
  readonly request: DecodedRequest
  readonly messages: readonly MessageFacts[]
}

/** Reads messages until there are enough, or no more. Throws nothing, whatever they hold. */
export function readTurn(messages: readonly OtlpTopicRecord[], form: TurnForm): Turn {
  const records: OtlpRecord[] = []
  const rejected = new Map<string, number>()
  const facts: MessageFacts[] = []
  let heapBytes = 0
  for (const message of messages) {
    const read = message.isDamaged === true ? damagedMessage() : readMessage(message.value, form)
    let total = read.records.length
    for (const record of read.records) {
      records.push(record)
    }
    for (const { reason, records: count } of read.rejected) {
      rejected.set(reason, (rejected.get(reason) ?? 0) + count)
      total += count
    }
    facts.push({ message, records: total, unusable: read.unusable })
    heapBytes += read.heapBytes
    if (records.length >= form.turnRecords || heapBytes >= form.turnHeapBytes) {
      break
    }
  }
  const request: DecodedRequest = {
    signal: form.signal === 'traces' ? 'span' : 'log',
    records,
    rejected: [...rejected].map(([reason, count]) => ({ reason, records: count })),
    warnings: [],
  }
  return { request, messages: facts }
}
