/**
 * Every record ends in one counted outcome: nothing disappears without a name. This is the only list of the names,
 * and the ledger that health, metrics and tests read:
 *
 *     records received = ends at collect and assemble + records in flight
 *     events made      = ends at detect + events in flight
 */
import type { OutcomeCounts } from './stage.ts'

export interface OutcomeFacts {
  /** What it means, for docs and health. */
  readonly sentence: string
  /** `input`: one record that the stage took in ends here. `output`: one record that it made besides, of no input. */
  readonly counts: 'input' | 'output'
}

/**
 * By stage, `collect` being the doors and what fetches, where a request or message whose records never became known
 * counts as one. `name:*` is a family: what stands for `*` is a reason, kebab-case, of which only so many are told apart.
 */
export const OUTCOMES = {
  collect: {
    'rejected:*': {
      counts: 'input',
      sentence:
        'Could not be decoded or read, or may not be sent here; the sender was told. What was fetched has no sender: ' +
        'where nothing of a message can be read, it went to the dead letters.',
    },
    'ignored:*': { counts: 'input', sentence: 'Is not telemetry of an agent, or of a kind that is not used.' },
    'refused:*': {
      counts: 'input',
      sentence: 'Was not taken; the sender was told to come back with it, or it will be fetched again.',
    },
  },
  assemble: {
    event: { counts: 'input', sentence: 'Became an event, or its leading part, and went on.' },
    'event:early': { counts: 'input', sentence: 'The same, before its deadline, because too much was held.' },
    merged: { counts: 'input', sentence: 'Became part of another event.' },
    context: { counts: 'input', sentence: 'Said something about a session or agent, which is remembered.' },
    model_transport: { counts: 'input', sentence: 'Carried a model call that has an event of its own.' },
    duplicate: { counts: 'input', sentence: 'Was there before: a retry of the sender.' },
    'expired:*': { counts: 'input', sentence: 'Waited for its other parts until the deadline, in vain.' },
    'rejected:*': { counts: 'input', sentence: 'Could not be processed and went to the dead letters.' },
    tick: { counts: 'output', sentence: 'Moved stream time on; made by the stage itself.' },
    synthesized: { counts: 'output', sentence: 'An event made of what others said about it.' },
    amended: { counts: 'output', sentence: 'An event sent again because more became known.' },
  },
  detect: {
    judged: { counts: 'input', sentence: 'Was judged by every detector that it concerns.' },
    repeated: { counts: 'input', sentence: 'Was known already, and was judged without being learned from again.' },
    'rejected:*': { counts: 'input', sentence: 'Could not be processed and went to the dead letters.' },
  },
  correlate: {
    alerted: { counts: 'input', sentence: 'Opened an alert, or let it be told again.' },
    noted: { counts: 'input', sentence: 'A mark: a fact that judging whole sessions needs, and no opinion.' },
    absorbed: {
      counts: 'input',
      sentence: 'Joined what is known of its session, which was told already or needs no telling.',
    },
    'rejected:*': { counts: 'input', sentence: 'Could not be processed and went to the dead letters.' },
  },
} as const satisfies Record<string, Record<string, OutcomeFacts>>

/** Outcomes of assemble that say that an event was made. */
const EVENTS_MADE: ReadonlySet<string> = new Set(['event', 'event:early', 'synthesized', 'amended'])

/** Reasons of one family that are told apart; they are ours, but a mistake must not grow without bound. */
const MAX_REASONS = 100
const REASON = /^[a-z0-9][a-z0-9._-]{0,63}$/

/** One line of the ledger: received or made, ended, and on the way between. */
export interface Balance {
  readonly received: number
  readonly ended: number
  /** Negative only when something was counted twice. */
  readonly inFlight: number
}

export class OutcomeLedger {
  readonly #received = new Map<string, number>()
  readonly #outcomes = new Map<string, Map<string, number>>()
  readonly #unknown = new Set<string>()
  #carriedRecords = 0
  #carriedEvents = 0

