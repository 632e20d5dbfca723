/** Records joined to the event they belong to, whether it still waits or went out before. */
import type { Fragment } from '../../schema/fragment.ts'
import type { Telemetry } from '../../schema/telemetry.ts'
import { Contribution } from './contribution.ts'
import { type Children, type Draft, type Identity, leadOf, RANK, withContribution } from './draft.ts'
import type { Drafts } from './drafts.ts'
import { eventOf, judgedDifferently } from './event.ts'
import { chainAbove } from './identity.ts'
import { isNaming, isPairing } from './keys.ts'
import { type Lineage, lineageOf } from './lineage.ts'
import type { Memory } from './memory.ts'
import { childOf, foldChild, foldContent } from './merge.ts'
import type { AssembleOptions } from './options.ts'
import type { Output } from './output.ts'

export class Joining {
  readonly #options: AssembleOptions
  readonly #memory: Memory
  readonly #drafts: Drafts

  constructor(options: AssembleOptions, memory: Memory, drafts: Drafts) {
    this.#options = options
    this.#memory = memory
    this.#drafts = drafts
  }

  /**
   * Adds contributions to a draft. With `open`, one absorbed fragment among them is not counted yet: it leads an event
   * that has not gone out, or is `merged`.
   */
  join(
    draft: Draft,
    added: { readonly contributions: readonly Contribution[]; readonly children?: Children | undefined },
    open: boolean,
    output: Output,
  ): void {
    const before = this.#outgone(draft)
    const opens = open && before === undefined && !draft.open
    this.#drafts.change(draft, () => {
      for (const contribution of added.contributions) {
        addContribution(draft, contribution)
      }
      if (added.children !== undefined) {
        draft.children = foldChild(draft.children, added.children)
      }
      draft.open = draft.open || opens
    })
    for (const { fragment } of added.contributions) {
      if (fragment.signal === 'span' && fragment.span_id !== undefined) {
        const trace = this.#memory.knownTrace(fragment.tenant_id, fragment.trace_id)
        this.#memory.setDraft(trace, fragment.span_id, draft.seq)
      }
    }
    this.#settlePairs(draft)
    if (open && !opens) {
      output.count('merged')
    }
    if (before !== undefined) {
      this.#amend(draft, before, output)
    } else if (opens && draft.deadline_ms === undefined) {
      const [{ fragment }] = added.contributions as [Contribution]
      this.#drafts.arm(draft, fragment.observed_ms + this.#options.holdMs)
    }
  }

  /** Makes all of one draft part of another. `rankOf` says who speaks before whom. */
  absorb(owner: Draft, draft: Draft, rankOf: (contribution: Contribution) => number, output: Output): void {
    const { contributions, children, open, keys } = draft
    this.#drafts.drop(draft)
    this.join(
      owner,
      {
        contributions: contributions.map((contribution) => contribution.ranked(rankOf(contribution))),
        children,
      },
      open,
      output,
    )
    this.#drafts.addKeys(
      owner,
      keys.filter((key) => !isPairing(key) && !isNaming(key)),
    )
  }

  /**
   * A call that went out may turn out to be part of one above it whose span is still to come; an agent that was invoked, to
   * act for those who are named there.
   */
  watchAbove(draft: Draft, lineage = this.#lineageOf(draft)): void {
    const { fragment } = leadOf(draft)
    const isCall = fragment.role === 'event' && fragment.operation === 'tool_call'
    this.#drafts.watch(draft, isCall || isInvocation(fragment) ? lineage.gap : undefined)
  }

  /**
   * Who invoked an agent stands in spans that end, and come, after its own: the event goes out again with them, once, when
   * the root is there. Half a chain would begin with the wrong one.
   */
  lengthenChain(draft: Draft, nowMs: number, output: Output): void {
    const { fragment } = leadOf(draft)
    const { identity, event_id: eventId } = draft
    if (!isInvocation(fragment) || identity === undefined || eventId === undefined) {
      return
    }
    const lineage = this.#lineageOf(draft)
    if (lineage.gap !== undefined) {
      return
    }
    const trace = this.#memory.knownTrace(fragment.tenant_id, fragment.trace_id)
    const around = { memory: this.#memory, trace, lineage, nowMs }
    const chain = chainAbove(draft.contributions, identity.agent, around, identity.session_id)
    if (chain.length > identity.subject_chain.length) {
      this.#drafts.change(draft, () => {
        draft.identity = { ...identity, subject_chain: chain }
      })
      output.event(eventOf(draft, eventId, draft.identity as Identity, this.#options.clamp))
      output.count('amended')
    }
  }

  #lineageOf(draft: Draft): Lineage {
    const { fragment } = leadOf(draft)
    return lineageOf(fragment, this.#memory.knownTrace(fragment.tenant_id, fragment.trace_id))
  }

  #outgone(draft: Draft): Telemetry | undefined {
    return draft.event_id === undefined
      ? undefined
      : eventOf(draft, draft.event_id, draft.identity as Identity, this.#options.clamp)
  }

  #amend(draft: Draft, before: Telemetry, output: Output): void {
    const after = this.#outgone(draft) as Telemetry
    if (judgedDifferently(before, after)) {
      output.event(after)
      output.count('amended')
    }
    this.watchAbove(draft)
  }

  /** A span that has met its log record waits for no other, nor does a call that has met its request. */
  #settlePairs(draft: Draft): void {
    const events = draft.contributions.filter(({ fragment }) => fragment.role === 'event')
    if (events.length > 1) {
      this.#drafts.removeKeys(draft, isPairing)
    }
    if (events.length > 0 && draft.contributions.some(({ rank }) => rank === RANK.requested)) {
      this.#drafts.removeKeys(draft, isNaming)
    }
  }
}

/** An agent at work, as its own span tells it. */
export function isInvocation({ role, signal, operation }: Fragment): boolean {
  return role === 'event' && signal === 'span' && operation === 'agent_invoke'
}

function addContribution(draft: Draft, contribution: Contribution): void {
  const child = childOf(contribution.fragment)
  if (child !== undefined && contribution.rank < RANK.requested) {
    draft.children = foldChild(draft.children, child)
    return
  }
  const content = draft.contributions.find(({ rank }) => rank === RANK.content)
  if (contribution.rank === RANK.content && content !== undefined) {
    const folded = new Contribution(RANK.content, foldContent(content.fragment, contribution.fragment))
    draft.contributions = draft.contributions.map((known) => (known === content ? folded : known))
    return
  }
  draft.contributions = withContribution(draft.contributions, contribution) ?? draft.contributions
}
