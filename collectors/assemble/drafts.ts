/** All drafts: those that wait for relatives or time, and those that went out and can still be amended. */

import { type Draft, leadOf, textOf } from './draft.ts'
import { Deadlines } from './held.ts'
import { callIdOf } from './keys.ts'
import type { Entry, Ledger, Shelf } from './ledger.ts'
import type { AssembleOptions } from './options.ts'

interface Place {
  readonly draft: Draft
  entry: Entry<Draft>
  /** On the shelf of what waits for a deadline; else on that of what is remembered. */
  waiting: boolean
  text: number
  /** The trace that it is looked for in; changes when a record with another trace comes to speak first. */
  trace: string
}

/** Finds, arms and forgets drafts. Decides nothing about them. */
export class Drafts {
  readonly #options: AssembleOptions
  readonly #waiting: Shelf<Draft>
  readonly #remembered: Shelf<Draft>
  readonly #places = new Map<number, Place>()
  readonly #byKey = new Map<string, Draft[]>()
  readonly #byGap = new Map<string, Set<Draft>>()
  readonly #byTrace = new Map<string, Set<Draft>>()
  readonly #deadlines = new Deadlines<Draft>()
  readonly #seq: { value: number }
  readonly #armed: { value: number }
  #waitingText = 0
  #rememberedText = 0
  #open = 0

  constructor(ledger: Ledger, options: AssembleOptions) {
    this.#options = options
    this.#waiting = ledger.shelf('waiting')
    this.#remembered = ledger.shelf('remembered')
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
    return seq === undefined ? undefined : this.#places.get(seq)?.draft
  }

  has(draft: Draft): boolean {
    return this.#places.has(draft.seq)
  }

  newest(keys: readonly string[]): Draft | undefined {
    return this.#find(keys, (drafts) => drafts.at(-1))
  }

  oldest(keys: readonly string[]): Draft | undefined {
    return this.#find(keys, (drafts) => drafts[0])
  }

