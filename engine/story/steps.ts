/**
 * The words in which an alert tells what happened in a session, step by step. A finding says what kind of step it is by
 * its ATLAS techniques, so that the words need no detector's name.
 */
import type { AlertKind, Finding } from '../../schema/finding.ts'
import { quoteName } from '../../schema/quote-name.ts'
import { type Findings, piecesOf, worstOf } from './evidence.ts'

/** What a technique is called in a story. Of a finding's techniques the one that stands first here tells most. */
const STEPS: ReadonlyMap<string, string> = new Map([
  ['AML.T0056', 'system prompt sought'],
  ['AML.T0051', 'poisoned content'],
  ['AML.T0099', 'poisoned content'],
  ['AML.T0110', 'changed tool'],
  ['AML.T0109', 'changed tool'],
  ['AML.T0081', 'changed agent'],
  ['AML.T0018', 'changed agent'],
  ['AML.T0080', 'changed memory'],
  ['AML.T0103', 'agent created'],
  ['AML.T0118', 'misuse of another agent'],
  ['AML.T0073', 'false identity'],
  ['AML.T0101', 'destruction'],
  ['AML.T0048', 'harm to others'],
  ['AML.T0086', 'data sent out'],
  ['AML.T0025', 'data sent out'],
  ['AML.T0077', 'data sent out'],
  ['AML.T0098', 'credentials sought'],
  ['AML.T0012', 'misuse of an account'],
  ['AML.T0091', 'misuse of an account'],
  ['AML.T0085', 'data collected'],
  ['AML.T0036', 'data collected'],
  ['AML.T0057', 'data leaked'],
  ['AML.T0034', 'resources used up'],
  ['AML.T0029', 'resources used up'],
  ['AML.T0133', 'probing'],
  ['AML.T0053', 'tool misused'],
])

/** For findings that name no technique of the table. */
const STEP_OF_KIND: Readonly<Record<AlertKind, string>> = {
  policy: 'policy broken',
  content: 'suspicious content',
  integrity: 'changed agent',
  baseline: 'unusual behavior',
  rule: 'rule matched',
  correlation: 'dangerous combination',
}

/** The most steps that a title or reason names; what lies between the first ones and the last is left out. */
const MOST_STEPS = 4
const REASON_LIMIT = 1000

function stepOf({ techniques, kind }: Finding): string {
  const known = new Set(techniques.map((id) => id.slice(0, 'AML.T0000'.length)))
  return [...STEPS].find(([technique]) => known.has(technique))?.[1] ?? STEP_OF_KIND[kind]
}

/** One step of a story: what happened first of its kind, in event time. */
interface Step {
  readonly word: string
  readonly finding: Finding
}

/** The steps that independent evidence shows, each word once, in the order of event time. */
function stepsOf(findings: readonly Finding[]): readonly Step[] {
  const steps = new Map<string, Step>()
  const shown = piecesOf(findings).map((piece) => worstOf(piece))
  for (const finding of shown.sort((one, other) => one.time_ms - other.time_ms)) {
    const word = stepOf(finding)
    if (!steps.has(word)) {
      steps.set(word, { word, finding })
    }
  }
  const all = [...steps.values()]
  return all.length <= MOST_STEPS ? all : [...all.slice(0, MOST_STEPS - 1), ...all.slice(-1)]
}

/** Title and reason of an alert, and whether they are made of several steps. */
export interface Telling {
  readonly title: string
  readonly reason: string
  readonly isComposite: boolean
}

/**
 * Tells what findings of one session come to: as the worst of them does while there is one step, else in fixed words, step
 * by step.
 *
 * @param count how many findings there were, those not kept included.
 */
export function tell(findings: Findings, count: number): Telling {
  const worst = worstOf(findings)
  const steps = stepsOf(findings)
  if (steps.length < 2) {
    return { title: worst.title, reason: worst.reason, isComposite: false }
  }
  const agents = new Set(findings.map(({ agent }) => agent.id)).size
  const told = steps.map(({ word }) => word).join(', then ')
  const path = steps.map(({ word, finding }) => `${word} (${finding.detector}, ${quoteName(finding.agent.id)})`)
  const reason = `In one session, in this order: ${path.join(', then ')}. ${worst.reason}`
  return {
    title: `${told.charAt(0).toUpperCase()}${told.slice(1)}: ${agents === 1 ? '' : `${agents} agents, `}${count} findings`,
    reason: reason.length <= REASON_LIMIT ? reason : `${reason.slice(0, REASON_LIMIT - 3)}...`,
    isComposite: true,
  }
}
