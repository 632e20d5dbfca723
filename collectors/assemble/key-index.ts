/** Drafts by the keys that other fragments find them by. */
import type { Draft } from './draft.ts'
import { isContentKey, isRequestKey } from './keys.ts'

/** What finding drafts needs. Only `Drafts` enters them. */
export type KeyReader = Pick<KeyIndex, 'hasContents' | 'hasRequests' | 'newest' | 'oldest'>

/**
 * Several drafts can have one key, in the order they came. Nearly always there is one; it stands for itself, without a
 * list around it.
 */
export class KeyIndex {
  readonly #drafts = new Map<string, Draft | Draft[]>()
  #contents = 0
  #requests = 0

  /** Whether any draft waits for the span of its content. Most streams never have one: no key need be made to look. */
  get hasContents(): boolean {
    return this.#contents > 0
  }

  /** Whether any request waits for a call of its name. */
  get hasRequests(): boolean {
    return this.#requests > 0
  }

  /** Of the first key that is known, the draft that came last. */
  newest(keys: readonly string[]): Draft | undefined {
    for (const key of keys) {
      const found = this.#drafts.get(key)
      if (found !== undefined) {
        return Array.isArray(found) ? found.at(-1) : found
      }
    }
    return undefined
  }

  /** Of the first key that is known, the draft that came first. */
  oldest(keys: readonly string[]): Draft | undefined {
    for (const key of keys) {
      const found = this.#drafts.get(key)
      if (found !== undefined) {
        return Array.isArray(found) ? found[0] : found
      }
    }
    return undefined
  }

  enter(draft: Draft, keys: readonly string[]): void {
    for (const key of keys) {
      this.#count(key, 1)
      const known = this.#drafts.get(key)
      if (known === undefined) {
        this.#drafts.set(key, draft)
      } else if (Array.isArray(known)) {
        known.push(draft)
        // Nearly always in order already; a restart must find the same order.
        if ((known.at(-2) as Draft).seq > draft.seq) {
          known.sort(bySeq)
        }
      } else {
        this.#drafts.set(key, [known, draft].sort(bySeq))
      }
    }
  }

  leave(draft: Draft, keys: readonly string[]): void {
    for (const key of keys) {
      const known = this.#drafts.get(key)
      if (known === draft) {
        this.#drafts.delete(key)
        this.#count(key, -1)
      } else if (Array.isArray(known) && known.includes(draft)) {
        known.splice(known.indexOf(draft), 1)
        this.#count(key, -1)
        if (known.length === 0) {
          this.#drafts.delete(key)
        }
      }
    }
  }

  #count(key: string, sign: 1 | -1): void {
    if (isContentKey(key)) {
      this.#contents += sign
    } else if (isRequestKey(key)) {
      this.#requests += sign
    }
  }
}

function bySeq(a: Draft, b: Draft): number {
  return a.seq - b.seq
}
