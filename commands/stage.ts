/** `telltale collect`, `detect` and so on: a process with one stage, or with the several that are named. */
import { ALL_ROLES, isRole, listed, ROLES, type Role } from '../roles.ts'
import { nearest } from '../rules/suggestion.ts'
import { startProcess } from '../run.ts'
import { parseCommand, UsageError, usage } from './arguments.ts'
import type { Command } from './command.ts'
import { readyText, runUntilStopped } from './running.ts'
import { configOf, STAGE_OPTIONS } from './stage-options.ts'

/** What each does and needs, for who runs it. */
const ABOUT: Readonly<Record<Role, { readonly does: readonly string[]; readonly needs: readonly string[] }>> = {
  collect: {
    does: [
      'opens the OTLP doors, masks secrets, and answers a sender when the bus has what was sent. While Kafka is away,',
      'records wait on disk (spool.max_bytes); beyond that senders are told to come back.',
    ],
    needs: ['bus.kafka, and a disk for data; any number behind a load balancer'],
  },
  assemble: {
    does: ['joins fragments into events: one for each thing that an agent did.'],
    needs: ['bus.kafka; at most as many as the bus has partitions do anything'],
  },
  detect: {
    does: ['asks every detector about every event, by policy, by profile and by content.'],
    needs: ['bus.kafka, and the same policies in each; at most as many as the bus has partitions do anything'],
  },
  correlate: {
    does: ['makes alerts of findings: one for each session, whatever agents and detectors they are of.'],
    needs: ['bus.kafka; at most as many as the bus has partitions do anything'],
  },
  deliver: {
    does: ['sends alerts to every sink of the configuration, again until it takes them.'],
    needs: ['bus.kafka and sinks; at most as many as the bus has partitions do anything'],
  },
  write: {
    does: ['stores events, findings, alerts and dead letters. While the store is away they wait on the bus.'],
    needs: ['bus.kafka and store.url, or serve beside it'],
  },
  serve: {
    does: ['answers the API from what is stored. Works on no bus.'],
    needs: ['store.url, or write beside it; any number behind a load balancer'],
  },
}

function stageCommand(role: Role): Command {
  const { does, needs } = ABOUT[role]
  const syntax: Command['syntax'] = {
    name: role,
    operands: '[STAGE...]',
    summary: ROLES[role].summary,
    about: [
      ...section('does', does),
      ...section('needs', needs),
      ...section('prints', [
        'what it works on and where its health is, when it is ready; what goes wrong, as JSON lines on stderr.',
        'Every stage answers /livez, /readyz, /metrics and /api/v1/health on listen.api_port.',
      ]),
      ...section('STAGE', ['more stages for the same process: telltale write serve']),
    ],
    ...STAGE_OPTIONS,
  }
  return {
    syntax,
    run: async (args) => {
      const parsed = parseCommand(syntax, args)
      const roles = new Set<Role>([role])
      for (const name of parsed.operands) {
        if (!isRole(name)) {
          throw new UsageError(`${unknownStage(name)}\n\n${usage(syntax)}`)
        }
        roles.add(name)
      }
      const config = configOf(parsed)
      return runUntilStopped(
        (log) => startProcess(config, log, roles),
        async (started) => {
          process.stdout.write(`${readyText(started, config)}\n`)
          return 'stay'
        },
      )
    },
  }
}

function section(name: string, lines: readonly string[]): readonly string[] {
  return lines.map((line, index) => `${(index === 0 ? name : '').padEnd(6)}  ${line}`)
}

function unknownStage(name: string): string {
  const meant = nearest(name, Object.keys(ROLES))
  return `there is no stage '${name}'.${meant === undefined ? '' : ` Did you mean '${meant}'?`}`
}

export const stageCommands: readonly Command[] = listed(ALL_ROLES).map(stageCommand)
