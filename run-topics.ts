/** OTLP that others put on Kafka (`collectors.kafka`), read into the same intake as the doors', in this thread. */
import type { GiveUp } from './collectors/collector.ts'
import { runOtlpTopics } from './collectors/kafka/otlp.ts'
import type { OtlpTopics } from './collectors/kafka/otlp-topic.ts'
import type { Config } from './config.ts'
import { collectedLetter } from './engine/collected-letter.ts'
import { PoisonWatch } from './engine/poison.ts'
import { fragmentRecord } from './engine/records.ts'
import { untilAvailable } from './engine/until-available.ts'
import { decoyTokens } from './rules/canaries.ts'
import type { Append } from './run-collect.ts'
import type { Parts } from './run-stages.ts'
import { openIntake } from './wire-intake.ts'

/** One entry of `collectors.kafka`, and its consumer group. */
export interface TopicsInput {
  readonly input: Config['collectors']['kafka'][number]
  readonly topics: OtlpTopics
}

/** Reads every input until the signal; rejects with the first failure, after which the others stop, too. */
export async function runTopics(parts: Parts, append: Append, inputs: readonly TopicsInput[]): Promise<void> {
  const failed = new AbortController()
  const signal = AbortSignal.any([parts.signal, failed.signal])
  const running = inputs.map(async (each) => {
    try {
      await runInput(each, parts, append, signal)
    } catch (error) {
      failed.abort()
      throw error
    }
  })
  for (const result of await Promise.allSettled(running)) {
    if (result.status === 'rejected') {
      parts.troubles.set('engine', 'a collector stopped; the log says why')
      throw result.reason
    }
  }
}

function runInput({ input, topics }: TopicsInput, parts: Parts, append: Append, signal: AbortSignal): Promise<void> {
  const { config, ledger, log, metrics } = parts
  const count = (outcome: string, records: number) => ledger.count('collect', outcome, records)
  const giveUp: GiveUp = async (messages) => {
    const nowMs = Date.now()
    await append(
      'dead_letters',
      messages.map((message) => collectedLetter(message, nowMs)),
    )
    for (const { reason } of messages) {
      metrics.add('telltale_dead_letters_total', { stage: 'collect', reason })
    }
  }
  return runOtlpTopics({
    input,
    topics,
    intake: openIntake({
      publish: (fragments) => append('fragments', fragments.map(fragmentRecord)),
      count,
      retention: config.retention.content,
      decoys: decoyTokens(parts.policies),
    }),
    giveUp,
    count,
    received: (kind, records) => ledger.received(kind, records),
    watch: ({ topic }) => new PoisonWatch(`collect (input ${input.name}, topic ${topic})`),
    patience: (call, stop) =>
      untilAvailable(call, stop, (error) =>
        log.warn({ input: input.name, reason: error.message }, 'Kafka or the bus is unavailable, trying again'),
      ),
    onTrouble: (topic, message) => tellTrouble(parts, `topic ${topic} of input ${input.name}`, message),
    signal,
    limits: { messageBytes: config.limits.request_bytes },
  })
}

/** Health shows the latest until it is over. */
function tellTrouble({ log, troubles }: Parts, topic: string, message: string | undefined): void {
  if (message === undefined) {
    troubles.delete(topic)
    log.info({ topic }, 'reading from Kafka works again')
  } else {
    troubles.set(topic, message)
    log.warn({ topic, reason: message }, 'reading from Kafka does not work, trying again')
  }
}
