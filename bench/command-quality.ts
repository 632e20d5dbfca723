/** How well dangerous commands are told from benign ones: recall per ATT&CK technique, false alarms of people and of agents. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { event } from '../detectors/arbitrary.ts'
import { dangerousCommand } from '../detectors/dangerous-command.ts'
import { CONTENT_LIMIT } from '../schema/telemetry.ts'
import { readGzipLines } from './gzip-lines.ts'
import type { QualityRow } from './text-quality.ts'

interface LabelledCommand {
  readonly command: string
  readonly label: 'attack_command' | 'benign_command'
  readonly technique?: string
}
interface Run {
  readonly unsafe?: boolean
  readonly steps: readonly { readonly tool_calls?: readonly { readonly tool: string; readonly args?: unknown }[] }[]
}

const row = (group: string, source: string, flags: readonly boolean[]): QualityRow => ({
  group,
  source,
  total: flags.length,
  flagged: flags.filter(Boolean).length,
  naive: undefined,
})

/** Whether a call with these arguments is a finding. */
function isFlagged(tool: string, args: unknown): boolean {
  const call = event({ tool: { name: tool }, content: { arguments: JSON.stringify(args).slice(0, CONTENT_LIMIT) } })
  return dangerousCommand.check(call, {}, { policy: undefined }).length > 0
}

/** Measures over `shell/` and the runs of `agents/openagentsafety` that its graders call safe. Empty where there is no data. */
export function measureCommands(dataDir: string): QualityRow[] {
  const shell = join(dataDir, 'shell', 'commands.jsonl.gz')
  if (!existsSync(shell)) {
    return []
  }
  const commands = readGzipLines<LabelledCommand>(shell)
  const attacks = commands.filter(({ label }) => label === 'attack_command')
  const flagged = (rows: readonly LabelledCommand[]) => rows.map(({ command }) => isFlagged('bash', { command }))
  const techniques = [...new Set(attacks.map(({ technique }) => technique ?? ''))].sort()
  return [
    row('dangerous commands: recall', 'atomic-red-team', flagged(attacks)),
    row(
      'dangerous commands: false alarms',
      'nl2bash',
      flagged(commands.filter(({ label }) => label === 'benign_command')),
    ),
    ...measureAgents(dataDir),
    ...techniques.map((technique) =>
      row(
        'dangerous commands: recall by ATT&CK technique',
        technique,
        flagged(attacks.filter((each) => each.technique === technique)),
      ),
    ),
  ]
}

function measureAgents(dataDir: string): QualityRow[] {
  const file = join(dataDir, 'agents', 'openagentsafety.jsonl.gz')
  if (!existsSync(file)) {
    return []
  }
  const runs = readGzipLines<Run>(file).filter(({ unsafe }) => unsafe === false)
  const calls = runs.map(({ steps }) =>
    steps.flatMap(({ tool_calls = [] }) => tool_calls.map(({ tool, args }) => isFlagged(tool, args ?? {}))),
  )
  const group = 'dangerous commands: false alarms'
  return [
    row(group, 'openagentsafety, calls of safe runs', calls.flat()),
    row(
      group,
      'openagentsafety, safe runs',
      calls.map((each) => each.some(Boolean)),
    ),
  ]
}
