/** Turns the text of policy files into a `PolicySet`, or into every problem they have. Pure: `load.ts` does the reading. */
import { Misconfigured, type Problem } from '../schema/errors.ts'
import { sectionsOf } from '../schema/field-path.ts'
import type { Policy, RegisteredPrompt } from '../schema/policy.ts'
import { compileApprovals } from './approvals.ts'
import { compileDelegation } from './delegation.ts'
import { compileEgress } from './egress.ts'
import { compileIntegrity } from './integrity.ts'
import type { CompiledPolicy, PolicySet } from './policy.ts'
import { describeSelector, mostSpecific, rivals } from './select.ts'
import { readShingleFile, SHINGLE_FILE_ENDING } from './shingle-file.ts'
import { FEWEST_SHINGLES } from './shingles.ts'
import { compileSpawning } from './spawning.ts'
import { nearest } from './suggestion.ts'
import { compileTokens } from './tokens.ts'
import { compileTools } from './tools.ts'
import { readPolicy } from './validate.ts'
import type { LineOf } from './verdict.ts'
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
  const registeredPrompts = (policy.system_prompts ?? []).map((prompt, index) =>
    readPrompt(prompt, index, document, shingleFiles, problems),
  )
  return {
    id: policy.id,
    file,
    mode: policy.mode ?? 'alert',
    owner: policy.owner,
    sections: off ? [] : sectionsOf(policy),
    judgeTool: (tool) => (off ? undefined : judgeTool?.(tool)),
    judgeDestination: (destination) => (off ? undefined : egress?.judge(destination)),
    integrity:
      off || policy.integrity === undefined ? undefined : compileIntegrity(policy.integrity, file, lineIn('integrity')),
    registeredPrompts: off ? [] : registeredPrompts,
    ...(off ? NO_AUTHORITY : compileAuthority(policy, file, (path) => document.positionOf(path).line)),
  }
}

/** What a policy says about who may act, and with whose leave. */
type Authority = Pick<CompiledPolicy, 'delegation' | 'spawning' | 'tokens' | 'approvals'>

const NO_AUTHORITY: Authority = {
  delegation: undefined,
  spawning: undefined,
  tokens: undefined,
  approvals: undefined,
}

function compileAuthority(policy: Policy, file: string, lineOf: LineOf): Authority {
  const lineIn =
    (section: string): LineOf =>
    (path) =>
      lineOf([section, ...path])
  return {
    delegation: policy.delegation && compileDelegation(policy.delegation, file, lineIn('delegation')),
    spawning: policy.spawning && compileSpawning(policy.spawning, file, lineIn('spawning')),
    tokens: policy.tokens && compileTokens(policy.tokens, file, lineIn('tokens')),
    approvals: compileApprovals(policy.approvals, policy.maturity, file, lineOf),
  }
}

/** The shingles of one registered prompt; what they should be is told when they cannot be used. */
function readPrompt(
  { shingles, file }: RegisteredPrompt,
  index: number,
  document: YamlDocument,
  files: ShingleFiles,
  problems: Problem[],
): ReadonlySet<number> {
  const complain = (path: readonly string[], message: string, suggestion?: string) => {
    problems.push({
      file: document.file,
      ...document.positionOf(['system_prompts', index, ...path]),
      message,
      ...(suggestion === undefined ? {} : { suggestion }),
    })
    return new Set<number>()
  }
  if ((shingles === undefined) === (file === undefined)) {
    return complain([], "a registered prompt needs either 'shingles' or 'file'")
  }
  if (file === undefined) {
    const found = new Set(shingles)
    return found.size < FEWEST_SHINGLES ? complain(['shingles'], tooFew(found.size), REGISTER_MORE) : found
  }
  const text = files.get(file)
  if (text === undefined) {
    const meant = nearest(file, [...files.keys()])
    const hint =
      meant === undefined
        ? `shingle files stand beside the policies and end in ${SHINGLE_FILE_ENDING}; telltale shingles makes them`
        : `did you mean '${meant}'?`
    return complain(['file'], `there is no file '${file}'`, hint)
  }
  const read = readShingleFile(text)
  if (read.wrongLine !== undefined) {
    return complain(['file'], `line ${read.wrongLine} of '${file}' is not a shingle`, MAKE_FILE)
  }
  return read.shingles.size < FEWEST_SHINGLES
    ? complain(['file'], `'${file}': ${tooFew(read.shingles.size)}`, REGISTER_MORE)
    : read.shingles
}

const MAKE_FILE = 'telltale shingles makes such files'
const REGISTER_MORE = 'register a longer prompt'
const tooFew = (count: number) => `too few shingles (${count}): by fewer than ${FEWEST_SHINGLES} no leak is recognised`

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
