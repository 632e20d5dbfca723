/**
 * An agent does more in a session, an hour or a day than its policy lets it: calls, tokens, money.
 *
 * Exact, in event time. Hours and days are those of the clock, in UTC. Each limit is told once a window.
 */

import { describeDuration } from '../rules/duration.ts'
import type { Limit, LimitKind } from '../rules/limits.ts'
import type { CompiledPolicy } from '../rules/policy.ts'
import type { FindingDraft } from '../schema/finding.ts'
import { idOf } from '../schema/ids.ts'
import { quoteName } from '../schema/quote-name.ts'
import type { Telemetry } from '../schema/telemetry.ts'
import { type DetectionContext, defineDetector } from './detector.ts'
import { causeOf } from './draft/cause.ts'
import { byPolicyOf, silencedBy } from './draft/refused.ts'

/** Sessions that are counted at once; the one heard of longest ago makes room. */
export const SESSIONS_KEPT = 64
/** Hours and days that are counted at once: late events count where they belong if that is not long ago. */
const PERIODS_KEPT = 2
/** Ids of sessions that are longer are kept by their hash. */
const KEPT_LENGTH = 64
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

interface Window {
  /** Which session, or which hour or day since the epoch. */
  readonly key: string
  readonly sinceMs: number
  lastMs: number
  sum: number
  told: boolean
}

interface State {
  readonly windows: { [Kind in LimitKind]?: Window[] }
}

interface Count {
  /** What one event adds; 0 when it is none of what is counted. */
  amount(event: Telemetry): number
  key(event: Telemetry): string
  readonly kept: number
  readonly isPeriod: boolean
  /** `{} calls in one session`. */
  readonly unit: string
  readonly window: string
}

const calls = ({ operation }: Telemetry) => (operation === 'model_call' ? 0 : 1)
const ofModel = (amount: (event: Telemetry) => number) => (event: Telemetry) =>
  event.operation === 'model_call' ? amount(event) : 0
const session = {
  key: ({ session_id: id }: Telemetry) => (id.length <= KEPT_LENGTH ? id : idOf(id)),
  kept: SESSIONS_KEPT,
  isPeriod: false,
  window: 'one session',
}
const period = (ms: number, window: string) => ({
  key: ({ time_ms: timeMs }: Telemetry) => String(Math.floor(timeMs / ms)),
  kept: PERIODS_KEPT,
  isPeriod: true,
  window,
})

const COUNTS: Readonly<Record<LimitKind, Count>> = {
  calls_per_session: { ...session, amount: calls, unit: 'calls' },
  calls_per_hour: { ...period(HOUR_MS, 'one hour'), amount: calls, unit: 'calls' },
  tokens_per_session: {
    ...session,
    amount: ofModel(({ volume }) => (volume.input_tokens ?? 0) + (volume.output_tokens ?? 0)),
    unit: 'tokens',
  },
  cost_usd_per_day: {
    ...period(DAY_MS, 'one day'),
    amount: ofModel(({ volume }) => volume.cost_usd ?? 0),
    unit: 'US dollars',
  },
}

