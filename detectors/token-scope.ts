/**
 * A credential that reaches further, or lives longer, than it should: beyond the policy of the agent, beyond what was asked
 * for, beyond what this agent ever asked for, or somebody else's.
 */
import { describeDuration } from '../rules/duration.ts'
import type { CompiledPolicy } from '../rules/policy.ts'
import type { TokenRules } from '../rules/tokens.ts'
import type { Refusal } from '../rules/verdict.ts'
import type { FindingDraft, Severity } from '../schema/finding.ts'
import { idOf } from '../schema/ids.ts'
import { quoteName } from '../schema/quote-name.ts'
import { wasStopped } from '../schema/stopped.ts'
import type { Telemetry, Token } from '../schema/telemetry.ts'
import { defineDetector } from './detector.ts'
import { causeOf } from './draft/cause.ts'
import { callersOf, namesOf } from './draft/chain.ts'
import { byPolicyOf, isLearned, refusedBy } from './draft/refused.ts'
import { rounded } from './draft/rounded.ts'
import { raise } from './draft/severity.ts'
import { untrusted } from './draft/untrusted.ts'
import { asksForAll, isBroad, isIdentity } from './token-scope/broad-scope.ts'

/** The longest that a credential may live where no policy says: a day. */
const LIFETIME_S = 86_400
/** From here on it is as good as a password. */
const VERY_LONG_S = 30 * LIFETIME_S
/** The most broad scopes and told causes of one agent that are remembered; the oldest make room. */
const KEPT = 64
/** Requests are counted up to here; more say nothing more about what is usual. */
const REQUESTS_COUNTED = 100
/** Fewer requests do not make a habit. */
const HABIT = 3
/** The most scopes named in a finding. */
const SHOWN = 8

interface State {
  /** How often the agent asked for a credential, up to `REQUESTS_COUNTED`. */
  requests: number
  /** Hashes of the broad scopes that it asked for. */
  broad: readonly string[]
  /** Hashes of what was told, where no policy decides: once is enough. */
  told: readonly string[]
}

export const tokenScope = defineDetector<State>({
  id: 'token-scope',
  title: 'Credential beyond what is allowed',
  catches:
    'Scopes, asked for or granted, an audience or a lifetime that the policy of the agent does not allow; without a policy: more granted than was asked for, a wildcard or administrative scope that an agent asks for newly, a credential that lives longer than a day, and one that was issued to another agent of the chain.',
  misses:
    'Credentials whose scopes telemetry does not show (most clients ask in a body that no span carries: state telltale.token), what a token may really do, broad scopes whose names do not say so, and one credential shared by several agents unless it names another of the chain as its subject: each agent is judged alone.',
  kind: 'policy',
  version: 1,
  techniques: ['AML.T0012', 'AML.T0091.000'],
  owasp: ['LLM06:2025', 'ASI03'],
  runbook: [
    'Read untrusted_scopes, untrusted_audience and outcome: was the credential issued, and what may it do?',
    'Look at what the agent did in the lifetime of the credential: tools, destinations and datasets that it never used before.',
    'Read the prompts and tool results of the ten minutes before the request in the session: did text ask for more rights?',
    'Ask the identity provider which other credentials the client holds. If it is not wanted, revoke this one and narrow what the client may ask for.',
    'If it is wanted, make the change that policy.allow_with names.',
  ],
  needs: ['token'],
  uses: [
    'policy.tokens',
    'token.scopes_requested',
    'token.scopes_granted',
    'token.audience',
    'token.lifetime_s',
    'token.subject',
    'subject_chain',
  ],
  severities: ['low', 'medium', 'high'],
  on: ['token_request', 'tool_call', 'agent_invoke', 'retrieval', 'egress'],
  scope: 'agent',
  stateVersion: 1,
  initial: () => ({ requests: 0, broad: [], told: [] }),

  check(event, state, { policy }) {
    return event.token === null ? NONE : judge(event, event.token, policy, state)
  },

  learn(event, state) {
    if (event.token === null || event.operation !== 'token_request') {
      return false
    }
    const broad = withHashes(state.broad, (event.token.scopes_requested ?? []).filter(isBroad))
    const isNew = broad !== state.broad || state.requests < REQUESTS_COUNTED
    state.broad = broad
    state.requests = Math.min(state.requests + 1, REQUESTS_COUNTED)
    return isNew
  },

  spoke(event, state, { policy }) {
    const findings = event.token === null ? NONE : judge(event, event.token, policy, state)
    const told = withHashes(
      state.told,
      findings.filter((finding) => finding.policy === undefined).map(({ cause }) => cause),
    )
    const isNew = told !== state.told
    state.told = told
    return isNew
  },
})

const NONE: readonly FindingDraft[] = []

const hashOf = (text: string) => idOf(text).slice(0, 16)

