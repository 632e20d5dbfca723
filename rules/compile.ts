/** Turns the text of policy files into a `PolicySet`, or into every problem they have. Pure: `load.ts` does the reading. */
import { Misconfigured, type Problem } from '../schema/errors.ts'
import type { Policy, RegisteredPrompt } from '../schema/policy.ts'
import { compileEgress } from './egress.ts'
import type { CompiledPolicy, PolicySet } from './policy.ts'
import { describeSelector, mostSpecific, rivals } from './select.ts'
import { nearest } from './suggestion.ts'
import { compileTools } from './tools.ts'
import { readPolicy } from './validate.ts'
import { readYaml, type YamlDocument } from './yaml-document.ts'

/** One policy file. */
export interface PolicyFile {
  /** Where it is, for problems. */
  readonly path: string
  /** What alerts call it; the same wherever the directory is mounted. */
  readonly name: string
  readonly text: string
}

/** The texts of shingle files, by the name under which policies refer to them. */
export type ShingleFiles = ReadonlyMap<string, string>

const POLICY_LIMIT = 10_000

interface Candidate {
  readonly policy: Policy
  readonly compiled: CompiledPolicy
  readonly document: YamlDocument
}

/** Compiles policies. Throws `Misconfigured` with all problems of all files at once. */
export function compilePolicies(files: readonly PolicyFile[], shingleFiles: ShingleFiles = new Map()): PolicySet {
  const problems: Problem[] = []
  const candidates: Candidate[] = []
  for (const file of files) {
    const yaml = readYaml(file.text, file.path)
    problems.push(...yaml.problems)
    for (const document of yaml.documents) {
      const read = readPolicy(document)
      if ('problems' in read) {
        problems.push(...read.problems)
      } else {
        const compiled = compilePolicy(read.policy, document, file.name, shingleFiles, problems)
        candidates.push({ policy: read.policy, compiled, document })
      }
    }
  }
  if (candidates.length > POLICY_LIMIT) {
    problems.push({ file: files[0]?.path ?? '', message: `${candidates.length} policies; at most ${POLICY_LIMIT}` })
  } else {
    problems.push(...sharedIds(candidates), ...contradictions(candidates))
  }
  if (problems.length > 0) {
    throw new Misconfigured(problems)
  }
  return policySet(candidates)
}

function compilePolicy(
  policy: Policy,
  document: YamlDocument,
  file: string,
  shingleFiles: ShingleFiles,
  problems: Problem[],
): CompiledPolicy {
  const lineIn = (section: string) => (path: readonly (string | number)[]) =>
    document.positionOf([section, ...path]).line
  const off = policy.mode === 'off'
  const judgeTool = policy.tools && compileTools(policy.tools, file, lineIn('tools'))
  const egress = policy.egress && compileEgress(policy.egress, file, lineIn('egress'))
  for (const { path, message, suggestion } of egress?.problems ?? []) {
    const position = document.positionOf(['egress', ...path])
    problems.push({ file: document.file, ...position, message, ...(suggestion === undefined ? {} : { suggestion }) })
  }
  const promptShingles = readShingles(policy.system_prompts ?? [], document, shingleFiles, problems)
  return {
    id: policy.id,
    file,
    mode: policy.mode ?? 'alert',
    owner: policy.owner,
    judgeTool: (tool) => (off ? undefined : judgeTool?.(tool)),
    judgeDestination: (destination) => (off ? undefined : egress?.judge(destination)),
    promptShingles: off ? new Set() : promptShingles,
  }
}

function readShingles(
  prompts: readonly RegisteredPrompt[],
  document: YamlDocument,
  files: ShingleFiles,
  problems: Problem[],
): ReadonlySet<number> {
  const shingles = new Set<number>()
  for (const [index, prompt] of prompts.entries()) {
    const complain = (key: string, message: string, suggestion?: string) =>
      problems.push({
        file: document.file,
        ...document.positionOf(['system_prompts', index, ...(key === '' ? [] : [key])]),
        message,
        ...(suggestion === undefined ? {} : { suggestion }),
      })
    if ((prompt.shingles === undefined) === (prompt.file === undefined)) {
      complain('', "a registered prompt needs either 'shingles' or 'file'")
      continue
    }
    for (const shingle of prompt.shingles ?? []) {
      shingles.add(shingle)
    }
    const text = prompt.file === undefined ? '' : files.get(prompt.file)
    if (text === undefined) {
      const meant = nearest(prompt.file ?? '', [...files.keys()])
      const hint =
        meant === undefined
          ? 'shingle files stand beside the policies and end in .shingles'
          : `did you mean '${meant}'?`
      complain('file', `there is no file '${prompt.file}'`, hint)
      continue
    }
    for (const [at, line] of text.split('\n').entries()) {
      const digits = line.replace(/#.*$/, '').trim()
      if (/^\d{1,15}$/.test(digits)) {
        shingles.add(Number(digits))
      } else if (digits !== '') {
        complain('file', `line ${at + 1} of '${prompt.file}' is not a number`)
        break
      }
    }
  }
  return shingles
}

function sharedIds(candidates: readonly Candidate[]): Problem[] {
  const first = new Map<string, Candidate>()
  const problems: Problem[] = []
  for (const candidate of candidates) {
    const earlier = first.get(candidate.policy.id)
    if (earlier === undefined) {
      first.set(candidate.policy.id, candidate)
    } else {
      problems.push({
        file: candidate.document.file,
        ...candidate.document.positionOf(['id']),
        message: `the id '${candidate.policy.id}' is taken by ${placeOf(earlier, ['id'])}`,
      })
    }
  }
  return problems
}

/** Pairs of policies that some agent would be under equally. */
function contradictions(candidates: readonly Candidate[]): Problem[] {
  const problems: Problem[] = []
  for (const [later, earlier] of rivals(candidates, ({ policy }) => policy.agent)) {
    const place = placeOf(earlier, ['agent'])
    problems.push({
      file: later.document.file,
      ...later.document.positionOf(['agent']),
      message: `${describeSelector(later.policy.agent)} selects agents that ${place} selects just as specifically`,
      suggestion: 'make one selector more specific, or join the two policies',
    })
  }
  return problems
}

function placeOf({ policy, document }: Candidate, path: readonly string[]): string {
  return `'${policy.id}' (${document.file}:${document.positionOf(path).line})`
}

function policySet(candidates: readonly Candidate[]): PolicySet {
  return {
    policies: candidates.map(({ compiled }) => compiled),
    governing: mostSpecific(candidates.map(({ policy, compiled }) => ({ selector: policy.agent, value: compiled }))),
  }
}
