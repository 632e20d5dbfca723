import { randomUUID } from 'node:crypto'
import { inject } from 'vitest'
import { busContract } from './bus.contract.ts'
import { openKafkaBus } from './kafka.ts'

const run = randomUUID()

busContract(
  `Kafka ${inject('kafka').version}`,
  ({ name, partitions }) =>
    openKafkaBus({
      brokers: inject('bootstrap'),
      topicPrefix: `${run}.${name}.`,
      partitions: partitions ?? 1,
      sessionTimeoutMs: 6000,
    }),
  { largestRecordBytes: 2 * 1024 * 1024, histories: 6 },
)
