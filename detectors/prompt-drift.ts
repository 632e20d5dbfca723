/**
 * What an agent is made of has changed: its system prompt, model, parameters or knowledge base differ from the pin of its
 * policy, or, where nothing is pinned, from what this version of the agent ran with.
 */
import type { CompiledPolicy } from '../rules/policy.ts'
import type { Verdict, Violation } from '../rules/verdict.ts'
import type { FindingDraft, Severity } from '../schema/finding.ts'
import { quoteName } from '../schema/quote-name.ts'
import type { Telemetry } from '../schema/telemetry.ts'
import { type DetectionContext, defineDetector } from './detector.ts'
import { causeOf } from './draft/cause.ts'
import { byPolicyOf, isLearned, refusedBy } from './draft/refused.ts'
import { untrusted } from './draft/untrusted.ts'
import { type AspectName, type AspectValue, aspectsOf } from './prompt-drift/aspects.ts'
import {
  type KnownValues,
  latest,
  type News,
  newsOf,
  noValues,
  observe,
  toldLately,
} from './prompt-drift/known-values.ts'

/** The most versions of an agent that are told apart; the one not seen for longest makes room. */
const VERSIONS_LIMIT = 4
/** Names are cut where state keeps them. */
const KEPT_LENGTH = 128

interface KnownVersion {
  readonly version: string
  lastMs: number
  readonly aspects: { [aspect: string]: KnownValues }
}

interface State {
  versions: KnownVersion[]
}

export const promptDrift = defineDetector<State>({
  id: 'prompt-drift',
  title: 'Agent made of something else',
  catches:
    'A system prompt, model, sampling parameter or knowledge base that the policy does not pin, or, where it pins none, that this version of the agent has not run with before.',
  misses:
    'Changes that come with a new version of the agent, before some thirty calls of a version were seen, in numbers and dates of a prompt, in prompts that are different on every call, and in what has changed three times within thirty days (such a change is mentioned, and alerts nobody), unless they are pinned; agents whose telemetry names neither prompt nor model.',
  kind: 'integrity',
  version: 1,
  techniques: ['AML.T0081', 'AML.T0080'],
  owasp: ['LLM01:2025', 'LLM03:2025', 'ASI01', 'ASI04', 'ASI06'],
  runbook: [
    'Was there a release of the agent in the hour before? Its owner knows. If so, give releases a version, so that the next one is expected.',
    'Compare the system prompt of the event with the one before (evidence names both hashes): which words were added, and do they name hosts, people or tools?',
    'Who can write where the prompt, the model name and the parameters are kept? Look at what changed there at that time.',
    'Look at what the agent did after the change and not before: tools, destinations, datasets of the next hour.',
    'If it was wanted, pin it (policy.allow_with). If not, stop the agent, and put back what it ran with.',
  ],
  needs: [
    [
      'integrity.system_prompt_hash',
      'integrity.model',
      'integrity.knowledge_base_version',
      'attributes.gen_ai.request.temperature',
      'attributes.gen_ai.request.top_p',
    ],
  ],
  uses: ['agent.version', 'content.system_prompt', 'policy.integrity'],
  severities: ['informational', 'low', 'medium', 'high'],
  on: ['model_call', 'agent_invoke', 'retrieval', 'config_change'],
  scope: 'agent',
  stateVersion: 2,
  initial: () => ({ versions: [] }),

  check(event, state, { policy }) {
    const aspects = aspectsOf(event, policy?.integrity?.pinnedParameters ?? NONE)
    const known = aspects.length === 0 ? undefined : versionOf(event, state)
    const findings: FindingDraft[] = []
    for (const aspect of aspects) {
      const verdict = pinOf(aspect, policy)
      const refused = verdict?.allowed === false ? verdict : undefined
      const isByHabit = verdict === undefined || (refused !== undefined && isLearned(policy))
      const drifted = isByHabit ? drift(event, aspect, known?.aspects[aspect.aspect]) : undefined
      const finding = drifted ?? refusedFinding(event, aspect, refused, policy)
      if (finding !== undefined) {
        findings.push(finding)
      }
    }
    return findings
  },

  learn: absorb,
  // What was told is told: an agent that goes on with it must not be reported with every call.
  spoke: absorb,
})

const NONE: readonly string[] = []

function versionOf(event: Telemetry, { versions }: Readonly<State>): KnownVersion | undefined {
  const version = (event.agent.version ?? '').slice(0, KEPT_LENGTH)
  return versions.find((each) => each.version === version)
}

function absorb(event: Telemetry, state: State, { policy }: DetectionContext): boolean {
  const all = aspectsOf(event, NONE)
  const aspects = isLearned(policy) ? all : all.filter((aspect) => pinOf(aspect, policy) === undefined)
  if (aspects.length === 0) {
    return false
  }
  let known = versionOf(event, state)
  let isChanged = false
  if (known === undefined) {
    known = { version: (event.agent.version ?? '').slice(0, KEPT_LENGTH), lastMs: event.time_ms, aspects: {} }
    const kept = [...state.versions].sort((one, other) => other.lastMs - one.lastMs).slice(0, VERSIONS_LIMIT - 1)
    state.versions = [...kept, known]
    isChanged = true
  }
  for (const { aspect, value, shape } of aspects) {
    known.aspects[aspect] ??= noValues()
    isChanged = observe(known.aspects[aspect] as KnownValues, kept(value), shape, event.time_ms) || isChanged
  }
  if (isChanged) {
    known.lastMs = event.time_ms
  }
  return isChanged
}

