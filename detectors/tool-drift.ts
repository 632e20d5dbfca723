/**
 * The tools that an agent is offered are not what they were: definitions edited after they were trusted (rug pull), names
 * taken over by another server, instructions to the model planted in descriptions.
 */
import type { Violation } from '../rules/verdict.ts'
import { type FindingDraft, type Severity, severityRank } from '../schema/finding.ts'
import { quoteName } from '../schema/quote-name.ts'
import type { Telemetry, ToolDefinition } from '../schema/telemetry.ts'
import { defineDetector } from './detector.ts'
import { causeOf } from './draft/cause.ts'
import { originOf } from './draft/origin.ts'
import { byPolicyOf, isLearned, refusedBy } from './draft/refused.ts'
import { untrusted } from './draft/untrusted.ts'
import {
  type Change,
  type ChangeKind,
  changeOf,
  isNamesake,
  isOfServer,
  isUnchanged,
  type KnownTool,
  knownTool,
} from './tool-drift/change.ts'
import { plantedIn } from './tool-drift/planted.ts'

/** The most tools of an agent whose definitions are remembered; the one not seen for longest makes room. */
export const TOOLS_KEPT = 64
/** The most findings of one event. */
const FINDING_LIMIT = 8
/** Manifests seen before a tool that was never offered is worth a mention. */
const SETTLED = 10
const TOUCH_MS = 3_600_000
/** A name that its server offered within this time is in use. */
const IN_USE_MS = 7 * 86_400_000

interface State {
  tools: KnownTool[]
  /** Manifests with definitions that were seen, up to `SETTLED`. */
  manifests: number
}

export const toolDrift = defineDetector<State>({
  id: 'tool-drift',
  title: 'Tool definition changed',
  catches:
    'Definitions of tools that changed after the agent was offered them (told apart: spelling, description, new parameter, wider capability, new hosts), that are not the pinned ones, that come from another server than before, or that hold instructions to the model.',
  misses: `Changes behind an unchanged definition; definitions that telemetry does not carry, such as those of coding agents that log calls alone, and beyond the ${TOOLS_KEPT} tools that are remembered of an agent; planted instructions in other languages than English that contain none of the known signs; changes in the middle of a conversation until the next one begins.`,
  kind: 'integrity',
  version: 1,
  techniques: ['AML.T0110.000', 'AML.T0010.005', 'AML.T0109', 'AML.T0011.002'],
  owasp: ['LLM03:2025', 'ASI02', 'ASI04'],
  runbook: [
    'Read evidence: which tool of which server, and what was added to its definition?',
    'Who maintains the server, and was there a release? Compare its definition with the release before, at the source.',
    'Find the calls of the tool after time_ms of the event, by any agent: with which arguments, and where did results go?',
    'If the change is wanted, pin the new definition (policy.allow_with). If not, take the server out of the configuration of every agent, and replace credentials that its tools were given.',
  ],
  needs: [['integrity.tools', 'integrity.tool_manifest_hash']],
  uses: ['agent.version', 'policy.integrity'],
  severities: ['informational', 'low', 'medium', 'high'],
  on: ['model_call', 'config_change'],
  scope: 'agent',
  stateVersion: 1,
  initial: () => ({ tools: [], manifests: 0 }),

  check(event, state, { policy }) {
    const { tools, tool_manifest_hash: manifest } = event.integrity
    const pins = policy?.integrity
    const findings: FindingDraft[] = []
    const verdict = manifest === undefined ? undefined : pins?.judge('tool_manifest', manifest)
    if (policy !== undefined && manifest !== undefined && verdict?.allowed === false) {
      findings.push(byPolicyOf(policy, manifestViolation(event, manifest, verdict)))
    }
    for (const tool of tools ?? NO_TOOLS) {
      const pinned = pins?.judgeDefinition(tool)
      const refused = pinned?.allowed === false ? pinned : undefined
      if (policy !== undefined && refused !== undefined) {
        findings.push(byPolicyOf(policy, definitionViolation(event, tool, refused)))
      }
      if (pinned === undefined || (refused !== undefined && isLearned(policy))) {
        const finding = drift(event, tool, state)
        if (finding !== undefined) {
          findings.push(finding)
        }
      }
    }
    return findings.length <= FINDING_LIMIT ? findings : worst(findings)
  },

  learn: absorb,
  // A change is told once; from then on the new definition is the known one.
  spoke: absorb,
})

const NO_TOOLS: readonly ToolDefinition[] = []

function worst(findings: readonly FindingDraft[]): readonly FindingDraft[] {
  return [...findings]
    .sort((one, other) => severityRank(other.severity) - severityRank(one.severity))
    .slice(0, FINDING_LIMIT)
}

