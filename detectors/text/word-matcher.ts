/**
 * Finds the words and phrases of a lexicon in folded text: a trie walked once from the start of every word.
 *
 * The cost is one array read per letter, and most words leave the trie after three or four letters, so a text that
 * holds nothing of interest costs little more than reading it.
 */

/** Children of a node for `a` to `z`, and for the gap between the words of a phrase. */
const SLOTS = 27
const GAP = 26
/** The most separators that the gap inside a phrase may hold. */
const GAP_LENGTH = 3
/** What a node is the end of, as bits. */
const WORD = 1
const STEM = 2

/** Whether a UTF-16 unit is part of a word in folded text. Digits are; punctuation and symbols are not. */
export function isWordUnit(unit: number): boolean {
  if (unit < 0x80) {
    return (unit >= 97 && unit <= 122) || (unit >= 48 && unit <= 57)
  }
  return (
    unit >= 0xc0 &&
    !(unit >= 0x2000 && unit <= 0x2bff) &&
    !(unit >= 0x3000 && unit <= 0x303f) &&
    !(unit >= 0xd800 && unit <= 0xf8ff) &&
    !(unit >= 0xfe10 && unit <= 0xfe6f) &&
    unit < 0xff00 &&
    unit !== 0x964 &&
    unit !== 0x60c &&
    unit !== 0x61b &&
    unit !== 0x61f
  )
}

/** Whether a UTF-16 unit belongs to a script that writes words without spaces: a match may begin and end anywhere. */
export function isUnspaced(unit: number): boolean {
  if (unit < 0xe00) {
    return false
  }
  return (
    (unit >= 0x3040 && unit <= 0x30ff) ||
    (unit >= 0x3400 && unit <= 0x9fff) ||
    (unit >= 0xe00 && unit <= 0xeff) ||
    (unit >= 0x1780 && unit <= 0x17ff) ||
    (unit >= 0xac00 && unit <= 0xd7a3)
  )
}

export class WordMatcher {
  /** What the entry found last means, as bits; 0 for an entry that is there to mean nothing. */
  meanings = 0

  #nodes = 1
  #next = new Uint16Array(SLOTS * 1024)
  #kind = new Uint8Array(1024)
  #word = new Int32Array(1024)
  #stem = new Int32Array(1024)
  readonly #other = new Map<number, number>()

  /** Adds a folded word or phrase; `instruct*` matches every word that begins so. Meanings of one entry add up. */
  add(entry: string, meanings: number): void {
    const isStem = entry.endsWith('*')
    const phrase = isStem ? entry.slice(0, -1) : entry
    let node = 0
    for (let index = 0; index < phrase.length; index += 1) {
      node = this.#childOrNew(node, phrase.charCodeAt(index))
    }
    const meaning = isStem ? this.#stem : this.#word
    meaning[node] = (meaning[node] ?? 0) | meanings
    this.#kind[node] = (this.#kind[node] ?? 0) | (isStem ? STEM : WORD)
  }