  /** What came through a door, before anything is known about it. */
  received(signal: string, records: number): void {
    this.#received.set(signal, (this.#received.get(signal) ?? 0) + records)
  }

  /**
   * What was in flight when this process began, so that its ends balance: fragments on the bus and held by assemble,
   * and events on the bus.
   */
  carryOver(inFlight: { readonly records: number; readonly events: number }): void {
    this.#carriedRecords += inFlight.records
    this.#carriedEvents += inFlight.events
  }

  /** Counts one outcome. A name outside the catalogue is counted all the same, and kept in `unknown`. */
  count(stage: string, outcome: string, records: number): void {
    const counts = this.#outcomes.get(stage) ?? new Map<string, number>()
    this.#outcomes.set(stage, counts)
    const name = this.#nameOf(stage, outcome, counts)
    counts.set(name, (counts.get(name) ?? 0) + records)
  }

  /** Counts what a stage made of a batch; the loop calls it after each commit. */
  add(stage: string, outcomes: OutcomeCounts): void {
    for (const [outcome, records] of outcomes) {
      this.count(stage, outcome, records)
    }
  }

  /** Records that came in, and where they are. */
  get records(): Balance {
    const received = sum(this.#received.values()) + this.#carriedRecords
    const ended = this.#ended('collect') + this.#ended('assemble')
    return { received, ended, inFlight: received - ended }
  }

  /** Events that assemble made, and where they are. */
  get events(): Balance {
    let received = this.#carriedEvents
    for (const [outcome, records] of this.#outcomes.get('assemble') ?? []) {
      received += EVENTS_MADE.has(outcome) ? records : 0
    }
    const ended = this.#ended('detect')
    return { received, ended, inFlight: received - ended }
  }

  get receivedBySignal(): ReadonlyMap<string, number> {
    return this.#received
  }

  get outcomes(): ReadonlyMap<string, OutcomeCounts> {
    return this.#outcomes
  }

  /** `stage outcome` of names that the catalogue does not have: a bug, which tests and health look for. */
  get unknown(): ReadonlySet<string> {
    return this.#unknown
  }

  #ended(stage: string): number {
    let ended = 0
    for (const [outcome, records] of this.#outcomes.get(stage) ?? []) {
      ended += outcomeFacts(stage, outcome)?.counts === 'output' ? 0 : records
    }
    return ended
  }

  #nameOf(stage: string, outcome: string, counts: ReadonlyMap<string, number>): string {
    if (counts.has(outcome)) {
      return outcome
    }
    const [family, reason] = splitOnce(outcome)
    if (outcomeFacts(stage, outcome) === undefined) {
      if (this.#unknown.size < MAX_REASONS) {
        this.#unknown.add(`${stage} ${outcome}`)
      }
      return 'unknown'
    }
    return reason === undefined || (REASON.test(reason) && counts.size < MAX_REASONS) ? outcome : `${family}:other`
  }
}

/** What the catalogue says of an outcome, or `undefined` when it does not know it. */
export function outcomeFacts(stage: string, outcome: string): OutcomeFacts | undefined {
  const known: Readonly<Record<string, OutcomeFacts>> | undefined = Object.hasOwn(OUTCOMES, stage)
    ? OUTCOMES[stage as keyof typeof OUTCOMES]
    : undefined
  const name = [outcome, `${splitOnce(outcome)[0]}:*`].find((candidate) => known && Object.hasOwn(known, candidate))
  return name === undefined ? undefined : known?.[name]
}

function splitOnce(outcome: string): readonly [string, string | undefined] {
  const colon = outcome.indexOf(':')
  return colon < 0 ? [outcome, undefined] : [outcome.slice(0, colon), outcome.slice(colon + 1)]
}

function sum(numbers: Iterable<number>): number {
  let total = 0
  for (const number of numbers) {
    total += number
  }
  return total
}
