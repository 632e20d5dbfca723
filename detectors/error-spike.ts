/**
 * The calls of a tool fail much more often than they usually do.
 *
 * Two methods must agree, and the finding carries the larger of their tail probabilities: a Bernoulli CUSUM, which
 * decides when a stretch of calls is no longer chance, and the beta-binomial posterior tail of that stretch, which
 * includes the doubt about the usual rate of an agent or tool not seen for long. Both are widened by how much more than
 * chance the failures of the tool vary, so that failures that come in bursts are not one alarm a burst.
 *
 * Measured by `bench/error-spike.ts` (200 simulated agents of 5,000 calls a case, usual rates 0 to 20 %):
 *
 *     failures come         false alarms per 100,000 calls      calls from a jump to 50 % until the alarm, median (95 %)
 *                           first 500 of an agent    after      usual rate 1 %    5 %         10 %         20 %
 *     independently         0                        0          12 (20)           26 (41)     38 (57)      66 (157)
 *     in runs of two        1 to 9                   0.1 to 0.7 51 (76)           77 (114)    107 (142)    225 (410)
 *     in runs of five       44 to 91                 1 to 6     118 (215)         224 (381)   328 (15 % missed)   missed
 *
 * After the first 500 calls p is calibrated where failures come alone or in twos: p <= 1 % in at most 0.7 % of calls,
 * p <= 0.1 % in at most 0.15 %.
 */
import type { FindingDraft, Severity } from '../schema/finding.ts'
import { idOf } from '../schema/ids.ts'
import { quoteName } from '../schema/quote-name.ts'
import type { EventOutcome, Telemetry } from '../schema/telemetry.ts'
import { defineDetector } from './detector.ts'
import { causeOf } from './draft/cause.ts'
import { untrusted } from './draft/untrusted.ts'
import {
  ALARMED_SUM,
  absorb,
  type ErrorHistory,
  FAILURES,
  type Failure,
  findTool,
  learnedCalls,
  nextFailure,
  posteriorOf,
  STRETCH_LIMIT,
  type ToolRecord,
} from './error-spike/history.ts'
import { cusumTail } from './profile/bernoulli-cusum.ts'
import { betaBinomialTail, strengthFor } from './profile/beta-binomial.ts'

/** The largest tail probability that alerts. Extreme, because every call of every agent is a test. */
export const ALARM_P = 1e-7
/** The fewest failures in a stretch that alert. Sustained: a retry that fails twice is not an incident. */
const ALARM_FAILURES = 6
/** Calls learned from before anything is said about an agent. */
const READY_CALLS = 30
const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS
/** While a stretch lasts, it is told again after this long. */
const REPEAT_MS = DAY_MS
/** More calls than this teach nothing about tomorrow's rate: services change. */
const STRENGTH_LIMIT = 400
const NAME_LIMIT = 64

type Spike = ReturnType<typeof nextFailure> & { readonly p: number; readonly mean: number }

export const errorSpike = defineDetector<ErrorHistory>({
  id: 'error-spike',
  title: 'Tool error spike',
  catches:
    'A lasting rise of one kind of failure (error, timeout, rate limit, denial, refusal) of one tool of one agent above what is usual for it: probing of permissions, a broken or hostile tool, a runaway loop.',
  misses:
    'Rises that stay below about three times the usual rate, failures of an agent that has always failed, single failed attempts, and failures reported as success.',
  kind: 'baseline',
  version: 1,
  techniques: ['AML.T0133', 'AML.T0034.002'],
  owasp: ['LLM06:2025', 'LLM10:2025', 'ASI02', 'ASI08'],
  runbook: [
    'List the failed calls of the tool by this agent since stretch_from_ms: error types, arguments, and whether they are the same call again and again.',
    'Do other agents see failures of the same tool in the same minutes? Then the tool or its server is down: tell its owner.',
    'If only this agent sees them, compare arguments before and after the start: is it trying names, paths or scopes it never used before?',
    'For rate limits and timeouts look at the rate of calls: a loop is stopped by ending the session.',
  ],
  needs: ['tool'],
  uses: ['error_type'],
  severities: ['low', 'medium'],
  on: ['tool_call', 'retrieval'],
  scope: 'agent',
  stateVersion: 1,
  initial: () => ({ tools: [] }),

  check(event, state, { repeated }) {
    const failure = failureOf(event.outcome)
    if (failure === undefined || repeated === true || learnedByAgent(state) < READY_CALLS) {
      return []
    }
    const record = findTool(state, keyOf(event))
    const next = nextFailure(state, record, failure)
    const told = next.spokenMs > 0 && event.time_ms - next.spokenMs < REPEAT_MS
    if (told || next.failures < ALARM_FAILURES) {
      return []
    }
    const spike = measure(state, record, failure)
    return spike.p > ALARM_P ? [] : [findingOf(event, failure, spike, state, record)]
  },

  learn(event, state) {
    absorb(state, keyOf(event), failureOf(event.outcome), event.time_ms, false)
  },

  spoke(event, state) {
    absorb(state, keyOf(event), failureOf(event.outcome), event.time_ms, true)
  },
})

function failureOf(outcome: EventOutcome): Failure | undefined {
  return FAILURES.find((failure) => failure === outcome)
}

