/** An event in the making, or one that went out and can still be amended. */
import type { Fragment } from '../../schema/fragment.ts'
import type { Agent, Dataset, Destination, Subject, Volume } from '../../schema/telemetry.ts'
import type { Contribution } from './contribution.ts'
import type { Entry } from './ledger.ts'

/**
 * Who speaks first: the span of the event, outermost first (a call nested in the call that it is part of has a rank
 * one higher), then its log record, then parts, then what models said about the call.
 */
export const RANK = { span: 0, mcpSpan: 10, log: 20, part: 40, content: 50, requested: 60, answered: 70 } as const

/** What transport and database spans below an event add to it, folded, for there can be thousands. */
export interface Children {
  destinations: readonly Destination[]
  dataset_scope: readonly Dataset[]
  volume: Volume
}

/** Who, where and when, as it went out; an amendment says the same, since consumers find events by them. */
export interface Identity {
  /** Set once it went out. */
  time_ms: number | undefined
  readonly agent: Agent
  readonly session_id: string
  readonly subject_chain: readonly Subject[]
  readonly prompt_id: string | undefined
}

/** Every field is there from the beginning, if only as `undefined`: there are many drafts, and alike they are fast. */
export interface Draft {
  /** Unique, rising with arrival. */
  readonly seq: number
  readonly tenant: string
  /** When its first fragment came. */
  readonly observed_ms: number
  /** By rank, then by fragment id. Empty never. */
  contributions: readonly Contribution[]
  children: Children | undefined
  /** An absorbed fragment in it has not been counted yet. */
  open: boolean
  /** Stream time at which it goes on with what is known; absent when it waits for nothing. */
  deadline_ms: number | undefined
  /** Order among those with the same deadline. */
  armed: number | undefined
  /** The unknown ancestor whose arrival may settle it. */
  gap: string | undefined
  /** What other fragments find it by. */
  keys: readonly string[]
  /** Its call id was used before in the session, for another call: the id says nothing about which event this is. */
  readonly reused: boolean
  /** Set when it went out. */
  event_id: string | undefined
  identity: Identity | undefined
  /** Where `Drafts` keeps it; absent when it does not. Not persisted. */
  place: Place | undefined
}

/** Where a draft is kept. */
export interface Place {
  entry: Entry<Draft>
  /** On the shelf of what waits for a deadline; else on that of what is remembered. */
  waiting: boolean
  /** See `textOf`. */
  text: number
  /** The trace that it is looked for in; changes when a record with another trace comes to speak first. */
  trace: string
}

/** A draft that is not kept yet. */
export function newDraft(
  seq: number,
  contribution: Contribution,
  about: { readonly open: boolean; readonly keys: readonly string[]; readonly reused: boolean },
): Draft {
  return {
    seq,
    tenant: contribution.fragment.tenant_id,
    observed_ms: contribution.fragment.observed_ms,
    contributions: [contribution],
    children: undefined,
    open: about.open,
    deadline_ms: undefined,
    armed: undefined,
    gap: undefined,
    keys: about.keys,
    reused: about.reused,
    event_id: undefined,
    identity: undefined,
    place: undefined,
  }
}

/** Fragments of one event that are kept one by one; what comes above is counted as merged and its content lost. */
const CONTRIBUTION_LIMIT = 16

/** The contributions with one more, in order; `undefined` when there is no room. */
export function withContribution(
  contributions: readonly Contribution[],
  added: Contribution,
): readonly Contribution[] | undefined {
  if (contributions.length >= CONTRIBUTION_LIMIT) {
    return undefined
  }
  return [...contributions, added].sort(byRank)
}

function byRank(a: Contribution, b: Contribution): number {
  return a.rank - b.rank || (a.fragment.fragment_id < b.fragment.fragment_id ? -1 : 1)
}

/** The contribution that speaks first. */
export function leadOf(draft: Draft): Contribution {
  return draft.contributions[0] as Contribution
}

export function rankOf(fragment: Fragment): number {
  if (fragment.role === 'context') {
    return RANK.content
  }
  if (fragment.role === 'part') {
    return RANK.part
  }
  if (fragment.signal === 'log') {
    return RANK.log
  }
  return fragment.dialect === 'mcp' ? RANK.mcpSpan : RANK.span
}

/** UTF-16 units of content that the draft keeps in memory. */
export function textOf(draft: Draft): number {
  let units = 0
  for (const { fragment } of draft.contributions) {
    const { content } = fragment
    units += 512
    if (content !== undefined) {
      units +=
        (content.prompt?.length ?? 0) +
        (content.arguments?.length ?? 0) +
        (content.result?.length ?? 0) +
        (content.output?.length ?? 0) +
        (content.system_prompt?.length ?? 0)
    }
  }
  return units
}
