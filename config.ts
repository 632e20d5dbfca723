/**
 * The configuration file, `telltale.yml`: one YAML document, validated as a whole before anything starts, with
 * `${ENV}` references for secrets. Every setting has a default that works; no file at all is fine.
 *
 * Only this file reads the environment.
 */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { Ajv } from 'ajv'
import { type Static, Type } from 'typebox'
import { sinkTypes } from './alerts/sinks/index.ts'
import { describeErrors } from './rules/validate.ts'
import { readYaml, type YamlDocument } from './rules/yaml-document.ts'
import { Misconfigured, type Problem } from './schema/errors.ts'

const strict = { additionalProperties: false }
const Name = Type.String({ minLength: 1, maxLength: 512 })
const Port = Type.Integer({ minimum: 0, maximum: 65535 })

const Listen = Type.Object(
  {
    /** Address that every door binds. Others than loopback need a key. */
    host: Type.String({ default: '127.0.0.1' }),
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
    tenant: Type.String({ minLength: 1, maxLength: 512, default: 'default' }),
  },
  strict,
)

const Assemble = Type.Object(
  {
    /** How long a record waits for its relatives. */
    hold_ms: Type.Integer({ minimum: 0, maximum: 600_000, default: 2000 }),
    max_held: Type.Integer({ minimum: 1, default: 20_000 }),
  },
  { ...strict, default: {} },
)

const Limits = Type.Object(
  {
    /** Inflated bytes of one request. */
    request_bytes: Type.Integer({ minimum: 1024, default: 16 * 1024 * 1024 }),
    /** Bytes of requests read or worked on at one time; beyond it clients are told to come back. */
    in_flight_bytes: Type.Integer({ minimum: 1024, default: 64 * 1024 * 1024 }),
  },
  { ...strict, default: {} },
)

const Retention = Type.Object(
  {
    /** `masked`: sanitized text is kept; `none`: no content at all leaves the collector. */
    content: Type.Enum(['masked', 'none'], { default: 'masked' }),
    store_days: Type.Integer({ minimum: 1, maximum: 3650, default: 30 }),
    log_days: Type.Integer({ minimum: 1, maximum: 365, default: 7 }),
    log_bytes: Type.Integer({ minimum: 16 * 1024 * 1024, default: 8 * 1024 * 1024 * 1024 }),
  },
  { ...strict, default: {} },
)

const StoreConfig = Type.Object(
  {
    /** A ClickHouse server, `https://clickhouse:8443`. Absent: the embedded store in `data`. */
    url: Type.Optional(Type.String()),
    database: Type.String({ default: 'telltale' }),
    username: Type.Optional(Type.String()),
    password: Type.Optional(Type.String()),
  },
  { ...strict, default: {} },
)

/** What the entries of `sinks` have in common. */
export interface SinkEntry {
  readonly type: string
  readonly name: string
}

const Config = Type.Object(
  {
    /** Directory of the log, the state and the embedded store. Relative to this file. */
    data: Type.String({ default: './data' }),
    /** Directory of agent policies. Relative to this file; default: the ones that come with Telltale. */
    policies: Type.Optional(Type.String()),
    /** The tenant of everything that comes in without a key. */
    tenant: Type.String({ minLength: 1, maxLength: 512, default: 'default' }),
    /** Bind other addresses than loopback although no key is configured. */
    insecure: Type.Boolean({ default: false }),
    listen: Listen,
    keys: Type.Array(Key, { default: [] }),
    assemble: Assemble,
    limits: Limits,
    retention: Retention,
    store: StoreConfig,
    /** Each as its type says; `name` is unique. */
    sinks: Type.Array(Type.Unsafe<SinkEntry>(Type.Union(sinkTypes.map(({ config }) => config))), { default: [] }),
  },
  strict,
)
export type Config = Static<typeof Config>

const validate = new Ajv({ allErrors: true, verbose: true, strict: false, useDefaults: true }).compile<Config>(Config)

/** Where it is looked for when nobody names one. */
const DEFAULT_FILE = 'telltale.yml'

/**
 * Reads, resolves and validates the configuration.
 *
 * @param file as named on the command line; then it must exist.
 * @throws Misconfigured with every problem.
 */
export function loadConfig(file: string | undefined, environment: NodeJS.ProcessEnv = process.env): Config {
  const path = resolve(file ?? DEFAULT_FILE)
  if (file === undefined && !existsSync(path)) {
    return completed({}, dirname(path))
  }
  const document = readDocument(file ?? DEFAULT_FILE, path)
  if (document === undefined) {
    return completed({}, dirname(path))
  }
  const problems: Problem[] = []
  const data = resolveReferences(document.data, [], { document, environment, problems })
  if (problems.length > 0) {
    throw new Misconfigured(problems)
  }
  if (!validate(data)) {
    throw new Misconfigured(describeErrors(validate.errors ?? [], document))
  }
  return withPaths(data, dirname(path))
}

function completed(data: object, directory: string): Config {
  const value: unknown = structuredClone(data)
  if (!validate(value)) {
    throw new Error('the defaults of the configuration are not valid')
  }
  return withPaths(value, directory)
}

function withPaths(config: Config, directory: string): Config {
  return {
    ...config,
    data: resolve(directory, config.data),
    ...(config.policies === undefined ? {} : { policies: resolve(directory, config.policies) }),
  }
}

function readDocument(name: string, path: string): YamlDocument | undefined {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new Misconfigured([{ file: name, message: `cannot be read: ${reason}` }])
  }
  const { documents, problems } = readYaml(text, name)
  const extra = documents[1]
  const many =
    extra === undefined ? [] : [{ file: name, ...extra.positionOf([]), message: 'only one document may stand here' }]
  if (problems.length + many.length > 0) {
    throw new Misconfigured([...problems, ...many])
  }
  return documents[0]
}

interface Resolving {
  readonly document: YamlDocument
  readonly environment: NodeJS.ProcessEnv
  readonly problems: Problem[]
}

const REFERENCE = /\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g

/** Replaces `${NAME}` in every string; a name that is not set (or empty) is a problem, never an empty secret. */
function resolveReferences(value: unknown, path: readonly (string | number)[], resolving: Resolving): unknown {
  if (typeof value === 'string') {
    return value.replace(REFERENCE, (_whole, name: string) => {
      const found = resolving.environment[name]?.replace(/\r?\n$/, '')
      if (found === undefined || found === '') {
        const { document, problems } = resolving
        problems.push({
          file: document.file,
          ...document.positionOf(path),
          message: `the environment variable ${name} is ${found === undefined ? 'not set' : 'empty'}`,
        })
      }
      return found ?? ''
    })
  }
  if (Array.isArray(value)) {
    return value.map((item, index) => resolveReferences(item, [...path, index], resolving))
  }
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, resolveReferences(item, [...path, key], resolving)]),
    )
  }
  return value
}