  /**
   * Where the longest entry that begins at `at` ends, exclusive, or -1; its meanings are then in `meanings`. `at` must be
   * the start of a word. With `anywhere`, entries also end inside words, for text that lost its spaces.
   *
   * Allocates nothing: this runs once for every word of every text.
   */
  match(text: string, at: number, anywhere = false): number {
    const kind = this.#kind
    const next = this.#next
    const size = text.length
    let node = 0
    let found = 0
    let end = -1
    let endsInStem = false
    let index = at
    for (;;) {
      const unit = index < size ? text.charCodeAt(index) : 0
      const isLetter = unit >= 97 && unit <= 122
      if (((kind[node] as number) & WORD) !== 0 && (!isLetter || anywhere) && endsWord(text, index, unit, anywhere)) {
        found = node
        end = index
        endsInStem = false
      }
      if (isLetter) {
        node = next[node * SLOTS + unit - 97] as number
        index += 1
      } else if (unit >= 0x80) {
        node = this.#other.get(node * 0x10000 + unit) ?? 0
        index += 1
      } else if (isSeparator(unit) || (unit === 46 && isWordUnit(text.charCodeAt(index + 1)))) {
        // A dot joins words only without a space after it, as in `console.log`.
        node = next[node * SLOTS + GAP] as number
        index = afterGap(text, index)
      } else {
        break
      }
      if (node === 0) {
        break
      }
      if (((kind[node] as number) & STEM) !== 0) {
        found = node
        end = index
        endsInStem = true
      }
    }
    this.meanings = end < 0 ? 0 : ((endsInStem ? this.#stem[found] : this.#word[found]) as number)
    return endsInStem && !anywhere ? endOfWord(text, end) : end
  }

  #childOrNew(node: number, unit: number): number {
    const slot = unit >= 97 && unit <= 122 ? unit - 97 : isSeparator(unit) ? GAP : -1
    const found = slot < 0 ? this.#other.get(node * 0x10000 + unit) : this.#next[node * SLOTS + slot]
    if (found !== undefined && found !== 0) {
      return found
    }
    const child = this.#nodes
    this.#nodes += 1
    if (this.#nodes > this.#kind.length) {
      this.#grow()
    }
    if (slot < 0) {
      this.#other.set(node * 0x10000 + unit, child)
    } else {
      this.#next[node * SLOTS + slot] = child
    }
    return child
  }

  /** Renumbers the nodes by depth, so that the few which every text visits lie together in memory. Call after `add`. */
  seal(): void {
    const order = [0]
    const others = new Map<number, [number, number][]>()
    for (const [key, child] of this.#other) {
      const node = Math.floor(key / 0x10000)
      others.set(node, [...(others.get(node) ?? []), [key % 0x10000, child]])
    }
    for (let place = 0; place < order.length; place += 1) {
      const node = order[place] as number
      for (let slot = 0; slot < SLOTS; slot += 1) {
        const child = this.#next[node * SLOTS + slot] as number
        if (child !== 0) {
          order.push(child)
        }
      }
      order.push(...(others.get(node) ?? []).map(([, child]) => child))
    }
    const places = new Map(order.map((node, place) => [node, place]))
    const next = new Uint16Array(SLOTS * this.#nodes)
    order.forEach((node, place) => {
      for (let slot = 0; slot < SLOTS; slot += 1) {
        next[place * SLOTS + slot] = places.get(this.#next[node * SLOTS + slot] as number) ?? 0
      }
    })
    this.#next = next
    this.#kind = Uint8Array.from(order, (node) => this.#kind[node] as number)
    this.#word = Int32Array.from(order, (node) => this.#word[node] as number)
    this.#stem = Int32Array.from(order, (node) => this.#stem[node] as number)
    this.#other.clear()
    for (const [node, children] of others) {
      for (const [unit, child] of children) {
        this.#other.set((places.get(node) ?? 0) * 0x10000 + unit, places.get(child) ?? 0)
      }
    }
  }

  #grow(): void {
    const doubled = <Numbers extends Int32Array | Uint16Array | Uint8Array>(from: Numbers, to: Numbers): Numbers => {
      to.set(from)
      return to
    }
    this.#next = doubled(this.#next, new Uint16Array(this.#next.length * 2))
    this.#kind = doubled(this.#kind, new Uint8Array(this.#kind.length * 2))
    this.#word = doubled(this.#word, new Int32Array(this.#word.length * 2))
    this.#stem = doubled(this.#stem, new Int32Array(this.#stem.length * 2))
  }
}

/** Space, line break, hyphen, underscore, apostrophe: what may stand between the words of one phrase. */
function isSeparator(unit: number): boolean {
  return unit === 32 || unit === 45 || unit === 95 || unit === 10 || unit === 9 || unit === 39 || unit === 13
}

function afterGap(text: string, from: number): number {
  let index = from + 1
  while (index < from + GAP_LENGTH && isSeparator(text.charCodeAt(index))) {
    index += 1
  }
  return index
}

function endsWord(text: string, index: number, unit: number, anywhere: boolean): boolean {
  return (
    anywhere ||
    index >= text.length ||
    !isWordUnit(unit) ||
    isUnspaced(unit) ||
    (unit >= 0x80 && isUnspaced(text.charCodeAt(index - 1)))
  )
}

function endOfWord(text: string, from: number): number {
  let end = from
  while (end < text.length && isWordUnit(text.charCodeAt(end)) && !isUnspaced(text.charCodeAt(end))) {
    end += 1
  }
  return end
}
