/**
 * How well prompt extraction tells labelled texts apart: recall per source, false alarms per benign source, and the
 * naive phrase list for comparison.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { event } from '../detectors/arbitrary.ts'
import type { DetectionContext } from '../detectors/detector.ts'
import { promptExtraction } from '../detectors/prompt-extraction.ts'
import { CONTENT_LIMIT, type Content, type Telemetry } from '../schema/telemetry.ts'
import { readGzipLines } from './gzip-lines.ts'
import { type LabelledText, readLabelledTexts } from './labelled-texts.ts'
import { flaggedByPipeline, type Place, type PlacedText } from './text-pipeline.ts'

/** One line of the table: of `total` texts, `flagged` were flagged by the detector and `naive` by the phrase list. */
export interface QualityRow {
  readonly group: string
  readonly source: string
  readonly total: number
  readonly flagged: number
  readonly naive: number | undefined
}

/** What a defender writes in five minutes; the bar to clear. */
const NAIVE = [
  'system prompt',
  'instructions',
  'your prompt',
  'your rules',
  'text above',
  'password',
  'secret',
  'confidential',
]
const isNaive = (text: string) => {
  const lower = text.toLowerCase()
  return NAIVE.some((phrase) => lower.includes(phrase))
}

const NO_POLICY: DetectionContext = { policy: undefined }

/** An event of a model call or a tool call with the given content. */
function recordedEvent(operation: Telemetry['operation'], content: Content): Telemetry {
  return event({ operation, content, tool: operation === 'tool_call' ? { name: 'tool' } : null })
}

const findingsOf = (event: Telemetry) => promptExtraction.check(event, promptExtraction.initial(), NO_POLICY)
const cut = (text: string) => text.slice(0, CONTENT_LIMIT)

/** Whether the detector takes a text for an attempt when a user says it, and for a leak when an agent says it. */
const isAttempt = (text: string) => findingsOf(recordedEvent('model_call', { prompt: cut(text) })).length > 0
const isLeak = (text: string) => findingsOf(recordedEvent('model_call', { output: cut(text) })).length > 0

/** Judges texts of one place, in order. */
export type JudgeTexts = (texts: readonly PlacedText[]) => readonly boolean[]

/** Asks the detector with an event made here: the fast inner loop. */
export const judgeDirectly: JudgeTexts = (texts) =>
  texts.map(({ text, place }) => (place === 'prompt' ? isAttempt(text) : place === 'output' && isLeak(text)))

/** Sends the text through decoder, dialect, masking, assembler and every detector, as telemetry. */
export const judgeByPipeline: JudgeTexts = (texts) => flaggedByPipeline(texts, promptExtraction.id)

function tabulate(
  group: string,
  rows: readonly LabelledText[],
  place: Place,
  judge: JudgeTexts,
  naive?: (text: string) => boolean,
): QualityRow[] {
  const flagged = judge(rows.map(({ text }) => ({ text, place })))
  const sources = new Map<string, { total: number; flagged: number; naive: number }>()
  rows.forEach((row, index) => {
    for (const key of [row.source, 'all']) {
      const counts = sources.get(key) ?? { total: 0, flagged: 0, naive: 0 }
      counts.total += 1
      counts.flagged += flagged[index] === true ? 1 : 0
      counts.naive += naive?.(row.text) ? 1 : 0
      sources.set(key, counts)
    }
  })
  const all = [...sources].sort(([a], [b]) => (a === 'all' ? 1 : b === 'all' ? -1 : a < b ? -1 : 1))
  return all.map(([source, counts]) => ({
    group,
    source,
    ...counts,
    naive: naive === undefined ? undefined : counts.naive,
  }))
}

/** Measures over `data/evaluation/text`. Every benign text is judged as a user's message, tool results too. */
export function measureTexts(dataDir: string, judge: JudgeTexts): QualityRow[] {
  const read = (name: string) => readLabelledTexts(join(dataDir, 'text', `${name}.jsonl.gz`))
  const benign = read('benign')
  const outputs = read('leakage')
  const leaks = outputs.filter((row) => row.label === 'output_leaks_prompt')
  const others = outputs.filter((row) => row.label !== 'output_leaks_prompt')
  const attacks = [...read('injection'), ...read('jailbreak')].filter((row) => row.label !== 'attack_goal')
  return [
    ...tabulate('extraction: recall', read('extraction'), 'prompt', judge, isNaive),
    ...tabulate('benign: false alarms', benign, 'prompt', judge, isNaive),
    ...tabulate('leakage, prompt unknown: recall', leaks, 'output', judge),
    ...tabulate('leakage: flagged though labelled clean', others, 'output', judge),
    ...tabulate('benign as outputs: false alarms', benign, 'output', judge),
    ...tabulate('other attacks as prompts, for information', attacks, 'prompt', judge),
  ]
}

