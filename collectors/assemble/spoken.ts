/** What was said about events beside their own records: messages in logs, calls in the outputs and inputs of models. */
import type { Fragment, RequestedCall } from '../../schema/fragment.ts'
import { answeredContribution, isAnotherCall, isNews, requestedContribution } from './calls.ts'
import { Contribution } from './contribution.ts'
import { type Draft, newDraft, RANK } from './draft.ts'
import type { Drafts } from './drafts.ts'
import type { Joining } from './joining.ts'
import { callIdOf, callKeys, contentKey, nameKey } from './keys.ts'
import type { Trace } from './memory.ts'
import type { AssembleOptions } from './options.ts'
import type { Output } from './output.ts'

export class Spoken {
  readonly #options: AssembleOptions
  readonly #drafts: Drafts
  readonly #joining: Joining

  constructor(options: AssembleOptions, drafts: Drafts, joining: Joining) {
    this.#options = options
    this.#drafts = drafts
    this.#joining = joining
  }

  /** The calls that the fragment, a model's, asks for and was given the results of. */
  hear(model: Fragment, trace: Trace | undefined, output: Output): void {
    for (const call of model.requested_calls ?? []) {
      this.#request(model, trace, call, output)
    }
    for (const call of model.answered_calls ?? []) {
      this.#answer(model, trace, call, output)
    }
  }

  /** Messages that are logged beside the span they were written in belong to its event. */
  content(fragment: Fragment, trace: Trace | undefined, output: Output): void {
    const says = fragment.content !== undefined || fragment.prompt_id !== undefined || fragment.integrity !== undefined
    if (!says || fragment.signal !== 'log' || trace === undefined || fragment.span_id === undefined) {
      return
    }
    const contribution = new Contribution(RANK.content, fragment)
    const node = trace.spans.get(fragment.span_id)?.value
    const key = contentKey(fragment.tenant_id, trace.facts.id, fragment.span_id)
    const known = node === undefined ? this.#drafts.byKey.newest([key]) : this.#drafts.bySeq(node.draft)
    if (known !== undefined) {
      this.#joining.join(known, { contributions: [contribution] }, false, output)
    } else if (node === undefined) {
      this.#drafts.add(this.#spoken(contribution, [key]), undefined)
    }
  }

  /** A model asked for a call. When no record of the call comes in time, the request is all there is of it. */
  #request(model: Fragment, trace: Trace | undefined, call: RequestedCall, output: Output): void {
    const contribution = requestedContribution(model, call)
    const callId = callIdOf(contribution.fragment)
    if (callId === undefined) {
      return
    }
    const keys = callKeys(contribution.fragment, trace, callId)
    const known = this.#drafts.byKey.newest(keys)
    const another = known !== undefined && isAnotherCall(known, call)
    if (known?.contributions.some(({ rank }) => rank === RANK.requested) && !another) {
      return
    }
    const nameless = nameKey(contribution.fragment, 'call')
    const claimed = another || nameless === undefined ? undefined : this.#drafts.byKey.oldest([nameless])
    if (known === undefined || another) {
      if (claimed === undefined) {
        this.#await(this.#spoken(contribution, keys, another), contribution)
      } else {
        this.#joining.join(claimed, { contributions: [contribution] }, false, output)
        this.#drafts.addKeys(claimed, keys)
      }
      return
    }
    this.#joining.join(known, { contributions: [contribution] }, false, output)
    if (known.event_id === undefined && known.contributions.every(({ fragment }) => fragment.role !== 'event')) {
      if (claimed === undefined) {
        this.#await(known, contribution)
      } else {
        // What was known of the call were its parts or its answer; here is the record of the call itself.
        this.#joining.absorb(claimed, known, ({ rank }) => rank, output)
      }
    }
  }

  /** Lets a request wait for the record of its call, to be found by its id or the tool's name. */
  #await(draft: Draft, { fragment }: Contribution): void {
    const name = nameKey(fragment, 'request')
    const deadlineMs = fragment.observed_ms + this.#options.holdMs
    if (!this.#drafts.has(draft)) {
      this.#drafts.add(draft, deadlineMs)
    } else if (draft.deadline_ms === undefined) {
      this.#drafts.arm(draft, deadlineMs)
    }
    if (name !== undefined) {
      this.#drafts.addKeys(draft, [name])
    }
  }

  /** The answer may be told before the request: spans of tools end before that of the model call around them. */
  #answer(model: Fragment, trace: Trace | undefined, call: RequestedCall, output: Output): void {
    const contribution = answeredContribution(model, call)
    const callId = callIdOf(contribution.fragment)
    if (callId === undefined) {
      return
    }
    const keys = callKeys(contribution.fragment, trace, callId)
    const known = this.#drafts.byKey.newest(keys)
    if (known === undefined) {
      this.#drafts.add(this.#spoken(contribution, keys), undefined)
    } else if (isNews(known, call)) {
      this.#joining.join(known, { contributions: [contribution] }, false, output)
    }
  }

  /** A draft that begins with what was said about an event, not with a fragment that is to be counted. */
  #spoken(contribution: Contribution, keys: readonly string[], reused = false): Draft {
    return newDraft(this.#drafts.nextSeq(), contribution, { open: false, keys, reused })
  }
}
