/**
 * A tool is told to run a command, program text or SQL that destroys, exfiltrates, persists, escalates, evades or takes
 * credentials.
 *
 * Text is read as its interpreter would read it (`dangerous-command/read-script.ts`) and judged by what it does to which
 * kind of thing, not by phrases: reading any file of keys, writing anywhere that starts by itself. Where deeds come from:
 * the tactics of MITRE ATT&CK for Linux, macOS and Windows.
 */
import type { FindingDraft, Severity } from '../schema/finding.ts'
import { maskClass, masksIn } from '../schema/masks.ts'
import { quoteName } from '../schema/quote-name.ts'
import { CONTENT_LIMIT, type Telemetry } from '../schema/telemetry.ts'
import { runnablesOf } from './dangerous-command/arguments.ts'
import { type Danger, judgeRunnable, judgeShown } from './dangerous-command/judge.ts'
import type { Deed } from './dangerous-command/sign.ts'
import { defineDetector, type NoState } from './detector.ts'
import { originOf } from './draft/origin.ts'
import { rounded } from './draft/rounded.ts'
import { raise } from './draft/severity.ts'
import { untrusted } from './draft/untrusted.ts'

/** The longest excerpt of the command in evidence, in UTF-16 units. */
const EXCERPT = 600

const TECHNIQUES: Readonly<Record<Deed, readonly string[]>> = {
  destroys: ['AML.T0101'],
  exfiltrates: ['AML.T0086'],
  persists: ['AML.T0112'],
  escalates: ['AML.T0112'],
  evades: [],
  'takes credentials': ['AML.T0055'],
  'runs remote code': ['AML.T0072'],
  spies: [],
  tunnels: ['AML.T0072'],
  explores: [],
}

export const dangerousCommand = defineDetector<NoState>({
  id: 'dangerous-command',
  title: 'Dangerous command',
  catches:
    'Shell commands, program text and SQL in the arguments of tools that delete disks, backups or logs, read or send keys and files, install something that starts by itself, change accounts and rights, switch guards off, or run code from the network or in encoded form, through pipes, variables, substitutions, wrappers and nested shells.',
  misses: `What a script file or a program does that the command only names; deleting, copying and reading ordinary files; single questions about the machine; in which folder an earlier call left the shell; commands assembled at run time; most of what is written in languages other than shell; what lies beyond the ${CONTENT_LIMIT} characters kept of arguments; agents whose content is not recorded.`,
  kind: 'content',
  version: 1,
  techniques: ['AML.T0050', 'AML.T0053', 'AML.T0101', 'AML.T0086', 'AML.T0112', 'AML.T0055', 'AML.T0072'],
  owasp: ['LLM06:2025', 'LLM05:2025', 'ASI02', 'ASI05'],
  runbook: [
    'Read evidence.untrusted_command with evidence.signs: is it what the user asked for, and does it belong to the work of this agent?',
    'Look at the outcome of the event and at the events of the next ten minutes of the session: did it run, and what followed?',
    'Read the prompts and tool results before it in the session: which text made the agent run it?',
    'If it ran and was not wanted, stop the session, isolate the machine it ran on, and replace the credentials that were within reach.',
  ],
  needs: ['tool', 'content.arguments'],
  uses: ['content.result'],
  severities: ['low', 'medium', 'high', 'critical'],
  on: ['tool_call'],
  scope: 'none',
  stateVersion: 1,
  initial: () => ({}),

  check(event) {
    const text = event.content?.arguments
    if (event.tool === null || text === undefined || text === '') {
      return NO_FINDINGS
    }
    let worst: { readonly danger: Danger; readonly text: string } | undefined
    const showsSecrets = hasSecrets(event.content?.result ?? '')
    for (const runnable of runnablesOf(event.tool.name, text)) {
      const danger = judgeRunnable(runnable) ?? (showsSecrets ? judgeShown(runnable) : undefined)
      if (danger !== undefined && (worst === undefined || danger.score > worst.danger.score)) {
        worst = { danger, text: runnable.text }
      }
    }
    return worst === undefined ? NO_FINDINGS : [finding(event, worst.danger, worst.text)]
  },

  learn: () => false,
})

const NO_FINDINGS: readonly FindingDraft[] = []

function hasSecrets(result: string): boolean {
  return [...masksIn(result).keys()].some((kind) => maskClass(kind) === 'key' || maskClass(kind) === 'named')
}

function finding(event: Telemetry, danger: Danger, text: string): FindingDraft {
  const { deeds, signs } = danger
  const [deed = 'explores'] = deeds
  const whats = signs.filter(({ weight }) => weight >= 0.3 || signs.length === 1).map(({ what }) => what)
  const told = (whats.length === 0 ? signs.map(({ what }) => what) : whats).slice(0, 4)
  const stopped = event.outcome === 'denied' || event.outcome === 'refused'
  const severity: Severity = stopped ? raise(danger.severity, -1) : danger.severity
  const tool = event.tool?.name ?? ''
  return {
    cause: `command:${deed}`,
    severity,
    confidence: rounded(Math.min(0.95, 0.9 * danger.score)),
    title: `Command that ${deed}: ${told[0]}`,
    reason: `${quoteName(event.agent.id)} told ${quoteName(tool)} to run a command that ${told.join('; ')}.`,
    observed: `${told.join('; ')}, outcome ${event.outcome}`,
    expected:
      'commands that stay within the work of the agent: no keys, guards, logs, accounts, start-up files or unknown machines',
    silence:
      'close the alert as benign; an agent that must never run commands is better kept from it by tools.deny in its policy',
    evidence: {
      untrusted_tool: untrusted(tool),
      untrusted_command: untrusted(text, EXCERPT),
      deeds: deeds.join(', '),
      signs: signs
        .map(({ what, weight }) => `${what} (${weight})`)
        .join('; ')
        .slice(0, 1000),
      score: rounded(danger.score),
      outcome: event.outcome,
    },
    origin: originOf(text),
    techniques: [...new Set(['AML.T0053', 'AML.T0050', ...deeds.flatMap((each) => TECHNIQUES[each])])],
  }
}