export const limits = defineDetector<State>({
  id: 'limits',
  title: 'Limit of an agent exceeded',
  catches:
    'More calls in a session or an hour, tokens in a session, or cost in a day than the policy of the agent sets, told once for each limit and window: loops, runaway agents, and agents that are made to work for somebody else.',
  misses: `What stays below the limits; bursts that lie half in one hour or day and half in the next; tokens and cost that telemetry does not say, or says only when an event is amended; sessions beyond ${SESSIONS_KEPT} of one agent at once, and one session's work by several agents, each of which is counted alone.`,
  kind: 'policy',
  version: 1,
  techniques: ['AML.T0034.002'],
  owasp: ['LLM10:2025', 'ASI02', 'ASI08'],
  runbook: [
    'List the calls of the agent since evidence.since_ms: is it the same call again and again, or one goal that grows?',
    'Does the session still go on? If it is a loop, end it; the bill is evidence.sum.',
    'Read what the agent was given before the calls became more: who asked for so much?',
    'If the work is wanted, raise the limit that policy.allow_with names.',
  ],
  needs: ['policy.limits'],
  uses: ['volume.input_tokens', 'volume.output_tokens', 'volume.cost_usd'],
  severities: ['medium'],
  on: ['tool_call', 'retrieval', 'model_call'],
  scope: 'agent',
  stateVersion: 2,
  initial: () => ({ windows: {} }),

  check(event, state, { policy, repeated }) {
    if (policy === undefined || policy.limits.length === 0 || repeated === true) {
      return []
    }
    const findings: FindingDraft[] = []
    for (const limit of policy.limits) {
      const added = COUNTS[limit.kind].amount(event)
      const known = added === 0 ? undefined : windowOf(event, state, limit.kind)
      if (added > 0 && known !== 'late' && known?.told !== true && sumWith(known, added) > limit.most) {
        findings.push(byPolicyOf(policy, finding(event, known, limit, policy)))
      }
    }
    return findings
  },

  learn: count,
  spoke: count,
})

/** The window that an event belongs to, once begun; `late` when it is of an hour or day that was given up already. */
function windowOf(event: Telemetry, { windows }: Readonly<State>, kind: LimitKind): Window | 'late' | undefined {
  const { key: keyOf, isPeriod, kept } = COUNTS[kind]
  const all = windows[kind] ?? []
  const key = keyOf(event)
  const found = all.find((window) => window.key === key)
  const isLate =
    found === undefined && isPeriod && all.length >= kept && all.every((each) => Number(each.key) > Number(key))
  return isLate ? 'late' : found
}

/** Money is counted in millionths, so that fractions add up. */
function sumWith(window: Window | undefined, added: number): number {
  return Math.round(((window?.sum ?? 0) + added) * 1e6) / 1e6
}

function count(event: Telemetry, state: State, { policy }: DetectionContext): boolean {
  let isChanged = false
  for (const { kind, most } of policy?.limits ?? []) {
    const added = COUNTS[kind].amount(event)
    const known = added === 0 ? 'late' : windowOf(event, state, kind)
    if (known !== 'late') {
      const window = known ?? begin(event, state, kind)
      window.sum = sumWith(window, added)
      window.lastMs = Math.max(window.lastMs, event.time_ms)
      window.told ||= window.sum > most
      isChanged = true
    }
  }
  return isChanged
}

function begin(event: Telemetry, state: State, kind: LimitKind): Window {
  const { key, kept } = COUNTS[kind]
  const window = { key: key(event), sinceMs: event.time_ms, lastMs: event.time_ms, sum: 0, told: false }
  const all = state.windows[kind] ?? []
  state.windows[kind] = all
  if (all.length < kept) {
    all.push(window)
  } else {
    let oldest = 0
    all.forEach((each, index) => {
      oldest = each.lastMs < (all[oldest]?.lastMs ?? 0) ? index : oldest
    })
    all[oldest] = window
  }
  return window
}

function finding(event: Telemetry, known: Window | undefined, limit: Limit, policy: CompiledPolicy): FindingDraft {
  const { kind, most } = limit
  const { amount, key, unit, window } = COUNTS[kind]
  const sum = sumWith(known, amount(event))
  const sinceMs = known?.sinceMs ?? event.time_ms
  const within = describeDuration(Math.max(0, event.time_ms - sinceMs))
  return {
    cause: causeOf(kind, key(event)),
    severity: 'medium',
    confidence: 0.99,
    title: `Agent exceeded its limit of ${unit} in ${window}`,
    reason: `${quoteName(event.agent.id)} came to ${sum} ${unit} in ${window}, the first of them ${within} before; its policy allows ${most}.`,
    observed: `${sum} ${unit} within ${within}`,
    expected: `at most ${most} ${unit} in ${window}`,
    ...silencedBy(limit.policy),
    evidence: { limit: kind, sum, most, since_ms: sinceMs, policy_id: policy.id },
    techniques: ['AML.T0034.002'],
  }
}