  /** Says that the draft was changed in place by `change`. */
  change(draft: Draft, change: (draft: Draft) => void): void {
    const place = this.#places.get(draft.seq)
    if (place === undefined) {
      change(draft)
      return
    }
    this.#count(place, -1)
    change(draft)
    place.text = textOf(draft)
    this.#count(place, 1)
    if (place.trace !== traceKey(draft)) {
      this.watch(draft, undefined)
      removeFrom(this.#byTrace, place.trace, draft)
      place.trace = traceKey(draft)
      this.#held(place)
    }
    this.#shelfOf(place).changed(place.entry)
  }

  addKeys(draft: Draft, keys: readonly string[]): void {
    const added = keys.filter((key) => !draft.keys.includes(key))
    if (added.length > 0) {
      this.change(draft, () => {
        draft.keys = [...draft.keys, ...added]
      })
      this.#enter(draft, added)
    }
  }

  removeKeys(draft: Draft, isRemoved: (key: string) => boolean): void {
    const removed = draft.keys.filter(isRemoved)
    if (removed.length > 0) {
      this.#leave(draft, removed)
      this.change(draft, () => {
        draft.keys = draft.keys.filter((key) => !removed.includes(key))
      })
    }
  }

  /** Lets it wait until then, or, without a deadline, be remembered as it is. */
  arm(draft: Draft, deadlineMs: number | undefined): void {
    const place = this.#places.get(draft.seq) as Place
    this.#count(place, -1)
    this.#shelfOf(place).drop(place.entry)
    this.#deadlines.remove(draft)
    this.#setDeadline(draft, deadlineMs)
    place.waiting = deadlineMs !== undefined
    place.entry = this.#shelfOf(place).add(draft)
    if (deadlineMs !== undefined) {
      this.#deadlines.add(draft)
    }
    this.#count(place, 1)
    this.#held(place)
  }

  /** Wakes it when that span arrives. */
  watch(draft: Draft, gap: string | undefined): void {
    const place = this.#places.get(draft.seq)
    if (place === undefined || draft.gap === gap) {
      return
    }
    if (draft.gap !== undefined) {
      removeFrom(this.#byGap, `${place.trace}\n${draft.gap}`, draft)
    }
    if (gap === undefined) {
      delete draft.gap
    } else {
      draft.gap = gap
      addTo(this.#byGap, `${place.trace}\n${gap}`, draft)
    }
    this.#shelfOf(place).changed(place.entry)
  }

  /** Those that watch for the span, in the order they came. */
  watching(tenant: string, trace: string, span: string): readonly Draft[] {
    const drafts = this.#byGap.get(`${tenant}\n${trace}\n${span}`)
    return drafts === undefined ? [] : [...drafts].sort((a, b) => a.seq - b.seq)
  }

  /** Whether something of the trace still waits. */
  isHeld(tenant: string, trace: string): boolean {
    return this.#byTrace.has(`${tenant}\n${trace}`)
  }

  /** What waits for time in the trace of the draft, itself included, in the order it came. */
  heldWith(draft: Draft): readonly Draft[] {
    return [...(this.#byTrace.get(traceKey(draft)) ?? [draft])].sort((a, b) => a.seq - b.seq)
  }

  drop(draft: Draft): void {
    const place = this.#places.get(draft.seq)
    if (place === undefined) {
      return
    }
    this.watch(draft, undefined)
    this.#leave(draft, draft.keys)
    this.#count(place, -1)
    this.#shelfOf(place).drop(place.entry)
    this.#deadlines.remove(draft)
    this.#setDeadline(draft, undefined)
    place.waiting = false
    this.#held(place)
    this.#places.delete(draft.seq)
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
      draft,
      entry,
      waiting: draft.deadline_ms !== undefined,
      text: textOf(draft),
      trace: traceKey(draft),
    }
    this.#places.set(draft.seq, place)
    this.#count(place, 1)
    this.#enter(draft, draft.keys)
    this.#held(place)
    if (draft.gap !== undefined) {
      addTo(this.#byGap, `${place.trace}\n${draft.gap}`, draft)
    }
  }

  #setDeadline(draft: Draft, deadlineMs: number | undefined): void {
    if (deadlineMs === undefined) {
      delete draft.deadline_ms
      delete draft.armed
      return
    }
    this.#armed.value += 1
    draft.deadline_ms = deadlineMs
    draft.armed = this.#armed.value
  }

  #held({ draft, waiting, trace }: Place): void {
    if (waiting) {
      addTo(this.#byTrace, trace, draft)
    } else {
      removeFrom(this.#byTrace, trace, draft)
    }
  }

  #shelfOf(place: Place): Shelf<Draft> {
    return place.waiting ? this.#waiting : this.#remembered
  }

  #count({ draft, waiting, text }: Place, sign: 1 | -1): void {
    this.#open += draft.open ? sign : 0
    if (waiting) {
      this.#waitingText += sign * text
    } else {
      this.#rememberedText += sign * text
    }
  }

  #find(keys: readonly string[], pick: (drafts: readonly Draft[]) => Draft | undefined): Draft | undefined {
    for (const key of keys) {
      const drafts = this.#byKey.get(key)
      if (drafts !== undefined) {
        return pick(drafts)
      }
    }
    return undefined
  }

  #enter(draft: Draft, keys: readonly string[]): void {
    for (const key of keys) {
      const drafts = this.#byKey.get(key)
      if (drafts === undefined) {
        this.#byKey.set(key, [draft])
      } else {
        drafts.push(draft)
        // Nearly always in order already; a restart must find the same order.
        if ((drafts.at(-2) as Draft).seq > draft.seq) {
          drafts.sort((a, b) => a.seq - b.seq)
        }
      }
    }
  }

  #leave(draft: Draft, keys: readonly string[]): void {
    for (const key of keys) {
      const drafts = this.#byKey.get(key)
      if (drafts?.length === 1 && drafts[0] === draft) {
        this.#byKey.delete(key)
      } else if (drafts?.includes(draft)) {
        drafts.splice(drafts.indexOf(draft), 1)
      }
    }
  }
}

/** The trace that the draft is looked for in; drafts without one are each their own. */
function traceKey(draft: Draft): string {
  const { fragment } = leadOf(draft)
  return fragment.trace_id === undefined ? `${draft.tenant}\n#${draft.seq}` : `${draft.tenant}\n${fragment.trace_id}`
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
