/** Texts for the `injection` detector, from labelled data outside the repository: results of tools, clean and poisoned. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readGzipLines } from './gzip-lines.ts'
import { readLabelledTexts } from './labelled-texts.ts'

/** One distinct text that a tool returned. */
export interface ToolResult {
  /** The suite or collection that it is from. */
  readonly source: string
  /** The kind of attack, or `clean`. */
  readonly family: string
  readonly attack: boolean
  readonly tool: string
  readonly text: string
  /** How often it came in the runs: benign results come again and again, and so would a false alarm. */
  count: number
}

interface Run {
  readonly attack?: string | null
  readonly kind?: string | null
  readonly injection_seen_steps?: readonly number[]
  readonly steps: readonly { readonly role: string; readonly tool?: string; readonly tool_result?: unknown }[]
}

/** The suites of recorded runs in which results were poisoned, and those in which all are clean. */
export const ATTACKED_SUITES = [
  'agentdojo-banking',
  'agentdojo-travel',
  'agentdojo-workspace',
  'agentdyn-shopping',
  'agentdyn-dailylife',
  'injecagent',
] as const
export const CLEAN_SUITES = ['openagentsafety', 'taubench-airline', 'toolbench-cot'] as const

/** Every distinct result of the recorded runs of a suite. */
export function readResults(data: string, suite: string): ToolResult[] {
  const file = join(data, 'agents', `${suite}.jsonl.gz`)
  if (!existsSync(file)) {
    return []
  }
  const found = new Map<string, ToolResult>()
  for (const run of readGzipLines<Run>(file)) {
    const seen = new Set(run.injection_seen_steps ?? [])
    run.steps.forEach((step, index) => {
      if (step.role !== 'tool' || step.tool_result === undefined || step.tool_result === null) {
        return
      }
      const text = typeof step.tool_result === 'string' ? step.tool_result : JSON.stringify(step.tool_result)
      const family = seen.has(index) ? familyOf(run.attack ?? '') : 'clean'
      const key = `${family} ${text}`
      const known = found.get(key)
      if (known === undefined) {
        found.set(key, {
          source: sourceOf(suite, step.tool, text),
          family,
          attack: seen.has(index),
          tool: step.tool ?? 'tool',
          text,
          count: 1,
        })
      } else {
        known.count += 1
      }
    })
  }
  return [...found.values()]
}

/** The people and the task file of OpenAgentSafety do tell the agent what to do, some of it harmful: not clean, not labelled. */
export const ORDERS_OF_THE_BENCHMARK = 'openagentsafety, its people and task files'

function sourceOf(suite: string, tool: string | undefined, text: string): string {
  const orders = suite === 'openagentsafety' && (tool === 'chat' || text.includes('/instruction/'))
  return orders ? ORDERS_OF_THE_BENCHMARK : suite
}

/** Variations of one template that differ in a name are one family. */
function familyOf(attack: string): string {
  return attack.startsWith('important_instructions') ? 'important_instructions' : attack
}

/** Labelled texts as if a tool had returned them: indirect injections, and clean contexts. */
export function readTexts(data: string): ToolResult[] {
  const result = (source: string, family: string, attack: boolean, text: string): ToolResult => ({
    source,
    family,
    attack,
    tool: 'read_document',
    text,
    count: 1,
  })
  const attacks = readLabelledTexts(join(data, 'text/injection.jsonl.gz'))
    .filter((row) => row.label === 'injection_indirect')
    .map((row) => result(row.source, row.source, true, row.text))
  const clean = readLabelledTexts(join(data, 'text/benign.jsonl.gz'))
    .filter((row) => row.label === 'benign_tool_result')
    .map((row) => result(row.source, 'clean', false, row.text))
  return [...attacks, ...clean]
}

/** Documents addressed at whoever reads them: the guides of the packages that are installed here. */
export function readGuides(modules: string): ToolResult[] {
  if (!existsSync(modules)) {
    return []
  }
  return readdirSync(modules, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.toLowerCase().endsWith('.md'))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((file) => ({
      source: 'guides of packages',
      family: 'clean',
      attack: false,
      tool: 'read_file',
      text: readFileSync(file, 'utf8'),
      count: 1,
    }))
}
