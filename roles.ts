/**
 * What a process is for. `telltale start` has every role; a stage alone has the one it is named for, or the several. What
 * a role needs decides what `run.ts` opens: nothing opens what it does not need.
 */
import type { Config } from './config.ts'
import { Misconfigured, type Problem } from './schema/errors.ts'

interface RoleFacts {
  /** What it works on; the bus and the store may be other processes. */
  readonly needs: readonly ('bus' | 'store')[]
  /** For the list of commands. */
  readonly summary: string
}

/** In the order of the data. The stages among them are named as in `engine/`. */
export const ROLES = {
  collect: { needs: ['bus'], summary: 'telemetry in: OTLP doors and topics, sanitized, onto the bus' },
  assemble: { needs: ['bus'], summary: 'fragments to events' },
  detect: { needs: ['bus'], summary: 'events to findings: every detector, profiles, policies' },
  correlate: { needs: ['bus'], summary: 'findings to alerts' },
  deliver: { needs: ['bus'], summary: 'alerts to the sinks' },
  write: { needs: ['bus', 'store'], summary: 'events, findings, alerts and dead letters to the store' },
  serve: { needs: ['store'], summary: 'the API on what is stored' },
} as const satisfies Record<string, RoleFacts>

export type Role = keyof typeof ROLES
export type Roles = ReadonlySet<Role>

export const ALL_ROLES: Roles = new Set(Object.keys(ROLES) as Role[])

export function isRole(name: string): name is Role {
  return Object.hasOwn(ROLES, name)
}

/** In the order of the data, whatever the order they were named in. */
export function listed(roles: Roles): readonly Role[] {
  return [...ALL_ROLES].filter((role) => roles.has(role))
}

/** Whether a process of these roles works on the bus, or on the store. */
export function need(roles: Roles, what: 'bus' | 'store'): boolean {
  return listed(roles).some((role) => (ROLES[role].needs as RoleFacts['needs']).includes(what))
}

/** Whether the log of this configuration lies within one process. */
export function isBusEmbedded({ bus }: Config): boolean {
  return bus.kafka === undefined
}

/**
 * What is embedded in one process cannot be shared by several.
 *
 * @throws Misconfigured
 */
export function refuseSplit(config: Config, roles: Roles): void {
  const problems = [...splitBus(config, roles), ...splitStore(config, roles)]
  if (problems.length > 0) {
    throw new Misconfigured(problems)
  }
}

function splitBus(config: Config, roles: Roles): readonly Problem[] {
  const onBus = listed(ALL_ROLES).filter((role) => need(new Set([role]), 'bus'))
  const missing = onBus.filter((role) => !roles.has(role))
  if (!isBusEmbedded(config) || !need(roles, 'bus') || missing.length === 0) {
    return []
  }
  const message = `${text(roles)} cannot run without ${missing.join(', ')}: no other process can read an embedded bus`
  return [problemAt(config, 'bus', message, 'name a Kafka cluster in bus.kafka, or run all in one: telltale start')]
}

function splitStore(config: Config, roles: Roles): readonly Problem[] {
  if (config.store.url !== undefined || roles.has('write') === roles.has('serve')) {
    return []
  }
  const [here, missing] = roles.has('write') ? ['write', 'serve'] : ['serve', 'write']
  const message = `${here} cannot run without ${missing}: no other process can use an embedded store`
  return [
    problemAt(config, 'store', message, 'name a ClickHouse server in store.url, or run both: telltale write serve'),
  ]
}

function text(roles: Roles): string {
  return listed(roles)
    .filter((role) => need(new Set([role]), 'bus'))
    .join(', ')
}

function problemAt({ source }: Config, section: string, message: string, suggestion: string): Problem {
  return source?.problem([section], `${section}: ${message}`, suggestion) ?? { file: section, message, suggestion }
}