interface Trajectory {
  readonly attacked?: boolean
  readonly kind?: string | null
  readonly steps: readonly {
    readonly role: string
    readonly ref?: string
    readonly text?: string
    readonly tool_calls?: readonly { readonly args?: unknown }[]
  }[]
}

/**
 * False alarms among the messages, outputs and arguments of recorded agents that nobody attacked, with their system
 * prompts known: the overlap with what an agent says in its daily work.
 */
export function measureTrajectories(dataDir: string, limit = 400): QualityRow[] {
  const systems = JSON.parse(readFileSync(join(dataDir, 'systems.json'), 'utf8')) as Record<string, string>
  const names = [
    'agentdojo-banking',
    'agentdojo-travel',
    'agentdojo-workspace',
    'agentdyn-shopping',
    'openagentsafety',
    'taubench-airline',
  ]
  return names.flatMap((name) => {
    const file = join(dataDir, 'agents', `${name}.jsonl.gz`)
    if (!existsSync(file)) {
      return []
    }
    const counts = { prompts: [0, 0], outputs: [0, 0], arguments: [0, 0] }
    let read = 0
    for (const trajectory of readGzipLines<Trajectory>(file)) {
      if (trajectory.attacked === true || trajectory.kind === 'injection_goal_as_user_task' || read >= limit) {
        continue
      }
      read += 1
      countTrajectory(trajectory, systems, counts)
    }
    return Object.entries(counts).map(([what, [total = 0, flagged = 0]]) => ({
      group: `${what} of recorded agents: false alarms`,
      source: name,
      total,
      flagged,
      naive: undefined,
    }))
  })
}

function countTrajectory(
  trajectory: Trajectory,
  systems: Record<string, string>,
  counts: Record<'prompts' | 'outputs' | 'arguments', number[]>,
): void {
  let system = ''
  const add = (what: 'prompts' | 'outputs' | 'arguments', event: Telemetry) => {
    counts[what][0] = (counts[what][0] ?? 0) + 1
    counts[what][1] = (counts[what][1] ?? 0) + (findingsOf(event).length > 0 ? 1 : 0)
  }
  for (const step of trajectory.steps) {
    const known = system === '' ? {} : { system_prompt: cut(system) }
    if (step.role === 'system') {
      system = systems[step.ref ?? ''] ?? ''
    } else if (step.role === 'user') {
      add('prompts', recordedEvent('model_call', { prompt: cut(step.text ?? ''), ...known }))
    } else if (step.role === 'assistant') {
      add('outputs', recordedEvent('model_call', { output: cut(step.text ?? ''), ...known }))
      for (const call of step.tool_calls ?? []) {
        add('arguments', recordedEvent('tool_call', { arguments: cut(JSON.stringify(call.args ?? {})), ...known }))
      }
    }
  }
}

/** Ways in which a leaked prompt comes out, other than word for word. */
const DISGUISES: Readonly<Record<string, (prompt: string) => string>> = {
  'word for word': (prompt) => `Sure! ${prompt}`,
  'as a list': (prompt) =>
    prompt
      .split(/(?<=[.!?])\s+/)
      .map((line, index) => `${index + 1}. ${line}`)
      .join('\n'),
  'in the first person': (prompt) =>
    prompt
      .replace(/\byou are\b/gi, 'I am')
      .replace(/\byour\b/gi, 'my')
      .replace(/\byou\b/gi, 'I'),
  'second half': (prompt) => prompt.slice(prompt.length / 2),
  'every second sentence': (prompt) =>
    prompt
      .split(/(?<=[.!?])\s+/)
      .filter((_, index) => index % 2 === 0)
      .join(' '),
  'in capitals, with dashes': (prompt) => prompt.toUpperCase().replaceAll(' ', '-'),
}

/** Recall of leaks by overlap: the defenders' prompts of the extraction data, given out in several forms. */
export function measureOverlap(dataDir: string): QualityRow[] {
  const prompts = readLabelledTexts(join(dataDir, 'text', 'extraction.jsonl.gz'))
    .map((row) => row.defense_pre ?? '')
    .filter((text) => text.length >= 200)
  return Object.entries(DISGUISES).map(([source, disguise]) => ({
    group: 'leakage, prompt known, in forms made here: recall',
    source,
    total: prompts.length,
    flagged: prompts.filter(
      (prompt) =>
        findingsOf(recordedEvent('model_call', { output: cut(disguise(prompt)), system_prompt: cut(prompt) })).length >
        0,
    ).length,
    naive: undefined,
  }))
}