/** The list with the hashes of these, bounded; the same list when it has them all. */
function withHashes(list: readonly string[], texts: readonly string[]): readonly string[] {
  const added = texts.map(hashOf).filter((hash) => !list.includes(hash))
  return added.length === 0 ? list : [...new Set([...list, ...added])].slice(-KEPT)
}

function judge(
  event: Telemetry,
  token: Token,
  policy: CompiledPolicy | undefined,
  state: Readonly<State>,
): readonly FindingDraft[] {
  const rules = policy?.tokens
  const byPolicy =
    policy === undefined || rules === undefined
      ? NONE
      : violations({ event, token, rules }, rules).map((each) => byPolicyOf(policy, each))
  const act = { event, token, rules: byPolicy.length > 0 && isLearned(policy) ? undefined : rules }
  const byHabit = [newlyBroad(act, state), moreThanAsked(act), tooLong(act), anothers(act)]
  const findings = byHabit.filter((finding) => finding !== undefined && !state.told.includes(hashOf(finding.cause)))
  return byPolicy.length + findings.length === 0 ? NONE : [...byPolicy, ...(findings as FindingDraft[])]
}

interface Act {
  readonly event: Telemetry
  readonly token: Token
  readonly rules: TokenRules | undefined
}

function violations(act: Act, rules: TokenRules): readonly FindingDraft[] {
  const { event, token } = act
  const { audience, lifetime_s: lifetime } = token
  const who = quoteName(event.agent.id)
  const findings: FindingDraft[] = []
  const scopes = beyond(token, rules)
  if (scopes !== undefined) {
    const { refusal, names, isGranted } = scopes
    const isGrave = isGranted || names.some(isBroad)
    findings.push({
      ...draft(act, 'scope', names, {
        severity: isGrave ? 'high' : 'medium',
        confidence: 0.95,
        title: `Credential with scopes beyond policy: ${quoteName(names[0] ?? '')}`,
        reason: `${who} ${isGranted ? 'was granted' : 'asked for'} ${spell(names)}, which its policy does not list.`,
        observed: `scopes ${spell(names)}, outcome ${event.outcome}`,
      }),
      ...refusedBy(refusal),
    })
  }
  const place = audience === undefined ? undefined : rules.judgeAudience(audience)
  if (audience !== undefined && place?.allowed === false) {
    findings.push({
      ...draft(act, 'audience', [audience], {
        severity: 'medium',
        confidence: 0.9,
        title: `Credential for an audience beyond policy: ${quoteName(audience)}`,
        reason: `${who} asked for a credential for ${quoteName(audience)}, which its policy does not list.`,
        observed: `audience ${quoteName(audience)}, outcome ${event.outcome}`,
      }),
      ...refusedBy(place),
    })
  }
  const life = lifetime === undefined ? undefined : rules.judgeLifetime(lifetime)
  if (lifetime !== undefined && life?.allowed === false) {
    findings.push({
      ...draft(act, 'lifetime', [], {
        severity: 'medium',
        confidence: 0.95,
        title: 'Credential that lives longer than its policy allows',
        reason: `${who} holds a credential for ${describeDuration(lifetime * 1000)}, longer than its policy allows.`,
        observed: `a lifetime of ${describeDuration(lifetime * 1000)}`,
      }),
      ...refusedBy(life),
    })
  }
  return findings
}

/** The scopes that the policy refuses, those granted first: they are what counts. */
function beyond(
  { scopes_granted: granted = [], scopes_requested: asked = [] }: Token,
  rules: TokenRules,
): { readonly refusal: Refusal<'scope'>; readonly names: readonly string[]; readonly isGranted: boolean } | undefined {
  const refused = (scope: string) => rules.judgeScope(scope).allowed === false
  const names = [...new Set([...granted, ...asked])].filter(refused)
  const [first] = names
  const refusal = first === undefined ? undefined : rules.judgeScope(first)
  return refusal?.allowed === false ? { refusal, names, isGranted: granted.some(refused) } : undefined
}

/** A wildcard or administrative scope, from an agent that has asked before and never for it. */
function newlyBroad({ event, token, rules }: Act, state: Readonly<State>): FindingDraft | undefined {
  const { requests, broad } = state
  if (event.operation !== 'token_request' || requests === 0 || rules?.limitsScopes === true) {
    return undefined
  }
  const names = (token.scopes_requested ?? []).filter((scope) => isBroad(scope) && !broad.includes(hashOf(scope)))
  return names.length === 0
    ? undefined
    : {
        ...draft({ event, token, rules }, 'newly-broad', names, {
          severity: requests < HABIT ? 'low' : 'medium',
          // Laplace: after n requests without it, the next has it with probability 1 / (n + 2) at most.
          confidence: rounded(Math.min(0.8, requests / (requests + 2))),
          title: `Agent asks for a broad scope for the first time: ${quoteName(names[0] ?? '')}`,
          reason: `${quoteName(event.agent.id)} asked for ${spell(names)}, and for nothing like it in ${requests === REQUESTS_COUNTED ? 'a hundred or more' : requests} requests before.`,
          observed: `scopes ${spell(names)}, outcome ${event.outcome}`,
        }),
        expected: 'the scopes that the agent asked for before, none of them broad',
        silence: 'list the scopes of the agent in the section tokens of its policy',
      }
}

