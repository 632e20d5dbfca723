/** What can be known to be wrong with the operator's files and machine before anything starts, or as it starts. */
import { accessSync, constants, mkdirSync } from 'node:fs'
import { sinkTypes } from './alerts/sinks/index.ts'
import type { Sink } from './alerts/sinks/sink.ts'
import { refuseOpenBind } from './api/keys.ts'
import { collectorProblems } from './collectors/kafka/collector-config.ts'
import type { Config } from './config.ts'
import type { KafkaSettings } from './engine/bus/kafka/settings.ts'
import { kafkaConnection } from './kafka-connection.ts'
import { VERSION } from './package-files.ts'
import { type Report, readAuthorities } from './pem-files.ts'
import { isBusEmbedded, need, type Roles } from './roles.ts'
import type { LoadedPolicies } from './rules/compile.ts'
import { loadPolicies } from './rules/load.ts'
import type { Path } from './rules/yaml-document.ts'
import { Misconfigured, type Problem } from './schema/errors.ts'
import type { SinkEntry } from './settings.ts'

/** Everything that can be wrong with the operator's files, checked before anything starts. */
export interface Checked {
  readonly policies: LoadedPolicies
  /** Constructed, which connects nothing yet. */
  readonly sinks: readonly Sink[]
  readonly connections: Connections
}

/** How to reach what runs elsewhere, with secrets and certificates. */
export interface Connections {
  /** The cluster that is the bus; absent when the bus is embedded. */
  readonly bus: KafkaSettings | undefined
  /** Those that `collectors.kafka` reads, in its order. */
  readonly inputs: readonly KafkaSettings[]
  /** PEM, to check the certificate of the ClickHouse server by. */
  readonly storeAuthorities: string | undefined
}

/** @throws Misconfigured with every problem of every file. */
export async function checkConfig(config: Config): Promise<Checked> {
  const problems: Problem[] = []
  const attempt = async <Result>(
    make: () => Result | Promise<Result>,
    place: (problem: Problem) => Problem = (problem) => problem,
  ): Promise<Result | undefined> => {
    try {
      return await make()
    } catch (error) {
      if (!(error instanceof Misconfigured)) {
        throw error
      }
      problems.push(...error.problems.map(place))
      return undefined
    }
  }
  const at = (path: Path) => (problem: Problem) => placed(config, path, problem)
  await attempt(() => refuseOpenBind(config.listen.host, config.keys, config.insecure), at(['listen', 'host']))
  await attempt(() => refuseTwins(config))
  await attempt(() => refuseSamePort(config))
  const policies = await attempt(() => loadPolicies(config.policies))
  const report: Report = (path, message) => {
    problems.push(placed(config, path, { file: spelled(path), message }))
  }
  for (const { path, message, suggestion } of collectorProblems(config.collectors)) {
    problems.push(
      placed(config, ['collectors', ...path], { file: spelled(['collectors', ...path]), message, suggestion }),
    )
  }
  const { kafka } = config.bus
  const connections = {
    bus: kafka === undefined ? undefined : kafkaConnection(kafka, ['bus', 'kafka'], report),
    inputs: config.collectors.kafka.map((input, index) =>
      kafkaConnection(input, ['collectors', 'kafka', index], report),
    ),
    storeAuthorities: readAuthorities(config.store.ca_file, ['store', 'ca_file'], report),
  }
  const sinks = await Promise.all(
    config.sinks.map((entry, index) => attempt(() => openSink(entry, config), at(['sinks', index]))),
  )
  if (policies === undefined || problems.length > 0) {
    throw new Misconfigured(problems)
  }
  return { policies, sinks: sinks.filter((sink) => sink !== undefined), connections }
}

/** `a.b[1].c`, as problems of the form of the file spell it. */
function spelled(path: Path): string {
  return path.map((step, at) => (typeof step === 'number' ? `[${step}]` : `${at === 0 ? '' : '.'}${step}`)).join('')
}

/** Where the operator wrote what is wrong, instead of the name of the part that found out. */
function placed({ source }: Config, path: Path, problem: Problem): Problem {
  return source?.problem(path, `${problem.file}: ${problem.message}`, problem.suggestion) ?? problem
}

