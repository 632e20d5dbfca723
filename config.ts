/**
 * The configuration file, `telltale.yml`: one YAML document, validated as a whole before anything starts, with
 * `${ENV}` references for secrets. Every setting has a default that works; no file at all is fine.
 *
 * Only this file reads the environment.
 */
import { existsSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { Ajv, type ErrorObject } from 'ajv'
import { type Static, Type } from 'typebox'
import { sinkTypes } from './alerts/sinks/index.ts'
import { describeErrors } from './rules/validate.ts'
import type { Path, YamlDocument } from './rules/yaml-document.ts'
import { readYamlFile } from './rules/yaml-file.ts'
import { Misconfigured, type Problem } from './schema/errors.ts'

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
    store: StoreConfig,
    /** Each as its type says (`sinkTypes`); `name` is unique. */
    sinks: Type.Array(
      Type.Unsafe<SinkEntry>(Type.Object({ type: Type.Enum(sinkTypes.map(({ type }) => type)) }, { default: {} })),
      { default: [] },
    ),
  },
  strict,
)

export interface Config extends Static<typeof Config> {
  /** Where its settings were written; absent when nobody wrote any. */
  readonly source?: ConfigSource
}

/** The file that a configuration came from, for problems that show only when it is used. */
export interface ConfigSource {
  /** A problem with the setting at `path`, with its place, and without what the environment keeps secret. */
  problem(path: Path, message: string, suggestion?: string): Problem
}

const ajv = new Ajv({ allErrors: true, verbose: true, strict: false, useDefaults: true })
const validate = ajv.compile<Config>(Config)
const sinkValidators = new Map(sinkTypes.map(({ type, config }) => [type, ajv.compile(config)]))

/** Where it is looked for when nobody names one. */
const DEFAULT_FILE = 'telltale.yml'

/**
 * Reads, resolves and validates the configuration.
 *
 * @param file as named on the command line; then it must exist.
 * @throws Misconfigured with every problem.
 */
export function loadConfig(file: string | undefined, environment: NodeJS.ProcessEnv = process.env): Config {
  const { config, problems } = examineConfig(file, environment)
  if (problems.length > 0) {
    throw new Misconfigured(problems)
  }
  return config
}

/**
 * The same for who wants to go on looking: the settings that are valid, defaults in place of the others, and what is
 * wrong with those. `check` calls it.
 */
export function examineConfig(
  file: string | undefined,
  environment: NodeJS.ProcessEnv = process.env,
): { readonly config: Config; readonly problems: readonly Problem[] } {
  const name = file ?? DEFAULT_FILE
  const directory = dirname(resolve(name))
  if (file === undefined && !existsSync(name)) {
    return { config: completed({}, directory), problems: [] }
  }
  const { documents, problems } = readYamlFile(name)
  const [document, extra] = documents
  const many =
    extra === undefined ? [] : [{ file: name, ...extra.positionOf([]), message: 'only one document may stand here' }]
  if (document === undefined || problems.length + many.length > 0) {
    return { config: completed({}, directory), problems: [...problems, ...many] }
  }
  return examineDocument(document, directory, environment)
}

function examineDocument(document: YamlDocument, directory: string, environment: NodeJS.ProcessEnv) {
  const resolving: Resolving = { environment, used: new Map(), faults: [] }
  const data = resolveReferences(document.data, [], resolving)
  const unresolved = resolving.faults.map(({ path, message }) => ({
    path,
    problem: { file: document.file, ...document.positionOf(path), message },
  }))
  const isUnresolved = (path: Path) => unresolved.some((fault) => fault.path.join('/') === path.join('/'))
  const faults = [
    ...unresolved,
    // What could not be resolved is one problem, not two.
    ...schemaErrors(data)
      .filter((error) => !isUnresolved(pathOf(error.instancePath)))
      .flatMap((error) => {
        const path = pathOf(error.instancePath)
        // Told with what stands in the file: what a reference stands for is nobody's to read.
        return describeErrors([{ ...error, data: shownAt(document.data, path) }], document).map((problem) => ({
          path,
          problem,
        }))
      }),
  ]
  const { valid, sinks } = withoutFaults(data, faults)
  const source = sourceOf(document, resolving.used, sinks)
  const problems = faults
    .map(({ problem }) => problem)
    .sort((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0))
  return { config: { ...completed(valid, directory), source }, problems }
}

