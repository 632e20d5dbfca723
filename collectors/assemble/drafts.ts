/** All drafts: those that wait for relatives or time, and those that went out and can still be amended. */

import { type Draft, leadOf, type Place, textOf } from './draft.ts'
import { DRAFT_FORM } from './draft-form.ts'
import { Deadlines } from './held.ts'
import { KeyIndex, type KeyReader } from './key-index.ts'
import { callIdOf } from './keys.ts'
import type { Entry, Ledger, Shelf } from './ledger.ts'
import type { AssembleOptions } from './options.ts'

const NO_DRAFTS: readonly Draft[] = []

/** Finds, arms and forgets drafts. Decides nothing about them. */
export class Drafts {
  readonly #options: AssembleOptions
  readonly #waiting: Shelf<Draft>
  readonly #remembered: Shelf<Draft>
  readonly #bySeq = new Map<number, Draft>()
  readonly #keys = new KeyIndex()
  /** By trace, then by the span that is watched for. */
  readonly #byGap = new Map<string, Map<string, Set<Draft>>>()
  readonly #byTrace = new Map<string, Set<Draft>>()
  readonly #deadlines = new Deadlines<Draft>()
  readonly #traceKeys = new TraceKeys()
  readonly #seq: { value: number }
  readonly #armed: { value: number }
  #waitingText = 0
  #rememberedText = 0
  #open = 0

