import type { TestProject } from 'vitest/node'
import { startBrokers } from './brokers.ts'
import { composeBroker } from './compose.ts'
import { MissingProgram } from './jars.ts'
import type { KafkaUnderTest } from './which.ts'

/** Starts what the suites of one run share, unless it is given. Vitest calls it before the first suite. */
export async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const kafka = project.getProvidedContext().kafka
  if (kafka.given !== undefined) {
    project.provide('bootstrap', kafka.given)
    return undefined
  }
  const { bootstrap, stop } = await startShared(kafka)
  project.provide('bootstrap', bootstrap)
  return stop
}

async function startShared({ version }: KafkaUnderTest) {
  try {
    return await startBrokers({ version })
  } catch (error) {
    const composed = error instanceof MissingProgram ? await composeBroker(version) : undefined
    if (composed !== undefined) {
      return composed
    }
    if (error instanceof MissingProgram) {
      throw new Error(
        `${error.message}. Install Java and Maven (Debian: apt-get install default-jre-headless maven) or docker compose, ` +
          'or name a running Kafka: KAFKA_BROKERS=host:port,... npm run test:kafka',
      )
    }
    throw error
  }
}