/** Tools by name, retrievals apart from them; names too long for a checkpoint by their hash. */
function keyOf(event: Telemetry): string {
  const name = event.tool?.name ?? ''
  const short = name.length <= NAME_LIMIT ? name : idOf(name)
  return `${event.operation === 'tool_call' ? 't' : 'r'}:${short}`
}

function learnedByAgent(state: Readonly<ErrorHistory>): number {
  return state.tools.reduce((calls, record) => calls + record.calls, 0)
}

/** How surprising the stretch of failures is that this failure would end. Exported for measuring calibration. */
export function measure(state: Readonly<ErrorHistory>, record: ToolRecord | undefined, failure: Failure): Spike {
  const next = nextFailure(state, record, failure)
  const { a, b } = posteriorOf(state, record, failure)
  const strength = Math.min(a + b, STRENGTH_LIMIT, strengthFor(next.dispersion, Math.max(next.calls, 20)))
  const scale = strength / (a + b)
  // A long stretch is judged by its share of failures in as many calls as a stretch may have before anybody is told.
  const trials = Math.min(next.calls, STRETCH_LIMIT)
  const failures = Math.round((next.failures * trials) / next.calls)
  // Once told, the sum is kept low so that the end is seen soon; while it stays up there, what was told still holds.
  const lasts = next.spokenMs > 0 && next.sum >= ALARMED_SUM
  const p = Math.max(
    lasts ? ALARM_P : cusumTail(next.sum, next.dispersion),
    betaBinomialTail(failures, trials, a * scale, b * scale),
  )
  return { ...next, p, mean: a / (a + b) }
}

const WORDS: Readonly<Record<Failure, string>> = {
  error: 'failed',
  timeout: 'timed out',
  rate_limited: 'were rate limited',
  denied: 'were denied',
  refused: 'were refused',
}

function findingOf(
  event: Telemetry,
  failure: Failure,
  spike: Spike,
  state: Readonly<ErrorHistory>,
  record: ToolRecord | undefined,
): FindingDraft {
  const tool = event.tool === null ? 'retrieval' : quoteName(event.tool.name)
  const usual = percent(spike.mean)
  const known = record?.kinds.find(({ kind }) => kind === failure)
  const calls = Math.round(record === undefined ? 0 : learnedCalls(record, known))
  const learnedMs = record === undefined ? 0 : Math.max(0, event.time_ms - record.firstMs)
  const observed = `${spike.failures} of the last ${spike.calls} calls ${WORDS[failure]}`
  return {
    cause: causeOf(`error-spike:${failure}`, event.tool?.name ?? 'retrieval'),
    severity: severityOf(spike, failure, event),
    confidence: 0.8,
    title: `Calls of ${tool} by an agent ${WORDS[failure]} unusually often`,
    reason: `${observed} when ${quoteName(event.agent.id)} called ${tool}; usually ${usual} do.`,
    observed,
    expected: `about ${usual}, from ${calls} calls in ${duration(learnedMs)} and ${counted(state.tools.length, 'tool')} of this agent`,
    silence: 'Close the alert as benign; told again only when the failures have ended and come back, or after a day.',
    p: spike.p,
    evidence: {
      ...(event.tool === null ? {} : { untrusted_tool: untrusted(event.tool.name) }),
      ...(event.error_type === undefined ? {} : { untrusted_error_type: untrusted(event.error_type) }),
      outcome: failure,
      failures: spike.failures,
      calls: spike.calls,
      usual_rate: Math.round(spike.mean * 10_000) / 10_000,
      learned_calls: calls,
      learned_days: Math.round(learnedMs / (DAY_MS / 10)) / 10,
      stretch_from_ms: spike.fromMs ?? event.time_ms,
      cusum: Math.round(spike.sum * 100) / 100,
      dispersion: Math.round(spike.dispersion * 100) / 100,
    },
    techniques: techniquesOf(failure, event),
  }
}

function percent(rate: number): string {
  return `${(rate * 100).toFixed(rate < 0.1 ? 1 : 0)} %`
}

function severityOf({ failures, calls }: Spike, failure: Failure, event: Telemetry): Severity {
  return failures >= calls / 2 || techniquesOf(failure, event).includes('AML.T0133') ? 'medium' : 'low'
}

/** What tools say to a caller who feels for what exists and what is allowed. */
const PROBING =
  /permission|forbidden|unauthori[sz]ed|access.?denied|not.?found|unknown|no.?such|schema|validation|invalid/i

/** A rate of failures alone names no technique; denials and probing answers do, and limits point to consumption. */
function techniquesOf(failure: Failure, event: Telemetry): string[] {
  if (failure === 'denied' || failure === 'refused' || (failure === 'error' && PROBING.test(event.error_type ?? ''))) {
    return ['AML.T0133']
  }
  return failure === 'rate_limited' ? ['AML.T0034.002'] : []
}

/** In the largest unit of which there are two. */
function duration(ms: number): string {
  if (ms >= 2 * DAY_MS) {
    return counted(Math.round(ms / DAY_MS), 'day')
  }
  return ms >= 2 * HOUR_MS ? counted(Math.round(ms / HOUR_MS), 'hour') : counted(Math.ceil(ms / MINUTE_MS), 'minute')
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}
