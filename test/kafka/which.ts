/** Which Kafkas `npm run test:kafka` runs its suites on, from the environment. */
import { KAFKA_RELEASES, type KafkaVersion } from './jars.ts'

/** What a suite gets with `inject('kafka')`. */
export interface KafkaUnderTest {
  /** For people: `Kafka 4.2`. */
  readonly name: string
  /** Which brokers to start, for suites that kill their own. */
  readonly version: KafkaVersion
  /** Running brokers to use (`KAFKA_BROKERS`), when some are given. */
  readonly given?: readonly string[]
}

declare module 'vitest' {
  interface ProvidedContext {
    kafka: KafkaUnderTest
    /** The shared brokers, `host:port`: suites keep apart by prefixing their topics and groups. */
    bootstrap: readonly string[]
  }
}

/**
 * Every line of Kafka that is tested, or those of `KAFKA_VERSIONS=4.2,...`, or the one behind
 * `KAFKA_BROKERS=host:port,...`. Throws at a version that is not tested.
 */
export function kafkasToTest(environment: NodeJS.ProcessEnv = process.env): KafkaUnderTest[] {
  const known = Object.keys(KAFKA_RELEASES) as KafkaVersion[]
  const versions = listed(environment.KAFKA_VERSIONS).map((name) => {
    const version = known.find((one) => one === name)
    if (version === undefined) {
      throw new Error(`KAFKA_VERSIONS names '${name}', which is not tested; use some of ${known.join(', ')}.`)
    }
    return version
  })
  const given = listed(environment.KAFKA_BROKERS)
  if (given.length > 0) {
    return [{ name: `Kafka at ${given.join(',')}`, version: versions[0] ?? '4.2', given }]
  }
  return (versions.length > 0 ? versions : known).map((version) => ({ name: `Kafka ${version}`, version }))
}

function listed(text: string | undefined): string[] {
  return (text ?? '')
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')
}
