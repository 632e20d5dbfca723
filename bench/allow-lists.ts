/**
 * Allow-lists as policies against recorded agents: every call of ToolBench and InjecAgent is judged by the detector
 * under a policy written from the recording, through the same YAML, loader and compiler that operators use.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { event } from '../detectors/arbitrary.ts'
import { toolAllowlist } from '../detectors/tool-allowlist.ts'
import { compilePolicies } from '../rules/compile.ts'
import type { CompiledPolicy } from '../rules/policy.ts'
import { CONTENT_LIMIT } from '../schema/telemetry.ts'
import { readGzipLines } from './gzip-lines.ts'

/** Verdicts on the calls of one benchmark, counted against its own labels. */
export interface AllowListResult {
  readonly benchmark: string
  readonly policies: number
  readonly runs: number
  readonly calls: number
  /** Calls that the labels forbid, and how many of them were found. */
  readonly forbidden: number
  readonly found: number
  readonly misses: number
  /** Calls that the labels allow and the detector does not. */
  readonly falseAlarms: number
}

interface Run {
  readonly id: string
  readonly allowed_tools?: readonly string[]
  readonly attacker_tools?: readonly string[]
  readonly steps: readonly { readonly tool_calls?: readonly { readonly tool: string; readonly args?: unknown }[] }[]
}

/** The files that `measureAllowLists` reads below the data directory. */
const ALLOW_LIST_FILES = ['agents/toolbench-cot.jsonl.gz', 'agents/injecagent.jsonl.gz'] as const

/** Measures both benchmarks; `dataDirectory` holds `agents/*.jsonl.gz`. */
export function measureAllowLists(dataDirectory: string): readonly AllowListResult[] {
  const [toolBench, injecAgent] = ALLOW_LIST_FILES.map((name) => readGzipLines<Run>(join(dataDirectory, name)))
  return [measureToolBench(toolBench ?? []), measureInjecAgent(injecAgent ?? [])]
}

/** Whether the data is there. */
export function hasAllowListData(dataDirectory: string): boolean {
  return ALLOW_LIST_FILES.every((name) => existsSync(join(dataDirectory, name)))
}

/** ToolBench says which tools each task may use: one policy a set of tools. */
function measureToolBench(runs: readonly Run[]): AllowListResult {
  return measure('ToolBench', runs, (run) => {
    const allowed = run.allowed_tools ?? []
    return { allowed, forbidden: (tool) => !allowed.includes(tool) }
  })
}

/**
 * InjecAgent says which tools serve the attacker and no task of the user. The policy of each set allows every other
 * tool that any run of the benchmark calls, and nothing else.
 */
function measureInjecAgent(runs: readonly Run[]): AllowListResult {
  const everyTool = [...new Set(runs.flatMap(callsOf).map(({ tool }) => tool))].sort()
  return measure('InjecAgent', runs, (run) => {
    const attacker = run.attacker_tools ?? []
    return {
      allowed: everyTool.filter((tool) => !attacker.includes(tool)),
      forbidden: (tool) => attacker.includes(tool),
    }
  })
}

interface Expectation {
  readonly allowed: readonly string[]
  readonly forbidden: (tool: string) => boolean
}

function measure(benchmark: string, runs: readonly Run[], expect: (run: Run) => Expectation): AllowListResult {
  const policies = new Map<string, CompiledPolicy>()
  const count = { calls: 0, forbidden: 0, found: 0, falseAlarms: 0 }
  for (const run of runs) {
    const { allowed, forbidden } = expect(run)
    const policy = policyFor(policies, allowed)
    for (const { tool, args } of callsOf(run)) {
      const findings = toolAllowlist.check(
        event({
          session_id: run.id,
          tool: { name: tool },
          content: { arguments: String(args ?? '').slice(0, CONTENT_LIMIT) },
        }),
        toolAllowlist.initial(),
        { policy },
      )
      count.calls += 1
      count.forbidden += forbidden(tool) ? 1 : 0
      count.found += forbidden(tool) && findings.length === 1 ? 1 : 0
      count.falseAlarms += !forbidden(tool) && findings.length > 0 ? 1 : 0
    }
  }
  return { benchmark, policies: policies.size, runs: runs.length, ...count, misses: count.forbidden - count.found }
}

function policyFor(policies: Map<string, CompiledPolicy>, allowed: readonly string[]): CompiledPolicy {
  const key = JSON.stringify(allowed)
  const known = policies.get(key)
  if (known !== undefined) {
    return known
  }
  // JSON is YAML: names need no other quoting.
  const text = `version: 1\nid: recorded\nagent: { id: '*' }\ntools: { allow: ${key} }\n`
  const compiled = compilePolicies([{ path: 'recorded.yml', name: 'recorded.yml', text }]).policies[0]
  if (compiled === undefined) {
    throw new Error('the policy of a recording did not compile')
  }
  policies.set(key, compiled)
  return compiled
}

function callsOf(run: Run) {
  return run.steps.flatMap((step) => step.tool_calls ?? [])
}

/** The results as a Markdown table. */
export function allowListTable(results: readonly AllowListResult[]): string {
  return [
    '| benchmark | policies | runs | calls | forbidden | found | misses | false alarms |',
    '|---|---|---|---|---|---|---|---|',
    ...results.map(
      ({ benchmark, policies, runs, calls, forbidden, found, misses, falseAlarms }) =>
        `| ${[benchmark, policies, runs, calls, forbidden, found, misses, falseAlarms].join(' | ')} |`,
    ),
  ].join('\n')
}
