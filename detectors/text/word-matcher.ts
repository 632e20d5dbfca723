/**
 * Finds the words and phrases of a lexicon in folded text: a trie walked once from the start of every word.
 *
 * The cost is two array reads per letter, and most words leave the trie after three or four letters, so a text that
 * holds nothing of interest costs little more than reading it.
 */
import { SEPARATOR_UNIT, UNITS, UNSPACED_UNIT, WORD_UNIT } from './units.ts'
import { EMPTY_KEY, FULL_KEY, KEY_LETTERS, longerKey, NOTHING, WordIndex } from './word-index.ts'

/** Children of a node for `a` to `z`, and for the gap between the words of a phrase. */
const SLOTS = 27
const GAP = 26
/** The most separators that the gap inside a phrase may hold. */
const GAP_LENGTH = 3
/** How many letters of the next word tell whether a phrase may go on. */
const GLANCE = 4
/** What a node is the end of, as bits. */
const WORD = 1
const STEM = 2
/** Of a beginning that holds a stem: what begins so is only known by walking from the start of the word. */
const UNSURE = -2
/** Shorter stems would match half the words of a language. */
const SHORTEST_STEM = 3
const SHORT_STEM = /^[a-z]{0,2}\*$/

export class WordMatcher {
  /** What the entry found last means, as bits; 0 for an entry that is there to mean nothing. */
  meanings = 0
  /** Of the word read last: where it ends, exclusive, a hash of it, and how many digits it has. */
  wordEnd = 0
  wordHash = 0
  wordDigits = 0
  /** Whether the word read last has digits between its letters or a letter drawn out. */
  isWordOdd = false

  #nodes = 1
  #next = new Uint16Array(SLOTS * 1024)
  #kind = new Uint8Array(1024)
  #word = new Int32Array(1024)
  #stem = new Int32Array(1024)
  readonly #other = new Map<number, number>()
  #beginnings = new WordIndex(new Map())
  /** Nodes that other units than `a` to `z` and gaps lead on from. */
  #mixed: ReadonlySet<number> = new Set()

  /** Adds a folded word or phrase; `instruct*` matches every word that begins so. Meanings of one entry add up. */
  add(entry: string, meanings: number): void {
    const isStem = entry.endsWith('*')
    if (SHORT_STEM.test(entry)) {
      throw new RangeError(`the stem ${entry} is shorter than ${SHORTEST_STEM} letters`)
    }
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
    this.wordEnd = at
    return this.#walk(text, at, 0, anywhere)
  }

