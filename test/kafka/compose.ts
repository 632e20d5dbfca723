/** A broker from `docker-compose.yml` beside this file, where Java and Maven are missing. It cannot be killed or frozen. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { freePorts } from '../free-ports.ts'
import { KAFKA_RELEASES, type KafkaVersion } from './jars.ts'

const FILE = join(import.meta.dirname, 'docker-compose.yml')

/**
 * Starts it and resolves when it is healthy, or to nothing when `docker compose` is not installed. Throws with what
 * Docker said when it is, but the broker does not come up.
 */
export async function composeBroker(
  version: KafkaVersion,
): Promise<{ readonly bootstrap: readonly string[]; stop(): Promise<void> } | undefined> {
  const run = promisify(execFile)
  try {
    await run('docker', ['compose', 'version'])
  } catch {
    return undefined
  }
  const [port] = await freePorts(1)
  const env = { ...process.env, KAFKA_RELEASE: KAFKA_RELEASES[version], KAFKA_PORT: `${port}` }
  const compose = (...args: string[]) =>
    run('docker', ['compose', '--project-name', `telltale-test-kafka-${port}`, '--file', FILE, ...args], { env })
  const stop = async () => {
    await compose('down', '--volumes', '--timeout', '0')
  }
  try {
    await compose('up', '--detach', '--wait')
  } catch (error) {
    await stop().catch(() => {})
    throw error
  }
  return { bootstrap: [`127.0.0.1:${port}`], stop }
}
