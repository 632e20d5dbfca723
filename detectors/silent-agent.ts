/**
 * An agent that was heard of regularly fell silent, or its instrumentation did: its service goes on sending requests, and
 * nothing is heard of the tools and models that should stand around them.
 *
 * Event time is the only clock, so a silence is told by what ends it: the agent's own next telemetry, or its bare
 * requests (`docs/decisions/0015-silence.md`).
 */
import type { FindingDraft } from '../schema/finding.ts'
import { quoteName } from '../schema/quote-name.ts'
import type { Telemetry } from '../schema/telemetry.ts'
import { defineDetector } from './detector.ts'
import { untrusted } from './draft/untrusted.ts'
import {
  beginAnew,
  heard,
  isNewMinute,
  isRegular,
  isToldLately,
  longestPauseMs,
  longestRun,
  newRhythm,
  type Rhythm,
  requested,
} from './silent-agent/rhythm.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000
/** So many times longer than ever in the last weeks. */
const PAUSE_TIMES = 3
const SHORTEST_SILENCE_MS = 24 * HOUR_MS
const RUN_TIMES = 5
const SHORTEST_RUN = 10
/** Since the last telemetry. */
const SHORTEST_RUN_MS = 30 * MINUTE_MS

export const silentAgent = defineDetector<Rhythm>({
  id: 'silent-agent',
  title: 'Agent or its instrumentation gone quiet',
  catches:
    'An agent, regular over at least eight days, whose service goes on sending requests while nothing is heard of its tools and models; and one that comes back after a silence of a day or more, three times longer than any of the last four weeks.',
  misses:
    'An agent that never comes back and sends nothing (its last_seen tells), silences of agents that are irregular or new, and instrumentation that leaves out only some of the calls.',
  kind: 'integrity',
  version: 1,
  techniques: ['AML.T0025'],
  owasp: ['ASI10'],
  runbook: [
    'Compare the time of the event with silent_since_ms: was the service deployed, restarted or configured anew then, and by whom?',
    'Read the logs of the service and its egress for the time between: what did the agent do that was not told?',
    'Send one known request through the agent: do its tool and model calls arrive? If not, repair or end it before it acts on.',
  ],
  needs: [['tool', 'integrity.model', 'destinations']],
  severities: ['low', 'medium'],
  on: ['tool_call', 'model_call', 'retrieval', 'agent_invoke', 'egress'],
  scope: 'agent',
  stateVersion: 1,
  initial: newRhythm,

  check(event, state) {
    if (!isRegular(state)) {
      return []
    }
    return event.operation === 'egress' ? bareRequests(event, state) : comeBack(event, state)
  },

  learn(event, state) {
    return event.operation === 'egress' ? requested(state, event.time_ms) : heard(state, event.time_ms)
  },

  spoke(event, state) {
    if (event.operation === 'egress') {
      requested(state, event.time_ms)
      state.toldMs = event.time_ms
    } else {
      beginAnew(state, event.time_ms)
    }
    return true
  },
})

function bareRequests(event: Telemetry, state: Readonly<Rhythm>): readonly FindingDraft[] {
  const run = state.run + 1
  const usual = longestRun(state)
  const silentMs = event.time_ms - state.lastMs
  if (
    isToldLately(state, event.time_ms) ||
    !isNewMinute(state, event.time_ms) ||
    run < Math.max(SHORTEST_RUN, RUN_TIMES * usual) ||
    silentMs < SHORTEST_RUN_MS
  ) {
    return []
  }
  const name = quoteName(event.agent.id)
  const host = event.destinations[0]?.host
  return [
    {
      cause: 'requests-without-telemetry',
      severity: 'medium',
      confidence: 0.6,
      title: 'Agent sends requests while its instrumentation is quiet',
      reason: `The service of ${name} sent requests in ${run} minutes over ${spanOf(silentMs)} in which nothing was heard of its tools and models.`,
      observed: `${run} minutes with requests in a row, without a tool or model call between`,
      expected: `at most ${usual} in the last four weeks`,
      silence: 'Close the alert as benign when the service sends requests of its own; it is told once a week at most.',
      evidence: {
        silent_since_ms: state.lastMs,
        minutes_with_requests: run,
        usual_minutes: usual,
        observed_minutes: state.minutes,
        ...(host === undefined ? {} : { untrusted_destination: untrusted(host) }),
      },
      techniques: ['AML.T0025'],
    },
  ]
}

function comeBack(event: Telemetry, state: Readonly<Rhythm>): readonly FindingDraft[] {
  const silentMs = event.time_ms - state.lastMs
  const usualMs = longestPauseMs(state)
  if (silentMs < Math.max(SHORTEST_SILENCE_MS, PAUSE_TIMES * usualMs)) {
    return []
  }
  return [
    {
      cause: 'silence',
      severity: 'low',
      confidence: 0.4,
      title: 'Agent was silent for far longer than it ever is',
      reason: `Nothing was heard of ${quoteName(event.agent.id)} for ${spanOf(silentMs)}; its longest pause in the last four weeks was ${spanOf(usualMs)}.`,
      observed: `a silence of ${spanOf(silentMs)}`,
      expected: `pauses of at most ${spanOf(usualMs)}`,
      silence: 'Close the alert as benign when the agent was meant to rest; its rhythm is learned anew from now on.',
      evidence: {
        silent_since_ms: state.lastMs,
        silent_hours: Math.round(silentMs / HOUR_MS),
        usual_hours: Math.round((10 * usualMs) / HOUR_MS) / 10,
        observed_minutes: state.minutes,
      },
      techniques: [],
    },
  ]
}

/** `50 minutes`, `7 hours`, `12 days`. */
function spanOf(ms: number): string {
  const [unit, name] =
    ms < 2 * HOUR_MS ? [MINUTE_MS, 'minutes'] : ms < 48 * HOUR_MS ? [HOUR_MS, 'hours'] : [24 * HOUR_MS, 'days']
  return `${Math.round(ms / (unit as number))} ${name}`
}