  /**
   * Reads the whole word that begins at `at`, of a script with spaces, and looks up what begins there: the answer is that
   * of `match`. What the word itself is like is left in `wordEnd` and the fields beside it. Call `seal` before.
   *
   * @param units those of `text` (`unitsOf`)
   */
  read(text: string, units: Uint16Array, at: number): number {
    const size = text.length
    const keyEnd = at + KEY_LETTERS < size ? at + KEY_LETTERS : size
    let key = EMPTY_KEY
    let last = 0
    let beforeLast = 0
    let odd = false
    let index = at
    let unit = 0
    for (; index < keyEnd; index += 1) {
      unit = units[index] as number
      if (unit < 97 || unit > 122) {
        break
      }
      key = longerKey(key, unit)
      odd ||= unit === last && last === beforeLast
      beforeLast = last
      last = unit
    }
    let hash = key
    if (index === keyEnd) {
      for (; index < size; index += 1) {
        unit = units[index] as number
        if (unit < 97 || unit > 122) {
          break
        }
        hash = (Math.imul(hash, 31) + unit) | 0
        odd ||= unit === last && last === beforeLast
        beforeLast = last
        last = unit
      }
    }
    if (index < size && ((UNITS[unit] as number) & (WORD_UNIT | UNSPACED_UNIT)) === WORD_UNIT) {
      return this.#readMixed(text, at)
    }
    this.wordEnd = index
    this.wordHash = hash
    this.wordDigits = 0
    this.isWordOdd = odd
    const node = this.#beginnings.get(key)
    if (node < 0) {
      return node === NOTHING ? -1 : this.#walk(text, at, 0, false)
    }
    if (index > keyEnd || this.#goesOn(node, units, size, index)) {
      return this.#walk(text, index < keyEnd ? index : keyEnd, node, false)
    }
    this.meanings = this.#word[node] as number
    return ((this.#kind[node] as number) & WORD) === 0 ? -1 : index
  }

  /** Whether an entry may go on after a word that leads to `node`: a glance at the next word spares most walks. */
  #goesOn(node: number, units: Uint16Array, size: number, end: number): boolean {
    const gap = this.#next[node * SLOTS + GAP] as number
    const unit = end < size ? (units[end] as number) : 0
    if (gap === 0 || unit !== 32) {
      return gap !== 0 || unit >= 0x80
    }
    let reached = gap
    const last = Math.min(size, end + 1 + GLANCE)
    for (let index = end + 1; index < last; index += 1) {
      const letter = units[index] as number
      if (letter < 97 || letter > 122) {
        return true
      }
      reached = this.#next[reached * SLOTS + letter - 97] as number
      if (reached === 0 || ((this.#kind[reached] as number) & STEM) !== 0) {
        return reached !== 0
      }
    }
    return true
  }

  /** Whether an entry, or a word that begins an entry, may begin with the letters of a key (`word-index.ts`). */
  hasBeginning(key: number): boolean {
    return this.#beginnings.get(key) !== NOTHING
  }

  /** `read` of a word that holds digits, or letters beside `a` to `z`. */
  #readMixed(text: string, at: number): number {
    let hash = 0
    let digits = 0
    let odd = false
    let last = 0
    let run = 0
    let index = at
    for (; index < text.length; index += 1) {
      const unit = text.charCodeAt(index)
      if (((UNITS[unit] as number) & (WORD_UNIT | UNSPACED_UNIT)) !== WORD_UNIT) {
        break
      }
      hash = (Math.imul(hash, 31) + unit) | 0
      if (unit < 58) {
        digits += 1
      } else if (last !== 0 && last < 58 && digits < index - at) {
        odd = true
      }
      run = unit === last ? run + 1 : 0
      odd ||= run > 1
      last = unit
    }
    this.wordEnd = index
    this.wordHash = hash
    this.wordDigits = digits
    this.isWordOdd = odd
    return this.#walk(text, at, 0, false)
  }

  /** `match` from a node that the text before `from` leads to, past no stem. */
  #walk(text: string, from: number, start: number, anywhere: boolean): number {
    const kind = this.#kind
    const next = this.#next
    const size = text.length
    let node = start
    let found = 0
    let end = -1
    let endsInStem = false
    let index = from
    for (;;) {
      const unit = index < size ? text.charCodeAt(index) : 0
      const isLetter = unit >= 97 && unit <= 122
      if ((!isLetter || anywhere) && ((kind[node] as number) & WORD) !== 0 && endsWord(text, index, unit, anywhere)) {
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
        index = node === 0 ? index : afterGap(text, index)
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

  /**
   * Renumbers the nodes by depth, so that the few which every text visits lie together in memory, and indexes the
   * beginnings of words. Call after `add`.
   */
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
    this.#mixed = new Set(Array.from(others.keys(), (node) => places.get(node) ?? 0))
    const beginnings = new Map<number, number>()
    this.#index(beginnings, 0, EMPTY_KEY, false)
    this.#beginnings = new WordIndex(beginnings)
  }

  /** Adds what begins with the letters of `key`, which lead to `node`, or past a stem and to no node (0). */
  #index(beginnings: Map<number, number>, node: number, key: number, pastStem: boolean): void {
    const isPastStem = pastStem || ((this.#kind[node] as number) & STEM) !== 0
    const isFull = key >= FULL_KEY
    if (isPastStem || isFull || this.#mayEnd(node)) {
      beginnings.set(key, isPastStem ? UNSURE : node)
    }
    for (let slot = 0; !isFull && slot < GAP; slot += 1) {
      const child = node === 0 && key !== EMPTY_KEY ? 0 : (this.#next[node * SLOTS + slot] as number)
      if (child !== 0 || isPastStem) {
        this.#index(beginnings, child, longerKey(key, slot + 97), isPastStem)
      }
    }
  }

  /** Whether a word that leads to a node is an entry, or the beginning of a phrase. */
  #mayEnd(node: number): boolean {
    return ((this.#kind[node] as number) & WORD) !== 0 || this.#next[node * SLOTS + GAP] !== 0 || this.#mixed.has(node)
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

const isSeparator = (unit: number) => (kindsOf(unit) & SEPARATOR_UNIT) !== 0
const isWordUnit = (unit: number) => (kindsOf(unit) & WORD_UNIT) !== 0
const isUnspaced = (unit: number) => (kindsOf(unit) & UNSPACED_UNIT) !== 0

/** Nothing for the end of a text, where there is no unit. */
function kindsOf(unit: number): number {
  return UNITS[unit] ?? 0
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
