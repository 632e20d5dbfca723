/** The way of a fragment: it finds its event or begins one, which waits, goes out, or turns out to be part of another. */
import type { Fragment } from '../../schema/fragment.ts'
import { idOf } from '../../schema/ids.ts'
import type { Contribution } from './contribution.ts'
import { type Draft, leadOf, newDraft, RANK } from './draft.ts'
import { callIdOfDraft, type Drafts } from './drafts.ts'
import { eventOf } from './event.ts'
import { namesItself, type Resolution, resolveIdentity } from './identity.ts'
import { isInvocation, Joining } from './joining.ts'
import { callIdOf, contentKey, NO_KEYS, nameKey, twinKeys } from './keys.ts'
import { type Lineage, lineageOf } from './lineage.ts'
import { keysOf, type Links, linksOf, sentKeys, withKeys } from './links.ts'
import { type Memory, nameModelHost, type Trace } from './memory.ts'
import type { AssembleOptions } from './options.ts'
import type { Output } from './output.ts'
import { carrierOf, hasReporterOf, isMcp, ownershipOf } from './owners.ts'
import type { SpanNode } from './span-node.ts'
import { Spoken } from './spoken.ts'

const NO_DRAFTS: readonly Draft[] = []

export class DraftFlow {
  readonly #options: AssembleOptions
  readonly #memory: Memory
  readonly #drafts: Drafts
  readonly #joining: Joining
  readonly #spoken: Spoken
  readonly #clock: { readonly value: number }

  constructor(options: AssembleOptions, memory: Memory, drafts: Drafts, clock: { readonly value: number }) {
    this.#options = options
    this.#memory = memory
    this.#drafts = drafts
    this.#joining = new Joining(options, memory, drafts)
    this.#spoken = new Spoken(options, drafts, this.#joining)
    this.#clock = clock
  }

  /** Takes in a fragment that is new; `node` is its place in the tree, when it is a span. */
  take(contribution: Contribution, trace: Trace | undefined, node: SpanNode | undefined, output: Output): void {
    const { fragment } = contribution
    const watchers = node === undefined ? NO_DRAFTS : this.#drafts.watching(fragment.tenant_id, node.trace, node.span)
    const draft = this.#place(contribution, trace, node, watchers.length > 0, output)
    this.#spoken.hear(fragment, trace, output)
    for (const watcher of watchers) {
      this.#wake(watcher, draft, output)
    }
    if (draft !== undefined && draft.event_id === undefined && (watchers.length === 0 || this.#drafts.has(draft))) {
      this.#settle(draft, undefined, undefined, output)
    }
  }

  /** The deadline of the draft has passed, or there is no room: it goes on with what is known. */
  conclude(draft: Draft, outcome: 'event' | 'event:early', output: Output): void {
    this.#settle(draft, outcome, undefined, output)
  }

  /** The draft that the fragment is part of now; a new one is taken up only when it must be found or wait. */
  #place(
    contribution: Contribution,
    trace: Trace | undefined,
    node: SpanNode | undefined,
    isWatchedFor: boolean,
    output: Output,
  ): Draft | undefined {
    const { fragment } = contribution
    if (fragment.role === 'context') {
      output.count('context')
      this.#spoken.content(fragment, trace, output)
      return undefined
    }
    const links = linksOf(fragment, trace)
    let known = this.#called(links)
    const reused = known !== undefined && hasReporterOf(known, fragment)
    known = known === undefined ? this.#met(fragment, trace, links) : reused ? undefined : known
    if (known !== undefined) {
      this.#joining.join(known, { contributions: [contribution] }, true, output)
      this.#drafts.addKeys(known, keysOf(fragment, trace, links, known))
      return known
    }
    const keys = keysOf(fragment, trace, links, undefined)
    const draft = newDraft(this.#drafts.nextSeq(), contribution, { open: true, keys, reused })
    if (node !== undefined) {
      // The node is new, too, and not persisted yet.
      node.draft = draft.seq
    }
    if (isWatchedFor) {
      this.#drafts.add(draft, fragment.observed_ms + this.#options.holdMs)
    }
    return draft
  }

  #called({ calls }: Links): Draft | undefined {
    return calls === NO_KEYS ? undefined : this.#drafts.byKey.newest(calls)
  }