  constructor(ledger: Ledger, options: AssembleOptions) {
    this.#options = options
    this.#waiting = ledger.shelf('waiting', DRAFT_FORM)
    this.#remembered = ledger.shelf('remembered', DRAFT_FORM)
    this.#seq = ledger.counter('seq')
    this.#armed = ledger.counter('armed')
    const waiting = [...this.#waiting.values()]
    for (const entry of [...waiting, ...this.#remembered.values()].sort((a, b) => a.value.seq - b.value.seq)) {
      this.#index(entry)
    }
    for (const { value } of waiting.sort((a, b) => (a.value.armed ?? 0) - (b.value.armed ?? 0))) {
      this.#deadlines.add(value)
    }
  }

  /** Fragments absorbed and not yet counted. */
  get open(): number {
    return this.#open
  }

  get sizes(): { readonly waiting: number; readonly remembered: number; readonly text: number } {
    return {
      waiting: this.#waiting.size,
      remembered: this.#remembered.size,
      text: this.#waitingText + this.#rememberedText,
    }
  }

  /** More waits than may: the oldest has to go on early. */
  get crowded(): boolean {
    return this.#waiting.size > this.#options.maxHeld || this.#waitingText > this.#options.maxHeldText
  }

  nextSeq(): number {
    this.#seq.value += 1
    return this.#seq.value
  }

  /** Takes up a draft that waits until `deadlineMs`, or, without one, is only remembered. */
  add(draft: Draft, deadlineMs: number | undefined): void {
    this.#setDeadline(draft, deadlineMs)
    this.#index((deadlineMs === undefined ? this.#remembered : this.#waiting).add(draft))
    if (deadlineMs !== undefined) {
      this.#deadlines.add(draft)
    }
  }

  bySeq(seq: number | undefined): Draft | undefined {
    return seq === undefined ? undefined : this.#bySeq.get(seq)
  }

  /** Where drafts are found by what other fragments say. */
  get byKey(): KeyReader {
    return this.#keys
  }

  has(draft: Draft): boolean {
    return draft.place !== undefined
  }

  /** Says that the draft was changed in place by `change`. */
  change(draft: Draft, change: (draft: Draft) => void): void {
    const { place } = draft
    if (place === undefined) {
      change(draft)
      return
    }
    this.#count(draft, place, -1)
    change(draft)
    place.text = textOf(draft)
    this.#count(draft, place, 1)
    const trace = this.#traceKey(draft)
    if (place.trace !== trace) {
      this.watch(draft, undefined)
      removeFrom(this.#byTrace, place.trace, draft)
      place.trace = trace
      this.#held(draft, place)
    }
    this.#shelfOf(place).changed(place.entry)
  }

  addKeys(draft: Draft, keys: readonly string[]): void {
    const added = keys.length === 0 ? keys : keys.filter((key) => !draft.keys.includes(key))
    if (added.length > 0) {
      this.change(draft, () => {
        draft.keys = [...draft.keys, ...added]
      })
      this.#keys.enter(draft, added)
    }
  }

  removeKeys(draft: Draft, isRemoved: (key: string) => boolean): void {
    const removed = draft.keys.filter(isRemoved)
    if (removed.length > 0) {
      this.#keys.leave(draft, removed)
      this.change(draft, () => {
        draft.keys = draft.keys.filter((key) => !removed.includes(key))
      })
    }
  }

  /** Lets it wait until then, or, without a deadline, be remembered as it is. */
  arm(draft: Draft, deadlineMs: number | undefined): void {
    const place = draft.place as Place
    this.#count(draft, place, -1)
    this.#shelfOf(place).drop(place.entry)
    this.#deadlines.remove(draft)
    this.#setDeadline(draft, deadlineMs)
    place.waiting = deadlineMs !== undefined
    place.entry = this.#shelfOf(place).add(draft)
    if (deadlineMs !== undefined) {
      this.#deadlines.add(draft)
    }
    this.#count(draft, place, 1)
    this.#held(draft, place)
  }

  /** Wakes it when that span arrives. */
  watch(draft: Draft, gap: string | undefined): void {
    const { place } = draft
    if (place === undefined || draft.gap === gap) {
      return
    }
    const { trace } = place
    if (draft.gap !== undefined) {
      const gaps = this.#byGap.get(trace)
      if (gaps !== undefined) {
        removeFrom(gaps, draft.gap, draft)
        if (gaps.size === 0) {
          this.#byGap.delete(trace)
        }
      }
    }
    draft.gap = gap
    if (gap !== undefined) {
      this.#watchFor(trace, gap, draft)
    }
    this.#shelfOf(place).changed(place.entry)
  }

  /** Those that watch for the span, in the order they came. */
  watching(tenant: string, trace: string, span: string): readonly Draft[] {
    const drafts = this.#byGap.get(this.#traceKeys.of(tenant, trace))?.get(span)
    return drafts === undefined ? NO_DRAFTS : inOrder(drafts)
  }

  /** Whether something of the trace still waits. */
  isHeld(tenant: string, trace: string): boolean {
    return this.#byTrace.has(this.#traceKeys.of(tenant, trace))
  }

  /** What waits for time in the trace of the draft, itself included, in the order it came. */
  heldWith(draft: Draft): readonly Draft[] {
    const drafts = this.#byTrace.get(this.#traceKey(draft))
    return drafts === undefined ? [draft] : inOrder(drafts)
  }

  drop(draft: Draft): void {
    const { place } = draft
    if (place === undefined) {
      return
    }
    this.watch(draft, undefined)
    this.#keys.leave(draft, draft.keys)
    this.#count(draft, place, -1)
    this.#shelfOf(place).drop(place.entry)
    this.#deadlines.remove(draft)
    this.#setDeadline(draft, undefined)
    place.waiting = false
    this.#held(draft, place)
    this.#bySeq.delete(draft.seq)
    draft.place = undefined
  }

  nextDeadline(): number | undefined {
    return this.#deadlines.next()
  }

  firstDue(): Draft | undefined {
    return this.#deadlines.first()
  }

  /** Forgets the oldest of what went out, down to the bounds. */
  forget(): void {
    while (
      this.#remembered.size > this.#options.maxCallsRemembered ||
      (this.#rememberedText > this.#options.maxCallText && this.#remembered.size > 0)
    ) {
      this.drop((this.#remembered.oldest() as Entry<Draft>).value)
    }
  }

  #index(entry: Entry<Draft>): void {
    const draft = entry.value
    const place: Place = {
      entry,
      waiting: draft.deadline_ms !== undefined,
      text: textOf(draft),
      trace: this.#traceKey(draft),
    }
    draft.place = place
    this.#bySeq.set(draft.seq, draft)
    this.#count(draft, place, 1)
    this.#keys.enter(draft, draft.keys)
    if (place.waiting) {
      this.#held(draft, place)
    }
    if (draft.gap !== undefined) {
      this.#watchFor(place.trace, draft.gap, draft)
    }
  }

  #setDeadline(draft: Draft, deadlineMs: number | undefined): void {
    draft.deadline_ms = deadlineMs
    if (deadlineMs === undefined) {
      draft.armed = undefined
    } else {
      this.#armed.value += 1
      draft.armed = this.#armed.value
    }
  }

  #watchFor(trace: string, gap: string, draft: Draft): void {
    const gaps = this.#byGap.get(trace)
    if (gaps === undefined) {
      this.#byGap.set(trace, new Map([[gap, new Set([draft])]]))
    } else {
      addTo(gaps, gap, draft)
    }
  }

  #held(draft: Draft, { waiting, trace }: Place): void {
    if (waiting) {
      addTo(this.#byTrace, trace, draft)
    } else {
      removeFrom(this.#byTrace, trace, draft)
    }
  }

  #shelfOf(place: Place): Shelf<Draft> {
    return place.waiting ? this.#waiting : this.#remembered
  }

  #count(draft: Draft, { waiting, text }: Place, sign: 1 | -1): void {
    this.#open += draft.open ? sign : 0
    if (waiting) {
      this.#waitingText += sign * text
    } else {
      this.#rememberedText += sign * text
    }
  }

  /** The trace that the draft is looked for in; drafts without one are each their own. */
  #traceKey(draft: Draft): string {
    const { fragment } = leadOf(draft)
    return this.#traceKeys.of(draft.tenant, fragment.trace_id ?? `#${draft.seq}`)
  }
}

/** Makes a key once for a run of records of one trace; a map finds a key that it was given before without reading it. */
class TraceKeys {
  #tenant = ''
  #trace = ''
  #key = '\n'

  of(tenant: string, trace: string): string {
    if (trace !== this.#trace || tenant !== this.#tenant) {
      this.#tenant = tenant
      this.#trace = trace
      this.#key = `${tenant}\n${trace}`
    }
    return this.#key
  }
}

function inOrder(drafts: ReadonlySet<Draft>): readonly Draft[] {
  const ordered = [...drafts]
  return ordered.length === 1 ? ordered : ordered.sort((a, b) => a.seq - b.seq)
}

function addTo(index: Map<string, Set<Draft>>, key: string, draft: Draft): void {
  const drafts = index.get(key)
  if (drafts === undefined) {
    index.set(key, new Set([draft]))
  } else {
    drafts.add(draft)
  }
}

function removeFrom(index: Map<string, Set<Draft>>, key: string, draft: Draft): void {
  const drafts = index.get(key)
  if (drafts?.delete(draft) && drafts.size === 0) {
    index.delete(key)
  }
}

/** The id that the call of the draft is known by, from any of its records. */
export function callIdOfDraft(draft: Draft): string | undefined {
  for (const { fragment } of draft.contributions) {
    const id = callIdOf(fragment)
    if (id !== undefined) {
      return id
    }
  }
  return undefined
}