function versionOf(event: Telemetry): string {
  return (event.agent.version ?? '').slice(0, 64)
}

function absorb(event: Telemetry, state: State): boolean {
  const { tools } = event.integrity
  if (tools === undefined) {
    return false
  }
  let isChanged = state.manifests < SETTLED
  state.manifests = Math.min(state.manifests + 1, SETTLED)
  for (const tool of tools) {
    const before = find(state, tool)
    if (before !== undefined && isUnchanged(before, tool) && before.version === versionOf(event)) {
      if (event.time_ms - before.lastMs >= TOUCH_MS) {
        before.lastMs = event.time_ms
        isChanged = true
      }
    } else {
      remember(state, before, knownTool(tool, versionOf(event), event.time_ms))
      isChanged = true
    }
  }
  return isChanged
}

function remember(state: State, before: KnownTool | undefined, now: KnownTool): void {
  state.tools = state.tools.filter((each) => each !== before)
  if (state.tools.length >= TOOLS_KEPT) {
    const oldest = state.tools.reduce((one, other) => (other.lastMs < one.lastMs ? other : one))
    state.tools = state.tools.filter((each) => each !== oldest)
  }
  state.tools.push(now)
}

/** The definition that this server gave before. */
function find({ tools }: Readonly<State>, tool: ToolDefinition): KnownTool | undefined {
  return tools.find((each) => isNamesake(each, tool) && isOfServer(each, tool))
}

function drift(event: Telemetry, tool: ToolDefinition, state: Readonly<State>): FindingDraft | undefined {
  const before = find(state, tool)
  if (before !== undefined && isUnchanged(before, tool)) {
    return undefined
  }
  const planted = tool.description === undefined ? undefined : plantedIn(tool.description)
  if (planted !== undefined) {
    return plantedFinding(event, tool, planted, before)
  }
  if (before !== undefined) {
    const change = changeOf(before, knownTool(tool, versionOf(event), event.time_ms))
    return change === undefined ? undefined : changeFinding(event, tool, change, before)
  }
  const other = state.tools.find((each) => isNamesake(each, tool) && !isOfServer(each, tool))
  if (other !== undefined) {
    return shadowFinding(event, tool, other)
  }
  return state.manifests >= SETTLED ? newToolFinding(event, tool) : undefined
}

function named({ name, server }: { readonly name: string; readonly server?: string | undefined }): string {
  return server === undefined ? quoteName(name) : `${quoteName(name)} of ${quoteName(server)}`
}

/** What every opinion about one tool has in common. */
function draftOf(event: Telemetry, tool: ToolDefinition, word: string) {
  return {
    cause: causeOf(`tool-drift:${word}`, tool.name, tool.server ?? '', tool.hash),
    confidence: 0.8,
    evidence: {
      untrusted_tool: untrusted(tool.name),
      ...(tool.server === undefined ? {} : { untrusted_server: untrusted(tool.server) }),
      ...(event.agent.version === undefined ? {} : { untrusted_version: untrusted(event.agent.version) }),
      ...(tool.description === undefined ? {} : { untrusted_description: untrusted(tool.description) }),
      definition: tool.hash,
    },
    techniques: ['AML.T0110.000'],
    silence: `Pin the definition ${tool.hash.slice(0, 12)}... under integrity.tools of the agent's policy once it is reviewed.`,
  }
}

function plantedFinding(
  event: Telemetry,
  tool: ToolDefinition,
  planted: string,
  before: KnownTool | undefined,
): FindingDraft {
  const draft = draftOf(event, tool, 'planted')
  const since = before === undefined ? 'as it was first offered' : 'after it was offered without'
  return {
    ...draft,
    severity: 'high',
    confidence: 0.9,
    title: `Instructions in the description of a tool: ${quoteName(tool.name)}`,
    reason: `The description of ${named(tool)}, ${since}, speaks to the model: ${planted}.`,
    observed: planted,
    expected: 'a description of what the tool does',
    evidence: { ...draft.evidence, signs: planted, changed: before !== undefined },
    origin: originOf(tool.description ?? ''),
    techniques: ['AML.T0110.000', ...(before === undefined ? ['AML.T0010.005'] : ['AML.T0109'])],
  }
}

const WORDS: Readonly<Record<ChangeKind, { readonly severity: Severity; readonly what: string }>> = {
  form: { severity: 'informational', what: 'only its spelling or order changed' },
  narrower: { severity: 'informational', what: 'something was taken out of it' },
  description: { severity: 'informational', what: 'its description changed' },
  parameter: { severity: 'low', what: 'it takes a new parameter' },
  wider: { severity: 'medium', what: 'it can do or takes more' },
  hosts: { severity: 'medium', what: 'its description names new hosts' },
}
/** Parameters through which a conversation leaves. */
const CARRYING =
  /context|conversation|history|sidenote|side_note|notes?$|reason|thought|system.?prompt|secret|credential|password|token|key/i