  /** The draft that the fragment belongs to for another reason than its call's id. */
  #met(fragment: Fragment, trace: Trace | undefined, { callId, shared }: Links): Draft | undefined {
    const { byKey } = this.#drafts
    const sharing = shared === NO_KEYS ? undefined : byKey.newest(shared)
    if (fragment.role !== 'event') {
      return sharing
    }
    const { signal, span_id: span } = fragment
    let known = fragment.twin === undefined ? undefined : byKey.oldest(twinKeys(fragment, trace, signal))
    if (known === undefined && byKey.hasContents && signal === 'span' && trace !== undefined && span !== undefined) {
      known = byKey.newest([contentKey(fragment.tenant_id, trace.facts.id, span)])
    }
    if (known === undefined && byKey.hasRequests && fragment.operation === 'tool_call' && callId === undefined) {
      const name = nameKey(fragment, 'request')
      known = name === undefined ? undefined : byKey.oldest([name])
    }
    return (
      known ?? (sharing?.contributions.every(({ fragment: other }) => other.role !== 'event') ? sharing : undefined)
    )
  }

  /** The span that the draft watched for has come. `current` goes on by itself afterwards. */
  #wake(draft: Draft, current: Draft | undefined, output: Output): void {
    if (!this.#drafts.has(draft) || draft === current) {
      return
    }
    if (draft.event_id === undefined) {
      this.#settle(draft, undefined, current, output)
      return
    }
    const { fragment } = leadOf(draft)
    this.#joining.lengthenChain(draft, this.#clock.value, output)
    const owner = ownershipOf(draft, lineageOf(fragment, this.#traceOf(fragment)), this.#drafts)
    if (typeof owner === 'object' && owner.event_id === undefined) {
      const before = leadOf(draft).rank - 1
      this.#joining.absorb(draft, owner, (part) => (part.fragment.role === 'event' ? before : part.rank), output)
    }
    this.#joining.watchAbove(draft)
  }

  /** Sends the draft on its way if that is clear by now. With `conclude` it goes on in any case. */
  #settle(
    draft: Draft,
    conclude: 'event' | 'event:early' | undefined,
    current: Draft | undefined,
    output: Output,
  ): void {
    const { fragment, rank } = leadOf(draft)
    const trace = this.#traceOf(fragment)
    const lineage = lineageOf(fragment, trace)
    const owner = this.#ownerOf(draft, lineage, conclude !== undefined)
    if (owner === 'model') {
      this.#endAsTransport(draft, output)
      return
    }
    if (typeof owner === 'object') {
      this.#joinOwner(owner, draft, current, output)
      return
    }
    if (conclude === undefined && this.#awaitsOthers(draft, owner === 'unknown')) {
      this.#wait(draft, rank < RANK.requested ? lineage.gap : undefined)
      return
    }
    if (
      fragment.operation === undefined &&
      draft.contributions.every((part) => part.fragment.operation === undefined)
    ) {
      this.#expire(draft, output)
      return
    }
    const around = { memory: this.#memory, trace, lineage, nowMs: this.#clock.value }
    const resolution = resolveIdentity(draft.contributions, around, conclude !== undefined)
    if (resolution === undefined) {
      this.#wait(draft, lineage.gap)
    } else {
      this.#send(draft, resolution, lineage, conclude ?? 'event', output)
    }
  }

  #ownerOf(draft: Draft, lineage: ReturnType<typeof lineageOf>, concluded: boolean): ReturnType<typeof ownershipOf> {
    const owner = ownershipOf(draft, lineage, this.#drafts)
    if (owner !== 'unknown' || !concluded) {
      return owner
    }
    // A model call can last longer than its transport span is held. Its host is known from earlier calls.
    const { fragment } = leadOf(draft)
    const host = fragment.destinations?.[0]?.host
    if (fragment.transport === true && host !== undefined && fragment.service !== undefined) {
      const service = this.#memory.service(fragment.tenant_id, fragment.service.name, this.#clock.value)
      if (service.model_hosts?.includes(host)) {
        return 'model'
      }
    }
    return carrierOf(draft, lineage.ancestors, this.#drafts) ?? owner
  }

  /** Whether something other than identity is worth waiting for. */
  #awaitsOthers(draft: Draft, ownerUnknown: boolean): boolean {
    const { fragment, rank } = leadOf(draft)
    if (rank >= RANK.requested) {
      return true
    }
    if (fragment.role === 'part') {
      // What ended a call before it began is all that may ever be told of it.
      if (draft.contributions.some((part) => part.fragment.operation === 'tool_call' && namesItself(part.fragment))) {
        return false
      }
      return ownerUnknown || callIdOfDraft(draft) !== undefined || fragment.twin !== undefined
    }
    return ownerUnknown && isMcp(fragment) && !draft.contributions.some((other) => namesItself(other.fragment))
  }

  #wait(draft: Draft, gap: string | undefined): void {
    if (!this.#drafts.has(draft)) {
      this.#drafts.add(draft, draft.observed_ms + this.#options.holdMs)
    }
    this.#drafts.watch(draft, gap)
  }

  #joinOwner(owner: Draft, draft: Draft, current: Draft | undefined, output: Output): void {
    const inner = leadOf(owner).rank + 1
    this.#joining.absorb(owner, draft, (part) => (part.fragment.role === 'event' ? inner : part.rank), output)
    if (owner !== current && owner.event_id === undefined) {
      this.#settle(owner, undefined, current, output)
    }
  }

  #endAsTransport(draft: Draft, output: Output): void {
    const { fragment } = leadOf(draft)
    const host = fragment.destinations?.[0]?.host
    if (host !== undefined && fragment.service !== undefined) {
      const service = this.#memory.service(fragment.tenant_id, fragment.service.name, this.#clock.value)
      if (nameModelHost(service, host)) {
        this.#memory.changedService(service)
      }
    }
    output.count('model_transport')
    this.#drafts.drop(draft)
  }

  /** Its call did not show in time. When it shows later, the part is still there. */
  #expire(draft: Draft, output: Output): void {
    output.count('expired:no-call')
    if (draft.keys.length === 0 || !this.#drafts.has(draft)) {
      this.#drafts.drop(draft)
      return
    }
    this.#drafts.change(draft, () => {
      draft.open = false
    })
    this.#drafts.watch(draft, undefined)
    this.#drafts.arm(draft, undefined)
  }

  #send(
    draft: Draft,
    resolution: Resolution,
    lineage: Lineage,
    outcome: 'event' | 'event:early',
    output: Output,
  ): void {
    const { identity } = resolution
    const eventId = eventIdOf(draft, identity.session_id)
    const event = eventOf(draft, eventId, identity, this.#options.clamp)
    output.event(event)
    output.count(draft.open ? outcome : 'synthesized')
    this.#remember(draft, resolution)
    const invokedBelow = lineage.gap !== undefined && isInvocation(leadOf(draft).fragment)
    if (!invokedBelow && !isAmendable(draft)) {
      this.#drafts.drop(draft)
      return
    }
    identity.time_ms = event.time_ms
    this.#drafts.change(draft, () => {
      draft.event_id = eventId
      draft.identity = identity
      draft.open = false
    })
    const keys = sentKeys(draft, identity.session_id)
    if (this.#drafts.has(draft)) {
      this.#drafts.arm(draft, undefined)
      this.#drafts.addKeys(draft, keys)
    } else {
      draft.keys = withKeys(draft.keys, keys)
      this.#drafts.add(draft, undefined)
    }
    this.#joining.watchAbove(draft, lineage)
  }

  /** What was given stays, and a principal is known to the whole session. */
  #remember(draft: Draft, { identity: { agent, session_id }, fallback }: Resolution): void {
    const { fragment } = leadOf(draft)
    const principal = fragment.session_id === undefined ? fragment.principal : undefined
    if (!fallback && principal === undefined) {
      return
    }
    const trace = this.#traceOf(fragment)
    if (fallback && trace !== undefined && trace.facts.given === undefined) {
      trace.facts.given = agent
      this.#memory.changedTrace(trace)
    }
    const session = this.#memory.session(draft.tenant, session_id, this.#clock.value)
    const { given, principal: known } = session
    if (fallback) {
      session.given ??= agent
    }
    if (principal !== undefined) {
      session.principal ??= principal
    }
    if (session.given !== given || session.principal !== known) {
      this.#memory.changedSession(session)
    }
  }

  #traceOf(fragment: Fragment): Trace | undefined {
    return this.#memory.knownTrace(fragment.tenant_id, fragment.trace_id)
  }
}

/**
 * The id of an event. A call that has an id of its own gets the same whichever of its records comes first, or comes
 * again after it was forgotten; all others get that of the record that stands for them.
 */
function eventIdOf(draft: Draft, sessionId: string): string {
  const { fragment, rank } = leadOf(draft)
  const isCall = fragment.operation === 'tool_call' || fragment.role === 'part'
  const callId = rank < RANK.part ? callIdOf(fragment) : callIdOfDraft(draft)
  return callId === undefined || !isCall || draft.reused === true
    ? fragment.fragment_id
    : idOf(draft.tenant, 'call', sessionId, callId)
}

/** Whether anything that may still come could add to it. */
function isAmendable(draft: Draft): boolean {
  return draft.contributions.some(({ fragment: { operation, twin, content } }) => {
    switch (operation) {
      case 'tool_call':
      case 'retrieval':
      case 'token_request':
      case 'egress':
        return true
      case 'model_call':
        // Content comes in log records of its own where the span has none.
        return twin !== undefined || (content?.prompt === undefined && content?.output === undefined)
      default:
        return twin !== undefined
    }
  })
}
