/** The section `collectors` of the configuration: telemetry that Telltale fetches, rather than being sent it. */
import { type Static, Type } from 'typebox'

const strict = { additionalProperties: false }

/** What Kafka allows as the name of a topic. */
const Topic = Type.String({
  pattern: '^[a-zA-Z0-9._-]{1,249}$',
  description: 'letters, digits, ., _ and -, at most 249',
})

/**
 * What is read of one Kafka cluster: what the OpenTelemetry Collector's exporter wrote there. How to reach the cluster
 * (brokers, TLS, SASL) is added by the configuration, as for the bus.
 */
export const KafkaInput = Type.Object(
  {
    /** Unique; names the input in dead letters and messages. */
    name: Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,62}$', description: 'lower-case letters, digits and -' }),
    /** By signal; the defaults are the exporter's. A signal that is not named is not read. */
    topics: Type.Object(
      { traces: Type.Optional(Topic), logs: Type.Optional(Topic) },
      { ...strict, minProperties: 1, default: { traces: 'otlp_spans', logs: 'otlp_logs' } },
    ),
    /** What the exporter's `encoding` is. */
    encoding: Type.Enum(['otlp_proto', 'otlp_json'], { default: 'otlp_proto' }),
    /** The consumer group; processes with the same one share the partitions. */
    group: Type.String({ minLength: 1, maxLength: 249, default: 'telltale-collect' }),
    /** Whose telemetry it is. Nothing in a message can change that. */
    tenant: Type.String({
      minLength: 1,
      maxLength: 512,
      pattern: '^[^\\u0000-\\u001f\\u007f]*$',
      default: 'default',
      description: 'no control characters',
    }),
  },
  strict,
)

export type KafkaInput = Static<typeof KafkaInput>

/** The section, as far as it is about what is read and where. */
export interface CollectorConfig {
  readonly kafka: readonly (KafkaInput & { readonly brokers: readonly string[] })[]
}

/** Something wrong with a valid section, at a path inside it. */
export interface CollectorProblem {
  readonly path: readonly (string | number)[]
  readonly message: string
  readonly suggestion: string
}

/** What the schema cannot say. Called where the configuration is checked, which knows file and line of each path. */
export function collectorProblems({ kafka }: CollectorConfig): readonly CollectorProblem[] {
  return kafka.flatMap((input, index) => {
    const before = kafka.slice(0, index)
    return [...sameName(input, before), ...sameTopicTwice(input), ...sameShare(input, before)].map((problem) => ({
      ...problem,
      path: ['kafka', index, ...problem.path],
    }))
  })
}

type Input = CollectorConfig['kafka'][number]

function sameName({ name }: Input, before: readonly Input[]): readonly CollectorProblem[] {
  const problem = {
    path: ['name'],
    message: `another input is named '${name}'`,
    suggestion: 'give each input a name of its own',
  }
  return before.some((other) => other.name === name) ? [problem] : []
}

function sameTopicTwice({ topics }: Input): readonly CollectorProblem[] {
  const problem = {
    path: ['topics', 'logs'],
    message: 'traces and logs are read from the same topic, where nobody can tell them apart',
    suggestion: "give each a topic of its own, in the exporter's traces.topic and logs.topic too",
  }
  return topics.traces !== undefined && topics.traces === topics.logs ? [problem] : []
}

/** Two that read a topic in one group would each get some of its partitions: half of a tenant's telemetry. */
function sameShare({ brokers, group, topics }: Input, before: readonly Input[]): readonly CollectorProblem[] {
  return before
    .filter((other) => other.group === group && other.brokers.some((broker) => brokers.includes(broker)))
    .flatMap((other) =>
      Object.values(topics)
        .filter((topic) => Object.values(other.topics).includes(topic))
        .map((topic) => ({
          path: ['group'],
          message: `input '${other.name}' reads topic ${topic} of these brokers in group '${group}', too: each would get a part`,
          suggestion: 'leave the topic out of one, or give one another group: then both read all of it',
        })),
    )
}
