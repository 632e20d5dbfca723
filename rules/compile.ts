/** Turns the text of policy files into a `PolicySet`, or into every problem they have. Pure: `load.ts` does the reading. */
import { Misconfigured, type Problem } from '../schema/errors.ts'
import { sectionsOf } from '../schema/field-path.ts'
import { idOf } from '../schema/ids.ts'
import type { AgentSelector } from '../schema/policy/selector.ts'
import { compileApprovals } from './approvals.ts'
import { compileCanaries } from './canaries.ts'
import { compileDatasets } from './datasets.ts'
import { compileDelegation } from './delegation.ts'
import { compileEgress } from './egress.ts'
import { readExpiry } from './expiry.ts'
import { type Extended, extendPolicies, type PolicySource, type Section } from './extend.ts'
import { compileIntegrity } from './integrity.ts'
import { grantsOf, NO_GRANTS } from './learn/grants.ts'
import { compileLimits } from './limits.ts'
import type { CompiledPolicy, PolicySet } from './policy.ts'
import { compilePurpose } from './purpose.ts'
import { describeSelector, mostSpecific, rivals } from './select.ts'
import { compileSpawning } from './spawning.ts'
import { compileSystemPrompts, type ShingleFiles } from './system-prompts.ts'
import { completeEvent, type PolicyTest } from './tests.ts'
import { compileTokens } from './tokens.ts'
import { compileTools, listedTools } from './tools.ts'
import { readPolicy } from './validate.ts'
import type { LineOf, SectionProblem } from './verdict.ts'
import { type Path, readYaml, type YamlDocument } from './yaml-document.ts'

/** One policy file. */
export interface PolicyFile {
  /** Where it is, for problems. */
  readonly path: string
  /** What alerts call it; the same wherever the directory is mounted. */
  readonly name: string
  readonly text: string
}

const POLICY_LIMIT = 10_000

interface Candidate extends Extended {
  readonly compiled: CompiledPolicy
  readonly tests: readonly PolicyTest[]
}

/** A set of policies with what is said of it before it judges. */
export interface LoadedPolicies extends PolicySet {
  /** 16 hex, of everything it was made of: the same texts give the same id. */
  readonly id: string
  /** The tests of all of its policies, those that are only extended too. */
  readonly tests: readonly PolicyTest[]
}

/** Compiles policies. Throws `Misconfigured` with all problems of all files at once. */
export function compilePolicies(files: readonly PolicyFile[], shingleFiles: ShingleFiles = new Map()): LoadedPolicies {
  const problems: Problem[] = []
  const sources: PolicySource[] = []
  const unreadable = new Set<string>()
  for (const file of files) {
    const yaml = readYaml(file.text, file.path)
    problems.push(...yaml.problems)
    for (const document of yaml.documents) {
      const read = readPolicy(document)
      if ('problems' in read) {
        problems.push(...read.problems)
        unreadable.add(String((document.data as { readonly id?: unknown }).id))
      } else {
        sources.push({ policy: read.policy, document, file: file.name })
      }
    }
  }
  if (sources.length > POLICY_LIMIT) {
    problems.push({ file: files[0]?.path ?? '', message: `${sources.length} policies; at most ${POLICY_LIMIT}` })
    throw new Misconfigured(problems)
  }
  const { extended, problems: extending } = extendPolicies(sources, unreadable)
  const candidates = extended.map((each) => ({ ...each, ...compilePolicy(each, shingleFiles, problems) }))
  problems.push(...extending, ...sharedIds(candidates), ...contradictions(candidates), ...unused(candidates))
  if (problems.length > 0) {
    throw new Misconfigured(problems)
  }
  const texts = [...files.map(({ name, text }) => [name, text] as const), ...shingleFiles]
  return {
    ...policySet(candidates),
    id: idOf(...texts.flat()).slice(0, 16),
    tests: candidates.flatMap(({ tests }) => tests),
  }
}

/** Where a section stands, for what compiles it: the file as alerts call it, and the line of each part. */
type Place = readonly [file: string, lineOf: LineOf]

