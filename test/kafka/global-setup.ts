import type { TestProject } from 'vitest/node'
import { startBrokers } from './brokers.ts'

/** Starts the brokers that the suites of one run share, unless some are given. Vitest calls it before the first suite. */
export async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const { version, given } = project.getProvidedContext().kafka
  if (given !== undefined) {
    project.provide('bootstrap', given)
    return undefined
  }
  const brokers = await startBrokers({ version })
  project.provide('bootstrap', brokers.bootstrap)
  return brokers.stop
}