const kept = (value: string) => value.slice(0, KEPT_LENGTH)

function pinOf({ aspect, value }: AspectValue, policy: CompiledPolicy | undefined): Verdict | undefined {
  const pins = policy?.integrity
  if (pins === undefined) {
    return undefined
  }
  return aspect === 'system_prompt' || aspect === 'models' || aspect === 'knowledge_base'
    ? pins.judge(aspect, value)
    : pins.judgeParameter(parameterOf(aspect), Number(value))
}

const parameterOf = (aspect: string) => aspect.slice('parameter:'.length)

const NOUNS: ReadonlyMap<string, string> = new Map([
  ['system_prompt', 'system prompt'],
  ['models', 'model'],
  ['knowledge_base', 'knowledge base'],
])
const PINNED_SEVERITY: ReadonlyMap<string, Severity> = new Map([
  ['system_prompt', 'high'],
  ['models', 'medium'],
  ['knowledge_base', 'medium'],
])
const DRIFT_SEVERITY: ReadonlyMap<string, Severity> = new Map([
  ['system_prompt', 'medium'],
  ['models', 'low'],
  ['knowledge_base', 'low'],
])

function nounOf(aspect: AspectName): string {
  return NOUNS.get(aspect) ?? `parameter ${quoteName(parameterOf(aspect))}`
}

/** Hashes are shortened, names quoted. */
function shown({ aspect, value }: { readonly aspect: AspectName; readonly value: string }): string {
  return aspect === 'system_prompt' ? `${value.slice(0, 12)}...` : quoteName(value)
}

/** What both opinions have in common. */
function draftOf(event: Telemetry, found: AspectValue) {
  const noun = nounOf(found.aspect)
  return {
    cause: causeOf(`drift:${found.aspect.slice(0, 80)}`, found.value),
    observed: `${noun} ${shown(found)}`,
    evidence: {
      aspect: found.aspect.slice(0, 80),
      untrusted_value: untrusted(found.value),
      ...(event.agent.version === undefined ? {} : { untrusted_version: untrusted(event.agent.version) }),
    },
    techniques: ['AML.T0081', ...(found.aspect === 'knowledge_base' ? ['AML.T0080'] : [])],
  }
}

/** What the policy says of what it does not pin. */
function refusedFinding(
  event: Telemetry,
  found: AspectValue,
  verdict: Violation | undefined,
  policy: CompiledPolicy | undefined,
): FindingDraft | undefined {
  if (policy === undefined || verdict === undefined) {
    return undefined
  }
  const noun = nounOf(found.aspect)
  const draft = draftOf(event, found)
  return byPolicyOf(policy, {
    ...draft,
    severity: PINNED_SEVERITY.get(found.aspect) ?? 'medium',
    confidence: 0.97,
    title: `Agent runs with a ${noun} that is not pinned`,
    reason: `${quoteName(event.agent.id)} ran with the ${noun} ${shown(found)}, which its policy does not pin.`,
    ...refusedBy(verdict),
    evidence: { ...draft.evidence, policy_id: policy.id },
  })
}

function drift(event: Telemetry, found: AspectValue, known: KnownValues | undefined): FindingDraft | undefined {
  const news = known === undefined ? undefined : newsOf(known, kept(found.value), found.shape, event.time_ms)
  const before = known === undefined ? undefined : latest(known)
  if (known === undefined || news === undefined || before === undefined) {
    return undefined
  }
  const noun = nounOf(found.aspect)
  const draft = draftOf(event, found)
  const was = shown({ aspect: found.aspect, value: before.value })
  return {
    ...draft,
    // What moves has one cause, whatever it has moved to.
    cause: news === 'moves' ? `drift:${found.aspect.slice(0, 80)}:moves` : draft.cause,
    severity: news === 'changed' ? (DRIFT_SEVERITY.get(found.aspect) ?? 'informational') : 'informational',
    confidence: news === 'changed' ? 0.7 : 0.4,
    title: TITLES[news](noun),
    reason: `${quoteName(event.agent.id)} ${REASONS[news](noun, was, shown(found))}.`,
    expected: `one of ${known.values.length} known, last ${was}`,
    silence: `Pin what is wanted under integrity of the agent's policy, or give releases a version of their own.`,
    evidence: {
      ...draft.evidence,
      untrusted_before: untrusted(before.value),
      before_since_ms: before.firstMs,
      known_values: known.values.length,
      known_since_ms: Math.min(...known.values.map(({ firstMs }) => firstMs)),
      calls_since_last_change: known.settled,
      changes_told_lately: toldLately(known, event.time_ms),
    },
  }
}

const TITLES: Readonly<Record<News, (noun: string) => string>> = {
  changed: (noun) => `The ${noun} of an agent changed without a new version`,
  often: (noun) => `The ${noun} of an agent changed again`,
  moves: (noun) => `The ${noun} of an agent is another on nearly every call`,
}
const REASONS: Readonly<Record<News, (noun: string, was: string, is: string) => string>> = {
  changed: (noun, was, is) => `runs with the ${noun} ${is}; this version of it ran with ${was} before`,
  often: (noun, was, is) => `runs with the ${noun} ${is} instead of ${was}, as it has changed several times before`,
  moves: (noun) => `has a ${noun} that keeps changing, so that a change of it by somebody else would not be seen`,
}
