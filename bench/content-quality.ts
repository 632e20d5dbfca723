/**
 * False alarms of `sensitive-output`, `canary` and `prompt-extraction` on agents that nobody attacked:
 * printed by `npm run bench:quality`. Every recorded session is replayed as the detectors would see it, with
 * its texts masked and its state kept; benign texts are judged as a user's prompts and as an agent's outputs.
 */
import { hash } from 'node:crypto'
import { join } from 'node:path'
import { readArguments } from '../collectors/sanitize/arguments.ts'
import { mask } from '../collectors/sanitize/mask.ts'
import { event } from '../detectors/arbitrary.ts'
import { canary } from '../detectors/canary.ts'
import type { AnyDetector } from '../detectors/detector.ts'
import { promptExtraction } from '../detectors/prompt-extraction.ts'
import { sensitiveOutput } from '../detectors/sensitive-output.ts'
import { compilePolicies } from '../rules/compile.ts'
import type { FindingDraft } from '../schema/finding.ts'
import { CONTENT_LIMIT, type Content, type Telemetry } from '../schema/telemetry.ts'
import { readGzipLines } from './gzip-lines.ts'
import { readLabelledTexts } from './labelled-texts.ts'
import type { QualityRow } from './text-quality.ts'

const DETECTORS: readonly AnyDetector[] = [sensitiveOutput, canary, promptExtraction]
const SOURCES = [
  'agentdojo-banking',
  'agentdojo-travel',
  'agentdojo-workspace',
  'agentdyn-shopping',
  'agentdyn-dailylife',
  'openagentsafety',
  'taubench-airline',
]

/** Decoys that look like real ones, so that every word is compared. */
const POLICY = compilePolicies([
  {
    path: 'decoys.yml',
    name: 'decoys.yml',
    text: `version: 1\nid: decoys\nagent: { id: '*' }\ncanaries: { datasets: [postgresql/honey/salaries], tools: [vault.dump], hosts: ['*.decoy.test'], tokens: [${hash('sha256', 'heron-seven-4417', 'hex')}] }`,
  },
]).policies[0]

interface Step {
  readonly role: string
  readonly ref?: string
  readonly text?: string
  readonly tool?: string
  readonly tool_result?: unknown
  readonly tool_calls?: readonly { readonly tool?: string; readonly args?: unknown }[]
}
interface Trajectory {
  readonly id: string
  readonly attacked?: boolean
  readonly kind?: string | null
  readonly steps: readonly Step[]
}

/** Told of every finding. */
export type OnAlarm = (source: string, place: string, draft: FindingDraft, event: Telemetry) => void

class Counts {
  readonly #rows = new Map<string, { total: number; flagged: number }>()

  add(group: string, source: string, flagged: boolean): void {
    const key = `${group}|${source}`
    const row = this.#rows.get(key) ?? { total: 0, flagged: 0 }
    this.#rows.set(key, { total: row.total + 1, flagged: row.flagged + (flagged ? 1 : 0) })
  }

  rows(): QualityRow[] {
    return [...this.#rows]
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([key, row]) => {
        const [group = '', source = ''] = key.split('|')
        return { group, source, ...row, naive: undefined }
      })
  }
}

/** False alarms by detector, place and source. Findings of severity `informational` are no alarms. */
export function measureContent(dataDir: string, onAlarm: OnAlarm = () => undefined): QualityRow[] {
  const counts = new Counts()
  for (const source of SOURCES) {
    for (const trajectory of readGzipLines<Trajectory>(join(dataDir, 'agents', `${source}.jsonl.gz`))) {
      if (trajectory.attacked !== true && trajectory.kind !== 'injection_goal_as_user_task') {
        replayTrajectory(trajectory, source, counts, onAlarm)
      }
    }
  }
  for (const { text, source } of readLabelledTexts(join(dataDir, 'text', 'benign.jsonl.gz'))) {
    const session = new Session(source, counts, onAlarm)
    session.see('benign text as prompt', 'model_call', { prompt: text })
    new Session(source, counts, onAlarm).see('benign text as output', 'model_call', { output: text })
    new Session(source, counts, onAlarm).see('benign text as result', 'tool_call', { result: text })
  }
  return counts.rows()
}

function replayTrajectory({ steps }: Trajectory, source: string, counts: Counts, onAlarm: OnAlarm): void {
  const session = new Session(source, counts, onAlarm)
  let prompt = ''
  for (const step of steps) {
    if (step.role === 'user') {
      prompt = step.text ?? ''
      session.see('prompt', 'model_call', { prompt })
    } else if (step.role === 'assistant') {
      session.see('output', 'model_call', { prompt, output: step.text ?? '' })
      for (const call of step.tool_calls ?? []) {
        session.see('arguments', 'tool_call', { arguments: JSON.stringify(call.args ?? {}) }, call.tool)
      }
    } else if (step.role === 'tool') {
      session.see('result', 'tool_call', { result: String(step.tool_result ?? '') }, step.tool)
    }
  }
}

/** One session, judged event by event as the engine does. */
class Session {
  readonly #states = DETECTORS.map((detector) => detector.initial())
  readonly #source: string
  readonly #counts: Counts
  readonly #onAlarm: OnAlarm

  constructor(source: string, counts: Counts, onAlarm: OnAlarm) {
    this.#source = source
    this.#counts = counts
    this.#onAlarm = onAlarm
  }

  see(place: string, operation: Telemetry['operation'], raw: Content, tool = 'tool'): void {
    const content = Object.fromEntries(
      Object.entries(raw).map(([key, text]) => [key, mask(String(text).slice(0, CONTENT_LIMIT))]),
    )
    const recorded = event({
      operation,
      content,
      tool: operation === 'tool_call' ? { name: tool } : null,
      destinations: raw.arguments === undefined ? [] : [...readArguments(raw.arguments).destinations],
    })
    DETECTORS.forEach((detector, index) => {
      if (!detector.on.includes(operation)) {
        return
      }
      const state = this.#states[index] as object
      const context = { policy: POLICY }
      const drafts = detector.check(recorded, state, context)
      const absorb = drafts.length === 0 ? detector.learn : detector.spoke
      absorb?.call(detector, recorded, state, context)
      const alarms = drafts.filter(({ severity }) => severity !== 'informational')
      this.#counts.add(`${detector.id}: ${place}`, this.#source, alarms.length > 0)
      this.#counts.add(`${detector.id}: ${place}`, 'all', alarms.length > 0)
      for (const draft of alarms) {
        this.#onAlarm(this.#source, `${detector.id}: ${place}`, draft, recorded)
      }
    })
  }
}
