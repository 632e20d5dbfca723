/**
 * The configuration file, `telltale.yml`: one YAML document, validated as a whole before anything starts, with
 * `${ENV}` references for secrets. Every setting has a default that works; no file at all is fine.
 *
 * Only this file reads the environment.
 */
import { existsSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { Ajv, type ErrorObject } from 'ajv'
import { sinkTypes } from './alerts/sinks/index.ts'
import { SHIPPED_POLICIES } from './package-files.ts'
import { describeErrors, pathOf } from './rules/validate.ts'
import type { Path, YamlDocument } from './rules/yaml-document.ts'
import { readYamlFile } from './rules/yaml-file.ts'
import { Misconfigured, type Problem } from './schema/errors.ts'
import { Settings } from './settings.ts'
import { saslMechanisms, TlsFiles } from './settings-kafka.ts'

export interface Config extends Settings {
  /** The directory to judge by: that of the settings, else the one with those that come with Telltale. */
  readonly policies: string
  /** Where its settings were written; absent when nobody wrote any. */
  readonly source?: ConfigSource
}

/** The file that a configuration came from, for problems that show only when it is used. */
export interface ConfigSource {
  /** A problem with the setting at `path`, with its place, and without what the environment keeps secret. */
  problem(path: Path, message: string, suggestion?: string): Problem
}

const ajv = new Ajv({ allErrors: true, verbose: true, strict: false, useDefaults: true })
const validate = ajv.compile<Settings>(Settings)
/** Settings that come in kinds, each with a schema of its own, by what says which: a sink's type, a mechanism of SASL. */
const sinkValidators = new Map(sinkTypes.map(({ type, config }) => [type, ajv.compile(config)]))
const saslValidators = new Map([...saslMechanisms].map(([mechanism, schema]) => [mechanism, ajv.compile(schema)]))
const validateTls = ajv.compile(TlsFiles)

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

/** Everything wrong with the data, what comes in kinds judged by the kind it names. Fills in the defaults. */
function schemaErrors(data: unknown): readonly ErrorObject[] {
  const errors = validate(data) ? [] : [...(validate.errors ?? [])]
  for (const { pointer, value, validateKind } of kindsIn(data)) {
    if (validateKind !== undefined && !validateKind(value)) {
      for (const error of validateKind.errors ?? []) {
        errors.push({ ...error, instancePath: `${pointer}${error.instancePath}` })
      }
    }
  }
  const mistyped = new Set(errors.filter(({ keyword }) => keyword === 'type').map(({ instancePath }) => instancePath))
  // What is no number at all is not, besides, too small and too large.
  return errors.filter(({ keyword, instancePath }) => keyword === 'type' || !mistyped.has(instancePath))
}

/** Where something stands whose kind decides what it takes, with what judges that kind. */
function kindsIn(data: unknown) {
  const sinks = listAt(data, 'sinks').map((value, index) => {
    return { pointer: `/sinks/${index}`, value, validateKind: sinkValidators.get(String(valueAt(value, 'type'))) }
  })
  const clusters = [
    { pointer: '/bus/kafka', cluster: valueAt(data, 'bus', 'kafka') },
    ...listAt(data, 'collectors', 'kafka').map((cluster, index) => ({
      pointer: `/collectors/kafka/${index}`,
      cluster,
    })),
  ]
  const connections = clusters.flatMap(({ pointer, cluster }) => {
    const tls = valueAt(cluster, 'tls')
    const sasl = valueAt(cluster, 'sasl')
    return [
      { pointer: `${pointer}/tls`, value: tls, validateKind: typeof tls === 'object' ? validateTls : undefined },
      { pointer: `${pointer}/sasl`, value: sasl, validateKind: saslValidators.get(String(valueAt(sasl, 'mechanism'))) },
    ]
  })
  return [...sinks, ...connections]
}

function valueAt(data: unknown, ...path: Path): unknown {
  return path.reduce<unknown>((inner, step) => {
    return typeof inner === 'object' && inner !== null ? (inner as Record<string, unknown>)[step] : undefined
  }, data)
}

function listAt(data: unknown, ...path: Path): readonly unknown[] {
  const value = valueAt(data, ...path)
  return Array.isArray(value) ? value : []
}

/** The settings that no fault touches: whole sections, but single sinks. Tells which sinks of the file are left. */
function withoutFaults(data: unknown, faults: readonly { readonly path: Path }[]) {
  const isFaulty = (...start: Path) =>
    faults.some(({ path }) => path.length === 0 || start.every((step, index) => String(step) === String(path[index])))
  const all = listAt(data, 'sinks')
  const sinks = [...all.keys()].filter((index) => !isFaulty('sinks', index))
  const isMap = typeof data === 'object' && data !== null && !Array.isArray(data)
  const sections = isMap ? Object.entries(data).filter(([key]) => key !== 'sinks' && !isFaulty(key)) : []
  return { sinks, valid: Object.fromEntries([...sections, ['sinks', sinks.map((index) => all[index])]]) }
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
  const whole = validate(value) ? value : defaults()
  return withPaths(whole, (path) => resolve(directory, path))
}

/** Every path of a setting, as `place` makes it. */
function withPaths(settings: Settings, place: (path: string) => string): Config {
  const { data, policies, bus, store, collectors } = settings
  return {
    ...settings,
    data: place(data),
    policies: policies === undefined ? SHIPPED_POLICIES : place(policies),
    bus: bus.kafka === undefined ? bus : { ...bus, kafka: withTlsPaths(bus.kafka, place) },
    store: store.ca_file === undefined ? store : { ...store, ca_file: place(store.ca_file) },
    collectors: { ...collectors, kafka: collectors.kafka.map((source) => withTlsPaths(source, place)) },
  }
}

function withTlsPaths<Cluster extends { tls?: boolean | TlsFiles }>(
  cluster: Cluster,
  place: (path: string) => string,
): Cluster {
  if (typeof cluster.tls !== 'object') {
    return cluster
  }
  const tls = Object.entries(cluster.tls).map(([name, value]) => [name, name.endsWith('_file') ? place(value) : value])
  return { ...cluster, tls: Object.fromEntries(tls) }
}

function defaults(): Settings {
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

/** Settings whose values are not repeated, wherever they stand. */
const SECRET_SETTING = /secret|password|token|sha256/

/** What stands in the file, to be quoted in a message. */
function shownAt(data: unknown, path: Path): unknown {
  const value = valueAt(data, ...path)
  return typeof value === 'string' && SECRET_SETTING.test(String(path.at(-1))) ? '***' : value
}