/** Everything wrong with the data, sinks judged by the type they name. Fills in the defaults. */
function schemaErrors(data: unknown): readonly ErrorObject[] {
  const errors = validate(data) ? [] : [...(validate.errors ?? [])]
  for (const [index, entry] of sinksOf(data).entries()) {
    const validateSink = sinkValidators.get(String((entry as Partial<SinkEntry> | null)?.type))
    if (validateSink !== undefined && !validateSink(entry)) {
      for (const error of validateSink.errors ?? []) {
        errors.push({ ...error, instancePath: `/sinks/${index}${error.instancePath}` })
      }
    }
  }
  const mistyped = new Set(errors.filter(({ keyword }) => keyword === 'type').map(({ instancePath }) => instancePath))
  // What is no number at all is not, besides, too small and too large.
  return errors.filter(({ keyword, instancePath }) => keyword === 'type' || !mistyped.has(instancePath))
}

function sinksOf(data: unknown): readonly unknown[] {
  const { sinks } = (data ?? {}) as { readonly sinks?: unknown }
  return Array.isArray(sinks) ? sinks : []
}

/** The settings that no fault touches: whole sections, but single sinks. Tells which sinks of the file are left. */
function withoutFaults(data: unknown, faults: readonly { readonly path: Path }[]) {
  const isFaulty = (...start: Path) =>
    faults.some(({ path }) => path.length === 0 || start.every((step, index) => String(step) === String(path[index])))
  const sinks = [...sinksOf(data).keys()].filter((index) => !isFaulty('sinks', index))
  const isMap = typeof data === 'object' && data !== null && !Array.isArray(data)
  const sections = isMap ? Object.entries(data).filter(([key]) => key !== 'sinks' && !isFaulty(key)) : []
  return { sinks, valid: Object.fromEntries([...sections, ['sinks', sinks.map((index) => sinksOf(data)[index])]]) }
}

function sourceOf(document: YamlDocument, used: ReadonlyMap<string, string>, sinks: readonly number[]): ConfigSource {
  const hide = (text: string) => {
    // Longest first: one value may be part of another. Shorter ones keep no secret and would garble every sentence.
    const secrets = [...used].filter(([, value]) => value.length > 3).sort(([, a], [, b]) => b.length - a.length)
    return secrets.reduce((hidden, [name, value]) => hidden.replaceAll(value, `\${${name}}`), text)
  }
  return {
    problem: (path, message, suggestion) => {
      const written =
        path[0] === 'sinks' ? path.map((step, at) => (at === 1 ? (sinks[Number(step)] ?? step) : step)) : path
      const place = { file: document.file, ...document.positionOf(written) }
      return { ...place, message: hide(message), ...(suggestion === undefined ? {} : { suggestion: hide(suggestion) }) }
    },
  }
}

/** Settings that are valid as far as they go, with all others at their defaults and paths made absolute. */
function completed(settings: object, directory: string): Config {
  const value: unknown = structuredClone(settings)
  // What is left of a faulty file may lack what is required; the faults are told, the rest does not matter.
  const config = validate(value) ? value : defaults()
  return {
    ...config,
    data: resolve(directory, config.data),
    ...(config.policies === undefined ? {} : { policies: resolve(directory, config.policies) }),
  }
}

function defaults(): Config {
  const value: unknown = {}
  if (!validate(value)) {
    throw new Error('the defaults of the configuration are not valid')
  }
  return value
}

interface Resolving {
  readonly environment: NodeJS.ProcessEnv
  /** Names that were asked for, with their values. */
  readonly used: Map<string, string>
  readonly faults: { readonly path: Path; readonly message: string }[]
}

const REFERENCE = /\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g

/** Replaces `${NAME}` in every string; a name that is not set (or empty) is a problem, never an empty secret. */
function resolveReferences(value: unknown, path: Path, resolving: Resolving): unknown {
  if (typeof value === 'string') {
    return value.replace(REFERENCE, (whole, name: string) => {
      const found = resolving.environment[name]?.replace(/\r?\n$/, '')
      if (found === undefined || found === '') {
        const message = `the environment variable ${name} is ${found === undefined ? 'not set' : 'empty'}`
        resolving.faults.push({ path, message })
        return whole
      }
      resolving.used.set(name, found)
      return found
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

function pathOf(pointer: string): Path {
  return pointer
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
}

/** Settings whose values are not repeated, wherever they stand. */
const SECRET_SETTING = /secret|password|token|sha256/

/** What stands in the file, to be quoted in a message. */
function shownAt(data: unknown, path: Path): unknown {
  const value = path.reduce<unknown>((inner, step) => {
    return typeof inner === 'object' && inner !== null ? (inner as Record<string, unknown>)[step] : undefined
  }, data)
  return typeof value === 'string' && SECRET_SETTING.test(String(path.at(-1))) ? '***' : value
}
