/**
 * Settings of everything that speaks to a Kafka cluster: how to reach it, and what the bus wants of it. For
 * `settings.ts`.
 */
import { type Static, type TSchema, Type } from 'typebox'
import { SESSION_TIMEOUT_MS } from './engine/bus/kafka/settings.ts'

const strict = { additionalProperties: false }
const Text = Type.String({ minLength: 1, maxLength: 4096 })

const PasswordSasl = Type.Object(
  { mechanism: Type.Enum(['plain', 'scram-sha-256', 'scram-sha-512']), username: Text, password: Text },
  strict,
)

const OauthSasl = Type.Object(
  {
    mechanism: Type.Literal('oauthbearer'),
    /** Where tokens are given out for client credentials. */
    token_url: Type.String({ pattern: '^https?://[^@\\s]+$', description: 'https://host/path' }),
    client_id: Text,
    client_secret: Text,
    scope: Type.Optional(Text),
  },
  strict,
)

export type Sasl = Static<typeof PasswordSasl> | Static<typeof OauthSasl>

/** What stands in `sasl`, by its mechanism; each is told what its own takes. `config.ts` checks it. */
export const saslMechanisms: ReadonlyMap<string, TSchema> = new Map<string, TSchema>([
  ['plain', PasswordSasl],
  ['scram-sha-256', PasswordSasl],
  ['scram-sha-512', PasswordSasl],
  ['oauthbearer', OauthSasl],
])

/** Files are PEM, relative to the configuration file. */
export const TlsFiles = Type.Object(
  {
    /** Certificates that the brokers' are to be signed by. Default: what Node trusts. */
    ca_file: Type.Optional(Text),
    /** The client's certificate and its key, where brokers ask for one. */
    cert_file: Type.Optional(Text),
    key_file: Type.Optional(Text),
    /** The name that the brokers' certificates are for, where it is not the one they are reached by. */
    server_name: Type.Optional(Text),
  },
  { ...strict, dependencies: { cert_file: ['key_file'], key_file: ['cert_file'] } },
)

export type TlsFiles = Static<typeof TlsFiles>

/** How to reach a cluster. */
export const kafkaConnection = {
  /** Some of the brokers; they name the others. */
  brokers: Type.Array(
    Type.String({ pattern: '^([A-Za-z0-9._-]{1,253}|\\[[0-9A-Fa-f:.]+\\]):[0-9]{1,5}$', description: 'host:port' }),
    { minItems: 1, maxItems: 100 },
  ),
  /** `true`: with the authorities that Node trusts. A map is checked by `config.ts`. */
  tls: Type.Optional(Type.Unsafe<boolean | TlsFiles>({ type: ['boolean', 'object'] })),
  sasl: Type.Optional(Type.Unsafe<Sasl>(Type.Object({ mechanism: Type.Enum([...saslMechanisms.keys()]) }))),
}

/** The cluster that is the bus. */
export const KafkaBus = Type.Object(
  {
    ...kafkaConnection,
    topic_prefix: Type.String({
      pattern: '^[A-Za-z0-9._-]{0,100}$',
      description: 'letters, digits and . _ -',
      default: 'telltale.',
    }),
    /** Of each topic that is made; topics that are there must have as many. Default: what they have, else 12. */
    partitions: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
    /** Copies of each topic that is made. Default 3, or as many as there are brokers. */
    replication: Type.Optional(Type.Integer({ minimum: 1, maximum: 9 })),
    compression: Type.Enum(['none', 'gzip'], { default: 'none' }),
    /** How long a process may be silent before its partitions go to another. */
    session_timeout_ms: Type.Integer({ minimum: 1000, maximum: 300_000, default: SESSION_TIMEOUT_MS }),
  },
  strict,
)
