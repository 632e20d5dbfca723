/**
 * How well the `injection` detector tells poisoned results of tools from clean ones: recall per suite and family of
 * attacks, false alarms per suite, and a naive phrase list for comparison. Distinct texts, and every result as often as it
 * came in the recorded runs.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { mask } from '../collectors/sanitize/mask.ts'
import { isInstruction, judgeDocument } from '../detectors/injection/judge.ts'
import { injection } from '../detectors/injection.ts'
import { CONTENT_LIMIT } from '../schema/telemetry.ts'
import { ATTACKED_SUITES, CLEAN_SUITES, readGuides, readResults, readTexts, type ToolResult } from './injection-data.ts'
import { flaggedByPipeline } from './text-pipeline.ts'
import type { QualityRow } from './text-quality.ts'

/** What a defender writes in five minutes; the bar to clear. */
const NAIVE = [
  'ignore previous',
  'ignore all previous',
  'ignore your previous',
  'disregard',
  'new instructions',
  'system prompt',
  'you are now',
  'important message',
]
const isNaive = (text: string) => {
  const lower = text.toLowerCase()
  return NAIVE.some((phrase) => lower.includes(phrase))
}

/** Judges texts that tools returned, in order. */
export type JudgeResults = (texts: readonly string[]) => readonly boolean[]

/** Asks the judge of documents alone, after masking: the fast inner loop. */
export const judgeResultsDirectly: JudgeResults = (texts) =>
  texts.map((text) => {
    const instruction = judgeDocument(mask(text).slice(0, CONTENT_LIMIT))
    return instruction !== undefined && isInstruction(instruction, false)
  })

/** Sends every text as the result of a tool through decoder, dialect, masking, assembler and all detectors. */
export const judgeResultsByPipeline: JudgeResults = (texts) =>
  flaggedByPipeline(
    texts.map((text) => ({ text, place: 'result' })),
    injection.id,
  )

/** Whether the recorded runs are there. */
export const hasInjectionData = (data: string) => existsSync(join(data, 'agents', 'agentdojo-banking.jsonl.gz'))

/** Measures over `data/evaluation`, and over the guides of the packages that are installed here. */
export function measureInjection(data: string, judge: JudgeResults, modules = 'node_modules'): QualityRow[] {
  const results = [
    ...[...ATTACKED_SUITES, ...CLEAN_SUITES].flatMap((suite) => readResults(data, suite)),
    ...readTexts(data),
    ...readGuides(modules),
  ]
  const flagged = judge(results.map(({ text }) => text))
  const attacks = (result: ToolResult) => (result.attack ? `${result.family} / ${result.source}` : undefined)
  const clean = (result: ToolResult) => (result.attack ? undefined : result.source)
  const once = () => 1
  const times = ({ count }: ToolResult) => count
  return [
    ...tabulate('planted instructions, distinct texts: recall', results, flagged, attacks, once),
    ...tabulate('planted instructions, every result: recall', results, flagged, attacks, times),
    ...tabulate('clean results, distinct texts: false alarms', results, flagged, clean, once),
    ...tabulate('clean results, every result: false alarms', results, flagged, clean, times),
  ]
}

function tabulate(
  group: string,
  results: readonly ToolResult[],
  flagged: readonly boolean[],
  sourceOf: (result: ToolResult) => string | undefined,
  weightOf: (result: ToolResult) => number,
): QualityRow[] {
  const rows = new Map<string, { total: number; flagged: number; naive: number }>()
  results.forEach((result, index) => {
    const source = sourceOf(result)
    if (source !== undefined) {
      const row = rows.get(source) ?? { total: 0, flagged: 0, naive: 0 }
      const weight = weightOf(result)
      row.total += weight
      row.flagged += flagged[index] === true ? weight : 0
      row.naive += isNaive(result.text) ? weight : 0
      rows.set(source, row)
    }
  })
  return [...rows].sort(([a], [b]) => (a < b ? -1 : 1)).map(([source, row]) => ({ group, source, ...row }))
}