function changeFinding(event: Telemetry, tool: ToolDefinition, change: Change, before: KnownTool): FindingDraft {
  const draft = draftOf(event, tool, change.kind)
  const { severity, what } = WORDS[change.kind]
  const carries =
    change.kind === 'parameter' && change.added.some((each) => CARRYING.test(each) && each.includes('string'))
  // Words that a judge should read, in what was a plain description before.
  const speaks = change.kind === 'description' && tool.description !== undefined
  const isRelease = before.version !== versionOf(event)
  const worse: Severity = carries ? 'medium' : speaks ? 'low' : severity
  return {
    ...draft,
    severity: isRelease && worse === 'low' ? 'informational' : worse,
    confidence: isRelease ? 0.5 : draft.confidence,
    title: `Definition of a tool changed: ${quoteName(tool.name)}`,
    reason: `The definition of ${named(tool)} changed ${isRelease ? 'with a new version of the agent' : 'without a new version of the agent'}: ${what}.`,
    observed: `definition ${tool.hash.slice(0, 12)}...: ${what}`,
    expected: `definition ${before.hash.slice(0, 12)}..., last offered before`,
    evidence: {
      ...draft.evidence,
      change: change.kind,
      before: before.hash,
      before_seen_ms: before.lastMs,
      with_new_version: isRelease,
      ...(change.added.length === 0 ? {} : { untrusted_added: untrusted(change.added.join(', ')) }),
    },
    techniques: ['AML.T0110.000', 'AML.T0109'],
  }
}

function shadowFinding(event: Telemetry, tool: ToolDefinition, other: KnownTool): FindingDraft {
  const draft = draftOf(event, tool, 'shadow')
  const inUse = event.time_ms - other.lastMs <= IN_USE_MS
  const owner = other.server === undefined ? 'a server that was not named' : quoteName(other.server)
  // A server that is named for the first time may be the one that was not named before.
  const isSure = tool.server !== undefined && other.server !== undefined
  return {
    ...draft,
    severity: isSure ? (inUse ? 'high' : 'medium') : 'informational',
    confidence: isSure ? 0.8 : 0.3,
    title: `A tool is offered by another server than before: ${quoteName(tool.name)}`,
    reason: `${named(tool)} has the name of a tool that ${owner} offered this agent, so that calls meant for the one may reach the other.`,
    observed: `${named(tool)}`,
    expected: `${quoteName(tool.name)} of ${owner}`,
    evidence: {
      ...draft.evidence,
      ...(other.server === undefined ? {} : { untrusted_server_before: untrusted(other.server) }),
      before: other.hash,
      before_seen_ms: other.lastMs,
    },
    techniques: ['AML.T0110.000', 'AML.T0011.002'],
  }
}

function newToolFinding(event: Telemetry, tool: ToolDefinition): FindingDraft {
  return {
    ...draftOf(event, tool, 'new'),
    severity: 'informational',
    confidence: 0.3,
    title: `An agent is offered a tool that it did not have: ${quoteName(tool.name)}`,
    reason: `${quoteName(event.agent.id)} is offered ${named(tool)}, which was in none of its tool lists before.`,
    observed: named(tool),
    expected: 'the tools of earlier conversations',
  }
}

function definitionViolation(event: Telemetry, tool: ToolDefinition, verdict: Violation): FindingDraft {
  const planted = tool.description === undefined ? undefined : plantedIn(tool.description)
  const { silence: _pin, ...draft } = draftOf(event, tool, 'pin')
  return {
    ...draft,
    severity: 'high',
    confidence: 0.97,
    title: `A tool is not the one that was pinned: ${quoteName(tool.name)}`,
    reason: `${named(tool)} was offered with a definition that the policy does not pin${planted === undefined ? '' : `, and which speaks to the model: ${planted}`}.`,
    observed: `definition ${tool.hash.slice(0, 12)}...`,
    ...refusedBy(verdict),
  }
}

function manifestViolation(event: Telemetry, manifest: string, verdict: Violation): FindingDraft {
  return {
    cause: causeOf('tool-drift:manifest', manifest),
    severity: 'high',
    confidence: 0.97,
    title: 'An agent is offered tools that are not pinned',
    reason: `${quoteName(event.agent.id)} was offered a list of tools that its policy does not pin.`,
    observed: `tools ${manifest.slice(0, 12)}...`,
    ...refusedBy(verdict),
    evidence: {
      manifest,
      tools: event.integrity.tools?.length ?? 0,
      ...(event.agent.version === undefined ? {} : { untrusted_version: untrusted(event.agent.version) }),
    },
    techniques: ['AML.T0110.000'],
  }
}