function compilePolicy(
  extended: Extended,
  shingleFiles: ShingleFiles,
  problems: Problem[],
): Pick<Candidate, 'compiled' | 'tests'> {
  const { policy, document, file } = extended
  const at = (section: Section): Place => {
    const source = extended.sourceOf(section)
    return [source.file, (path) => source.document.positionOf([section, ...path]).line]
  }
  /** What is wrong in a base is told of the base alone. */
  const report = (section: Section | 'expires', found: readonly SectionProblem[] = []) => {
    if (section === 'expires' || extended.sourceOf(section).document === document) {
      problems.push(...found.map(({ path, ...problem }) => problemAt(document, [section, ...path], problem)))
    }
  }
  const judgeTool = policy.tools && compileTools(policy.tools, ...at('tools'))
  const egress = policy.egress && compileEgress(policy.egress, ...at('egress'))
  report('egress', egress?.problems)
  const decoys = policy.canaries && compileCanaries(policy.canaries, ...at('canaries'))
  report('canaries', decoys?.problems)
  const systemPrompts = compileSystemPrompts(policy.system_prompts ?? [], shingleFiles)
  report('system_prompts', systemPrompts.problems)
  const purpose = policy.purpose && compilePurpose(policy.purpose, ...at('purpose'))
  report('purpose', purpose?.problems)
  const expiresMs = policy.expires === undefined ? undefined : readExpiry(policy.expires)
  if (policy.expires !== undefined && expiresMs === undefined) {
    report('expires', [{ path: [], message: `'${policy.expires}' is not a day or time that there is` }])
  }
  const judges: Judges = {
    sections: sectionsOf(policy),
    judgeTool: judgeTool ?? SILENT.judgeTool,
    listedTools: policy.tools === undefined ? [] : listedTools(policy.tools),
    judgeDestination: egress?.judge ?? SILENT.judgeDestination,
    listsDestinations: policy.egress?.allow !== undefined,
    integrity: policy.integrity && compileIntegrity(policy.integrity, ...at('integrity')),
    canaries: decoys?.canaries,
    registeredPrompts: systemPrompts.prompts,
    delegation: policy.delegation && compileDelegation(policy.delegation, ...at('delegation')),
    spawning: policy.spawning && compileSpawning(policy.spawning, ...at('spawning')),
    tokens: policy.tokens && compileTokens(policy.tokens, ...at('tokens')),
    datasets: policy.datasets && compileDatasets(policy.datasets, ...at('datasets')),
    purpose,
    limits: policy.limits === undefined ? [] : compileLimits(policy.limits, ...at('limits')),
    grants: () => grantsOf(policy, (section) => at(section as Section)),
    approvals: compileApprovals(policy.approvals, policy.maturity, ...approvalsAt(extended)),
  }
  const head = {
    id: policy.id,
    file,
    mode: policy.mode ?? 'alert',
    owner: policy.owner,
    expires:
      policy.expires === undefined || expiresMs === undefined
        ? undefined
        : { atMs: expiresMs, text: policy.expires, line: document.positionOf(['expires']).line },
  }
  return {
    compiled: { ...head, ...(policy.mode === 'off' ? SILENT : judges) },
    tests: testsOf(extended, { ...head, ...judges, mode: 'alert' }, problems),
  }
}

/** @param tested the policy as it judges when it is on. */
function testsOf({ policy, document }: Extended, tested: CompiledPolicy, problems: Problem[]): readonly PolicyTest[] {
  return (policy.tests ?? []).map((test, index) => {
    const completed = completeEvent(test, policy.agent)
    const at: Path = ['tests', index]
    problems.push(...completed.problems.map(({ path, ...problem }) => problemAt(document, [...at, ...path], problem)))
    return {
      name: test.name,
      policy: tested,
      event: completed.event,
      expect: test.expect === 'allowed' ? [] : test.expect,
      file: document.file,
      line: document.positionOf(at).line,
    }
  })
}

/** Two sections that one judge is made of; of them only those in one file can be pointed at. */
function approvalsAt({ policy, sourceOf }: Extended): Place {
  const { file, document } = sourceOf(policy.approvals === undefined ? 'maturity' : 'approvals')
  const lineOf: LineOf = (path) =>
    sourceOf(path[0] as Section).document === document ? document.positionOf(path).line : undefined
  return [file, lineOf]
}

/** What the sections of a policy become: one line for each section, and one in `SILENT`, for a policy that is off. */
type Judges = Omit<CompiledPolicy, 'id' | 'file' | 'mode' | 'owner' | 'expires'>

const SILENT: Judges = {
  sections: [],
  judgeTool: () => undefined,
  listedTools: [],
  judgeDestination: () => undefined,
  listsDestinations: false,
  integrity: undefined,
  canaries: undefined,
  registeredPrompts: [],
  delegation: undefined,
  spawning: undefined,
  tokens: undefined,
  datasets: undefined,
  purpose: undefined,
  limits: [],
  approvals: undefined,
  grants: () => NO_GRANTS,
}

function problemAt(document: YamlDocument, path: Path, problem: Omit<Problem, 'file'>): Problem {
  return { file: document.file, ...document.positionOf(path), ...problem }
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
  for (const [later, earlier] of rivals(candidates.filter(governs), ({ policy }) => policy.agent)) {
    problems.push(
      problemAt(later.document, ['agent'], {
        message: `${describeSelector(later.policy.agent)} selects agents that ${placeOf(earlier, ['agent'])} selects just as specifically`,
        suggestion: 'make one selector more specific, or join the two policies',
      }),
    )
  }
  return problems
}

/** A policy without `agent` is there for others; without others somebody has forgotten something. */
function unused(candidates: readonly Candidate[]): Problem[] {
  const bases = new Set(candidates.map(({ policy }) => policy.extends))
  return candidates
    .filter((candidate) => !governs(candidate) && !bases.has(candidate.policy.id))
    .map(({ document, policy }) =>
      problemAt(document, [], {
        message: `'${policy.id}' governs no agent, and no policy extends it`,
        suggestion: "say whom it governs: agent: { id: 'support-*' }",
      }),
    )
}

type Governing = Candidate & { readonly policy: { readonly agent: AgentSelector } }

function governs(candidate: Candidate): candidate is Governing {
  return candidate.policy.agent !== undefined
}

function placeOf({ policy, document }: Candidate, path: Path): string {
  return `'${policy.id}' (${document.file}:${document.positionOf(path).line})`
}

function policySet(candidates: readonly Candidate[]): PolicySet {
  const governing = candidates.filter(governs)
  const find = mostSpecific(
    governing.map(({ policy, compiled }) => ({ selector: policy.agent, value: compiled })),
    ({ expires }) => expires?.atMs,
  )
  return { policies: governing.map(({ compiled }) => compiled), governing: find.of, governingKnown: find.ofKnown }
}
