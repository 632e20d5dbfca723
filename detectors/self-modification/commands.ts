/** What commands change of an agent: files that they write, and programs made for changing it. */
import { scriptsIn } from '../dangerous-command/code-signs.ts'
import type { Command } from '../dangerous-command/command.ts'
import { readScript } from '../dangerous-command/read-script.ts'
import { fileUses } from '../dangerous-command/roles.ts'
import { type Part, partOf } from './targets.ts'

/** One thing that a call changes. */
export interface Change {
  readonly part: Part
  /** The path or the command, as it is written. */
  readonly target: string
}

const WRITES = new Set(['write', 'append', 'delete', 'empty'])
const CHANGES_LIMIT = 16

/** Everything that a script changes of an agent, at most `CHANGES_LIMIT`. */
export function changesOfScript(script: string): readonly Change[] {
  const changes: Change[] = []
  for (const command of readScript(script)) {
    for (const { role, path } of fileUses(command)) {
      changes.push(...(WRITES.has(role) ? changeOf(path) : []))
    }
    const part = byProgram(command)
    if (part !== undefined) {
      changes.push({ part, target: [command.name, ...command.args].join(' ').slice(0, 200) })
    }
    if (changes.length >= CHANGES_LIMIT) {
      break
    }
  }
  return changes.slice(0, CHANGES_LIMIT)
}

/** Calls of program text that write or delete the file they name first. */
const FILE_CALLS: readonly RegExp[] = [
  /\bopen\(\s{0,8}["']([^"'\n]{1,512})["']\s{0,8},\s{0,8}(?:mode\s?=\s?)?["'](?:r\+|[wax])[bt+]{0,2}["']/g,
  /\bPath\(\s{0,8}["']([^"'\n]{1,512})["']\s{0,8}\)\.(?:write_|unlink|rename|touch)/g,
  /\b(?:(?:write|append)File(?:Sync)?|(?:os\.(?:remove|unlink|rename)|fs\.(?:unlink|rm|rename)(?:Sync)?))\(\s{0,8}["'`]([^"'`\n]{1,512})["'`]/g,
]

/** The same of program text: files that it writes, and scripts that it runs. */
export function changesOfCode(code: string): readonly Change[] {
  const written = FILE_CALLS.flatMap((call) => [...code.matchAll(call)]).flatMap(([, path = '']) => changeOf(path))
  return [...scriptsIn(code).flatMap(changesOfScript), ...written].slice(0, CHANGES_LIMIT)
}

/** A change of a path, where that is part of an agent. */
export function changeOf(path: string): readonly Change[] {
  const part = partOf(path)
  return part === undefined ? [] : [{ part, target: path }]
}

const AGENTS = new Set(['claude', 'codex', 'gemini', 'cursor-agent', 'copilot', 'opencode', 'goose', 'amp', 'qwen'])
const ADDS = new Set(['add', 'add-json', 'install', 'enable', 'remove', 'import'])
const IAM_CALL =
  /^(?:attach|put|create-access-key|create-login-profile|add-user-to-group|update-assume-role|create-policy)/
const ADMIN_GROUPS = /^(?:sudo|wheel|admin|root|docker)$/

function byProgram({ name, args, assigns }: Command): Part | undefined {
  const [first = '', second = '', third = ''] = args.filter((arg) => !arg.startsWith('-'))
  if (AGENTS.has(name) && ADDS.has(second)) {
    return first === 'mcp' || first === 'extensions' || first === 'plugin' ? 'tools' : undefined
  }
  if (AGENTS.has(name) && first === 'config' && second === 'set') {
    return 'configuration'
  }
  if (name === 'git' && first === 'config' && args.some((arg) => /^core\.hookspath/i.test(arg)) && args.length > 2) {
    return 'guardrails'
  }
  if (
    (name === 'aws' && first === 'iam' && IAM_CALL.test(second)) ||
    ((name === 'gcloud' || name === 'gsutil') && args.some((arg) => /^(?:add|set)-iam-policy/.test(arg))) ||
    (name === 'az' && first === 'role' && second === 'assignment' && third === 'create') ||
    (name === 'kubectl' && first === 'create' && /^(?:cluster)?rolebinding$/.test(second)) ||
    ((name === 'usermod' || name === 'gpasswd' || name === 'adduser') && args.some((arg) => ADMIN_GROUPS.test(arg))) ||
    name === 'visudo'
  ) {
    return 'permissions'
  }
  return assigns.some(([variable, value]) => silences(variable, value)) || (name === 'unset' && args.some(exports))
    ? 'monitoring'
    : undefined
}

/** The variables by which agents are told to say what they do. */
function exports(variable: string): boolean {
  return /^(?:OTEL_(?:EXPORTER|TRACES|LOGS|METRICS)|CLAUDE_CODE_ENABLE_TELEMETRY)/.test(variable)
}

function silences(variable: string, value: string): boolean {
  return (
    (variable === 'OTEL_SDK_DISABLED' && /^(?:true|1)$/i.test(value)) ||
    (/^OTEL_(?:TRACES|LOGS|METRICS)_EXPORTER$/.test(variable) && /^none$/i.test(value)) ||
    (variable === 'CLAUDE_CODE_ENABLE_TELEMETRY' && /^(?:0|false|)$/i.test(value))
  )
}