/** Identity providers add who the user is, and grant names for wildcards; anything else was not asked for. */
function moreThanAsked({ event, token, rules }: Act): FindingDraft | undefined {
  const { scopes_requested: asked = [], scopes_granted: granted = [] } = token
  if (asked.length === 0 || granted.length === 0 || rules?.limitsScopes === true || asked.some(asksForAll)) {
    return undefined
  }
  const names = granted.filter((scope) => !asked.includes(scope) && !isIdentity(scope))
  return names.length === 0
    ? undefined
    : {
        ...draft({ event, token, rules }, 'more-than-asked', names, {
          severity: names.some(isBroad) ? 'medium' : 'low',
          confidence: 0.7,
          title: `Credential grants more than was asked for: ${quoteName(names[0] ?? '')}`,
          reason: `${quoteName(event.agent.id)} was granted ${spell(names)} without asking for it.`,
          observed: `granted ${spell(names)}`,
        }),
        expected: `at most ${spell(asked)}`,
        silence: 'list the scopes of the agent in the section tokens of its policy, or narrow the grants of the client',
      }
}

function tooLong({ event, token, rules }: Act): FindingDraft | undefined {
  const { lifetime_s: lifetime } = token
  if (lifetime === undefined || lifetime <= LIFETIME_S || rules?.limitsLifetime === true) {
    return undefined
  }
  const isVeryLong = lifetime >= VERY_LONG_S
  const words = describeDuration(lifetime * 1000)
  return {
    ...draft({ event, token, rules }, 'long-lived', [isVeryLong ? 'month' : 'day'], {
      severity: isVeryLong ? 'medium' : 'low',
      confidence: 0.8,
      title: 'Long-lived credential',
      reason: `${quoteName(event.agent.id)} holds a credential that lives ${words}; whoever takes it has that long.`,
      observed: `a lifetime of ${words}`,
    }),
    expected: `a lifetime of at most ${describeDuration(LIFETIME_S * 1000)}`,
    silence: 'set tokens.max_lifetime in the policy of the agent',
  }
}

/** Issued to another agent or service of the chain: a credential that was handed on, and is now shared. */
function anothers({ event, token, rules }: Act): FindingDraft | undefined {
  const { subject } = token
  if (subject === undefined || namesOf(event.agent).includes(subject)) {
    return undefined
  }
  const owner = callersOf(event).find((each) => each.kind !== 'human' && namesOf(each).includes(subject))
  return owner === undefined
    ? undefined
    : {
        ...draft({ event, token, rules }, 'shared', [subject], {
          severity: 'medium',
          confidence: 0.8,
          title: `Credential of another agent: ${quoteName(subject)}`,
          reason: `${quoteName(event.agent.id)} uses a credential that was issued to ${owner.kind} ${quoteName(owner.id)}, which it acts for.`,
          observed: `a credential of ${quoteName(subject)}`,
        }),
        expected: 'a credential of its own, exchanged for that of its caller',
        silence: 'close the alert as benign',
      }
}

function spell(scopes: readonly string[]): string {
  const shown = scopes.slice(0, SHOWN).map(quoteName).join(', ')
  return scopes.length > SHOWN ? `${shown} and ${scopes.length - SHOWN} more` : shown
}

type Own = Pick<FindingDraft, 'confidence' | 'title' | 'reason' | 'observed'> & { readonly severity: Severity }

/** What all opinions of this detector share; `expected` comes from the policy, or from habit. */
function draft(
  { event, token }: Act,
  rule: string,
  [first = '', ...more]: readonly string[],
  { severity, ...own }: Own,
): Omit<FindingDraft, 'expected'> {
  const { scopes_granted: granted = [], scopes_requested: asked = [], audience, lifetime_s: lifetime, subject } = token
  return {
    cause: causeOf(rule, first, ...more.slice(0, SHOWN)),
    ...own,
    severity: wasStopped(event) ? raise(severity, -1) : severity,
    evidence: {
      untrusted_scopes: untrusted(asked.join(' ')),
      ...(granted.length === 0 ? {} : { untrusted_granted: untrusted(granted.join(' ')) }),
      ...(audience === undefined ? {} : { untrusted_audience: untrusted(audience) }),
      ...(subject === undefined ? {} : { untrusted_subject: untrusted(subject) }),
      ...(lifetime === undefined ? {} : { lifetime_s: lifetime }),
      operation: event.operation,
      outcome: event.outcome,
      rule,
    },
    techniques: rule === 'shared' ? ['AML.T0012', 'AML.T0091.000'] : ['AML.T0012'],
  }
}
