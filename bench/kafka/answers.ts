/**
 * Lost answers: the broker does what it is asked and nobody hears. A proxy between the fleet and the broker throws away
 * what the broker says, for a while at a time; then connections are cut. Nothing may be lost, and what was appended twice
 * must not be seen twice.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { startBrokers } from '../../test/kafka/brokers.ts'
import { startFaultProxy } from '../../test/kafka/fault-proxy.ts'
import type { KafkaVersion } from '../../test/kafka/jars.ts'
import type { KillResult } from '../kill.ts'
import { seeded } from '../seeded.ts'
import { runDrill } from './drill.ts'
import { FOUR_MEMBERS } from './fleet.ts'

export interface AnswersOptions {
  readonly version: KafkaVersion
  /** How often answers are lost. */
  readonly times: number
  readonly seed: number
  readonly onLoss?: (count: number, droppedBytes: number) => void
}

export interface AnswersResult extends KillResult {
  readonly droppedBytes: number
}

export async function measureLostAnswers(options: AnswersOptions): Promise<AnswersResult> {
  const random = seeded(options.seed)
  const proxy = await startFaultProxy()
  const brokers = await startBrokers({ version: options.version, advertisedPorts: [proxy.port] })
  const [port = 0] = brokers.ports
  proxy.forwardTo(port)
  try {
    const result = await runDrill({
      plan: {
        brokers: [`127.0.0.1:${proxy.port}`],
        partitions: 6,
        members: FOUR_MEMBERS,
        settings: { assemble: { hold_ms: 250 } },
      },
      harm: async () => {
        for (let count = 1; count <= options.times; count += 1) {
          await sleep(random() * 2000)
          proxy.set({ dropAnswers: true })
          await sleep(random() * 500)
          proxy.set({})
          // As a network does in the end; else each client waits until its own patience is over.
          proxy.cut()
          options.onLoss?.(count, proxy.droppedAnswerBytes)
        }
        return options.times
      },
    })
    return { ...result, droppedBytes: proxy.droppedAnswerBytes }
  } finally {
    await brokers.stop()
    await proxy.close()
  }
}
