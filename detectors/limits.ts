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
import { defineDetector } from './detector.ts'
import { changeOf } from './draft/silence.ts'

/** Sessions that are counted at once; the one heard of longest ago makes room. */
export const SESSIONS_KEPT = 64
/** Hours and days that are counted at once: late events count where they belong if that is not long ago. */
const PERIODS_KEPT = 2
/** Events of which it is known that they are counted, so that an amended event is not judged as one more. */
const EVENTS_KEPT = 32
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

interface Window {
  readonly kind: LimitKind
  /** Which session, or which hour or day since the epoch. */
  readonly key: string
  readonly sinceMs: number
  lastMs: number
  sum: number
  told: boolean
}

interface State {
  windows: Window[]
  /** The ends of their ids, the newest last. */
  counted: string[]
}

interface Count {
  /** What one event adds; 0 when it is none of what is counted. */
  amount(event: Telemetry): number
  key(event: Telemetry): string
  readonly kept: number
  /** `{} calls in one session`. */
  readonly unit: string
  readonly window: string
}

const calls = ({ operation }: Telemetry) => (operation === 'model_call' ? 0 : 1)
const ofModel = (amount: (event: Telemetry) => number) => (event: Telemetry) =>
  event.operation === 'model_call' ? amount(event) : 0
const session = {
  key: ({ session_id: id }: Telemetry) => idOf(id).slice(0, 16),
  kept: SESSIONS_KEPT,
  window: 'one session',
}
const period = (ms: number, window: string) => ({
  key: ({ time_ms: timeMs }: Telemetry) => String(Math.floor(timeMs / ms)),
  kept: PERIODS_KEPT,
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
  stateVersion: 1,
  initial: () => ({ windows: [], counted: [] }),

  check(event, state, { policy }) {
    if (policy === undefined || policy.limits.length === 0 || isCounted(event, state)) {
      return []
    }
    return exceeded(event, state, policy.limits).map((limit) => finding(event, state, limit, policy))
  },

  learn: (event, state, { policy }) => count(event, state, policy),
  spoke: (event, state, { policy }) => count(event, state, policy),
})

const isCounted = (event: Telemetry, { counted }: Readonly<State>) => counted.includes(endOf(event))
const endOf = ({ event_id: id }: Telemetry) => id.slice(-8)

/** Limits that this event is the first to exceed. */
function exceeded(event: Telemetry, state: Readonly<State>, all: readonly Limit[]): readonly Limit[] {
  return all.filter(({ kind, most }) => {
    const added = COUNTS[kind].amount(event)
    const known = added === 0 ? undefined : windowOf(event, state, kind)
    return added > 0 && known?.told !== true && !isLate(event, state, kind) && sumWith(known, added) > most
  })
}

function windowOf(event: Telemetry, { windows }: Readonly<State>, kind: LimitKind): Window | undefined {
  const key = COUNTS[kind].key(event)
  return windows.find((window) => window.kind === kind && window.key === key)
}

/** Money is counted in millionths, so that fractions add up. */
function sumWith(window: Window | undefined, added: number): number {
  return Math.round(((window?.sum ?? 0) + added) * 1e6) / 1e6
}

/** An hour or day that was given up already is not begun anew. */
function isLate(event: Telemetry, state: Readonly<State>, kind: LimitKind): boolean {
  const { key, kept } = COUNTS[kind]
  return (
    kept === PERIODS_KEPT &&
    windowOf(event, state, kind) === undefined &&
    state.windows.filter((window) => window.kind === kind && Number(window.key) > Number(key(event))).length >= kept
  )
}

function count(event: Telemetry, state: State, policy: CompiledPolicy | undefined): boolean {
  const counting = (policy?.limits ?? []).filter(
    ({ kind }) => COUNTS[kind].amount(event) > 0 && !isLate(event, state, kind),
  )
  if (counting.length === 0) {
    return false
  }
  for (const { kind, most } of counting) {
    const window = windowOf(event, state, kind) ?? begin(event, state, kind)
    window.sum = sumWith(window, COUNTS[kind].amount(event))
    window.lastMs = Math.max(window.lastMs, event.time_ms)
    window.told ||= window.sum > most
  }
  state.counted = [...state.counted, endOf(event)].slice(-EVENTS_KEPT)
  return true
}

function begin(event: Telemetry, state: State, kind: LimitKind): Window {
  const { key, kept } = COUNTS[kind]
  const window = { kind, key: key(event), sinceMs: event.time_ms, lastMs: event.time_ms, sum: 0, told: false }
  const others = state.windows.filter((each) => each.kind === kind)
  if (others.length >= kept) {
    const oldest = others.reduce((found, each) => (each.lastMs < found.lastMs ? each : found))
    state.windows = state.windows.filter((each) => each !== oldest)
  }
  state.windows.push(window)
  return window
}

function finding(event: Telemetry, state: Readonly<State>, limit: Limit, policy: CompiledPolicy): FindingDraft {
  const { kind, most } = limit
  const { amount, key, unit, window } = COUNTS[kind]
  const known = windowOf(event, state, kind)
  const sum = sumWith(known, amount(event))
  const sinceMs = known?.sinceMs ?? event.time_ms
  const within = describeDuration(Math.max(0, event.time_ms - sinceMs))
  return {
    cause: `${kind}:${key(event)}`,
    severity: 'medium',
    confidence: 0.99,
    title: `Agent exceeded its limit of ${unit} in ${window}`,
    reason: `${quoteName(event.agent.id)} came to ${sum} ${unit} in ${window}, the first of them ${within} before; its policy allows ${most}.`,
    observed: `${sum} ${unit} within ${within}`,
    expected: `at most ${most} ${unit} in ${window}`,
    silence: changeOf(limit.policy),
    evidence: { limit: kind, sum, most, since_ms: sinceMs, policy_id: policy.id },
    techniques: ['AML.T0034.002'],
    policy: limit.policy,
  }
}
