/**
 * Every setting of the configuration file: its form, its bounds and its default. What is written is checked against this
 * by `config.ts`, which also says what is wrong; `docs/configuration.md` is the same for people.
 */
import { type Static, Type } from 'typebox'
import { sinkTypes } from './alerts/sinks/index.ts'
import { KafkaInput } from './collectors/kafka/collector-config.ts'
import { KafkaBus, kafkaConnection } from './settings-kafka.ts'

const GIBIBYTE = 1024 * 1024 * 1024
const strict = { additionalProperties: false }
const Name = Type.String({ minLength: 1, maxLength: 512 })
/** Without control characters: they separate the tenant from what follows it in the keys of records. */
const Tenant = Type.String({
  minLength: 1,
  maxLength: 512,
  pattern: '^[^\\u0000-\\u001f\\u007f]*$',
  default: 'default',
  description: 'no control characters',
})
const Port = Type.Integer({ minimum: 0, maximum: 65535 })

const Listen = Type.Object(
  {
    /** Address that every door binds. Others than loopback need a key. */
    host: Type.String({ minLength: 1, maxLength: 253, default: '127.0.0.1' }),
    otlp_http_port: Type.Integer({ ...Port, default: 4318 }),
    otlp_grpc_port: Type.Integer({ ...Port, default: 4317 }),
    api_port: Type.Integer({ ...Port, default: 8080 }),
  },
  { ...strict, default: {} },
)

const Key = Type.Object(
  {
    name: Name,
    scope: Type.Enum(['ingest', 'read', 'admin']),
    /** SHA-256 of the key, in hex. `telltale key ingest` makes a key and prints this. */
    sha256: Type.String({ pattern: '^[0-9a-f]{64}$', description: '64 hex characters, as `telltale key` prints them' }),
    tenant: Tenant,
  },
  strict,
)

const Assemble = Type.Object(
  {
    /** How long a record waits for its relatives. */
    hold_ms: Type.Integer({ minimum: 0, maximum: 600_000, default: 2000 }),
    max_held: Type.Integer({ minimum: 1, maximum: 1_000_000, default: 20_000 }),
  },
  { ...strict, default: {} },
)

const Limits = Type.Object(
  {
    /** Inflated bytes of one request, and over gRPC bytes as sent, too. */
    request_bytes: Type.Integer({ minimum: 1024, maximum: GIBIBYTE, default: 16 * 1024 * 1024 }),
    /** Bytes of one compressed request as it is sent over HTTP. */
    compressed_bytes: Type.Integer({ minimum: 1024, maximum: GIBIBYTE, default: 4 * 1024 * 1024 }),
    /** Bytes of requests read or worked on at one time; beyond it clients are told to come back. */
    in_flight_bytes: Type.Integer({ minimum: 1024, maximum: 16 * GIBIBYTE, default: 64 * 1024 * 1024 }),
    /** How long records may wait to be judged; beyond it, too. More of it makes alerts later, not fewer records lost. */
    backlog_ms: Type.Integer({ minimum: 1000, maximum: 86_400_000, default: 5000 }),
  },
  { ...strict, default: {} },
)

const Retention = Type.Object(
  {
    /** `masked`: sanitized text is kept; `none`: no content at all leaves the collector. */
    content: Type.Enum(['masked', 'none'], { default: 'masked' }),
    store_days: Type.Integer({ minimum: 1, maximum: 3650, default: 30 }),
    log_days: Type.Integer({ minimum: 1, maximum: 365, default: 7 }),
    log_bytes: Type.Integer({ minimum: 16 * 1024 * 1024, maximum: 1024 * GIBIBYTE, default: 8 * GIBIBYTE }),
  },
  { ...strict, default: {} },
)

const StoreConfig = Type.Object(
  {
    /** A ClickHouse server, `https://clickhouse:8443`. Absent: the embedded store in `data`. */
    url: Type.Optional(
      Type.String({ pattern: '^https?://[^/@\\s]+/?$', description: 'https://host:port, nothing else' }),
    ),
    database: Type.String({ pattern: '^[A-Za-z_][A-Za-z0-9_]{0,62}$', default: 'telltale' }),
    username: Type.Optional(Type.String()),
    password: Type.Optional(Type.String()),
    /** A user with `readonly` in its profile, for queries. Default: the same user, with limits set by us. */
    reader_username: Type.Optional(Type.String({ minLength: 1 })),
    reader_password: Type.Optional(Type.String()),
    /** Name of the cluster, for replicated and distributed tables. */
    cluster: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9_{}.-]{1,63}$', description: 'a name without spaces' })),
    /** PEM certificates that the server's is to be signed by. Relative to this file. */
    ca_file: Type.Optional(Type.String({ minLength: 1 })),
  },
  {
    ...strict,
    default: {},
    dependencies: {
      username: ['url'],
      password: ['url'],
      reader_username: ['url', 'reader_password'],
      reader_password: ['reader_username'],
      cluster: ['url'],
      ca_file: ['url'],
    },
  },
)

const BusConfig = Type.Object(
  {
    /** The log between stages that are processes of their own. Absent: the embedded bus in `data`. */
    kafka: Type.Optional(KafkaBus),
  },
  { ...strict, default: {} },
)

const Spool = Type.Object(
  {
    /** What a collector keeps on disk while Kafka is away; beyond it clients are told to come back. */
    max_bytes: Type.Integer({ minimum: 16 * 1024 * 1024, maximum: 1024 * GIBIBYTE, default: 2 * GIBIBYTE }),
  },
  { ...strict, default: {} },
)

/** What `collectors/kafka` takes, and how to reach the cluster. */
const KafkaSource = Type.Object({ ...KafkaInput.properties, ...kafkaConnection }, strict)

const Collectors = Type.Object(
  {
    /** Topics on which others put OTLP; `name` is unique. */
    kafka: Type.Array(KafkaSource, { default: [], maxItems: 100 }),
  },
  { ...strict, default: {} },
)

/** What the entries of `sinks` have in common. */
export interface SinkEntry {
  readonly type: string
  readonly name: string
}

/** The whole file. */
export const Settings = Type.Object(
  {
    /** Directory of the log, the state and the embedded store. Relative to this file. */
    data: Type.String({ minLength: 1, default: './data' }),
    /** Directory of agent policies. Relative to this file; default: the ones that come with Telltale. */
    policies: Type.Optional(Type.String({ minLength: 1 })),
    /** The tenant of everything that comes in without a key; its admins see dead letters that name no tenant. */
    tenant: Tenant,
    /** Bind other addresses than loopback although no key is configured. */
    insecure: Type.Boolean({ default: false }),
    listen: Listen,
    keys: Type.Array(Key, { default: [] }),
    assemble: Assemble,
    limits: Limits,
    retention: Retention,
    bus: BusConfig,
    spool: Spool,
    store: StoreConfig,
    collectors: Collectors,
    /** Each as its type says (`sinkTypes`); `name` is unique. */
    sinks: Type.Array(
      Type.Unsafe<SinkEntry>(Type.Object({ type: Type.Enum(sinkTypes.map(({ type }) => type)) }, { default: {} })),
      { default: [] },
    ),
  },
  strict,
)

export type Settings = Static<typeof Settings>