function openSink(entry: SinkEntry, config: Config): Sink {
  const type = sinkTypes.find((each) => each.type === entry.type)
  if (type === undefined) {
    throw new Misconfigured([{ file: 'sinks', message: `there is no sink of type '${entry.type}'` }])
  }
  return type.open(entry, { version: VERSION, dataDirectory: config.data })
}

/** Names of sinks are names of consumer groups; one key that lets into two tenants would let into either. */
function refuseTwins(config: Config): void {
  const twins = [
    ...twinsOf(config.sinks.map(({ name }) => name)).map((index) => ({
      path: ['sinks', index, 'name'],
      message: `another sink is called '${config.sinks[index]?.name}', too`,
    })),
    ...twinsOf(config.keys.map(({ sha256 }) => sha256)).map((index) => ({
      path: ['keys', index, 'sha256'],
      message: 'this is the hash of another key, too',
    })),
  ]
  if (twins.length > 0) {
    throw new Misconfigured(
      twins.map(({ path, message }) => placed(config, path, { file: `${path[0]}[${path[1]}]`, message })),
    )
  }
}

/** Indexes of what stands further up already. */
function twinsOf(values: readonly string[]): readonly number[] {
  return [...values.keys()].filter((index) => values.indexOf(values[index] as string) < index)
}

const PORTS = ['otlp_http_port', 'otlp_grpc_port', 'api_port'] as const

function refuseSamePort(config: Config): void {
  const ports = PORTS.map((name) => config.listen[name])
  const twins = twinsOf(ports.map(String)).filter((index) => ports[index] !== 0)
  if (twins.length > 0) {
    throw new Misconfigured(
      twins.map((index) => {
        const message = `port ${ports[index]} is that of another door, too`
        return placed(config, ['listen', PORTS[index] as string], { file: `listen.${PORTS[index]}`, message })
      }),
    )
  }
}

/**
 * Makes the data directory, where a process of these roles keeps anything. Nobody but its owner looks into it.
 *
 * @throws Misconfigured when it cannot be written to.
 */
export function prepareData(config: Config, roles: Roles): void {
  if (!keepsData(config, roles)) {
    return
  }
  try {
    mkdirSync(config.data, { recursive: true, mode: 0o700 })
    accessSync(config.data, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (error) {
    const message = `cannot be used as data directory: ${(error as Error).message}`
    throw new Misconfigured([placed(config, ['data'], { file: config.data, message })])
  }
}

/** Whether a process of these roles keeps anything in `data`: the log, the spool, the store, files of sinks. */
export function keepsData(config: Config, roles: Roles): boolean {
  return (
    roles.has('collect') ||
    (roles.has('deliver') && config.sinks.some((sink) => 'file' in sink)) ||
    (isBusEmbedded(config) && need(roles, 'bus')) ||
    (config.store.url === undefined && need(roles, 'store'))
  )
}

const LISTEN_FAULTS = new Map([
  ['EADDRINUSE', 'is in use by another process'],
  ['EACCES', 'may not be listened on by this user'],
  ['EADDRNOTAVAIL', 'cannot be listened on: this machine does not have the address'],
  ['ENOTFOUND', 'cannot be listened on: the name does not resolve'],
  ['EAI_AGAIN', 'cannot be listened on: the name does not resolve'],
  ['EINVAL', 'cannot be listened on: it is not an address'],
])

/** An address that cannot be had is the operator's to choose; every other error is itself. */
export function unlistenable(error: unknown, config: Config): unknown {
  const { code, port } = error as { readonly code?: string; readonly port?: number }
  const fault = LISTEN_FAULTS.get(code ?? '')
  if (fault === undefined) {
    return error
  }
  const setting = PORTS.find((name) => port !== undefined && config.listen[name] === port)
  const what = setting === undefined ? config.listen.host : `port ${port} of ${config.listen.host}`
  const suggestion =
    code === 'EADDRINUSE'
      ? `stop that process, or set listen.${setting ?? PORTS.join(', listen.')}`
      : 'set listen.host or the port'
  const path = ['listen', setting ?? 'host']
  return new Misconfigured([placed(config, path, { file: path.join('.'), message: `${what} ${fault}`, suggestion })])
}
