/**
 * Finds the words and phrases of a lexicon in folded text: a trie walked once from the start of every word.
 *
 * The cost is one read of the table per letter and nothing else until the word ends: a word that leaves the trie goes on in
 * a state that leads nowhere, so that no letter is a decision.
 */
import { SEPARATOR_UNIT, UNITS, UNSPACED_UNIT, WORD_UNIT } from './units.ts'

/** Places of a state's row: none for `a` to `z`, which count from 1, and one for the gap between the words of a phrase. */
const ROW_BITS = 5
const GAP = 27
/** The state where no entry goes on, and the one where all begin. */
export const NOWHERE: number = 0
export const ROOT: number = 1
/** The most separators that the gap inside a phrase may hold. */
const GAP_LENGTH = 3
/** How many letters of the next word tell whether a phrase may go on. */
const GLANCE = 4
/** What a state is the end of, as bits. */
const WORD = 1
const STEM = 2
/** Of a state: it is an entry, or past a stem that is one. */
const ENDS = 4
/** An entry may go on behind the word that leads to it. */
const GOES_ON = 8
/** Shorter stems would match half the words of a language. */
const SHORTEST_STEM = 3
const SHORT_STEM = /^[a-z]{0,2}\*$/

/** The place of a unit in a row: 1 to 26 for `a` to `z`, otherwise 0. */
const LETTERS = Uint8Array.from({ length: 0x1_0000 }, (_, unit) => (unit >= 97 && unit <= 122 ? unit - 96 : 0))

export class WordMatcher {
  /** What the entry found last means, as bits; 0 for an entry that is there to mean nothing. */
  meanings = 0
  /** Of the word read last: where it ends, exclusive, a hash of it, and how many digits it has. */
  wordEnd = 0
  wordHash = 0
  wordDigits = 0
  /** Whether the word read last has digits between its letters or a letter drawn out. */
  isWordOdd = false

  #states = ROOT + 1
  /** Rows of the states that letters and gaps lead to. */
  #next = new Uint16Array(1024 << ROW_BITS)
  #kind = new Uint8Array(1024)
  #word = new Int32Array(1024)
  #stem = new Int32Array(1024)
  /** What a word means that leads to a state, by itself or past a stem. */
  #meaning = new Int32Array(1024)
  /** From here on, states that words past a stem stay in. */
  #pastStems = Number.MAX_SAFE_INTEGER
  readonly #other = new Map<number, number>()

  /** Adds a folded word or phrase; `instruct*` matches every word that begins so. Meanings of one entry add up. */
  add(entry: string, meanings: number): void {
    const isStem = entry.endsWith('*')
    if (SHORT_STEM.test(entry)) {
      throw new RangeError(`the stem ${entry} is shorter than ${SHORTEST_STEM} letters`)
    }
    const phrase = isStem ? entry.slice(0, -1) : entry
    let state = ROOT
    for (let index = 0; index < phrase.length; index += 1) {
      state = this.#childOrNew(state, phrase.charCodeAt(index))
    }
    const meaning = isStem ? this.#stem : this.#word
    meaning[state] = (meaning[state] ?? 0) | meanings
    this.#kind[state] = (this.#kind[state] ?? 0) | (isStem ? STEM : WORD)
  }

  /**
   * Where the longest entry that begins at `at` ends, exclusive, or -1; its meanings are then in `meanings`. `at` must be
   * the start of a word. With `anywhere`, entries also end inside words, for text that lost its spaces.
   *
   * Allocates nothing: this runs once for every word of every text.
   */
  match(text: string, at: number, anywhere = false): number {
    this.wordEnd = at
    return this.#walk(text, at, ROOT, anywhere)
  }

  /**
   * Reads the whole word that begins at `at`, of a script with spaces, and looks up what begins there: the answer is that
   * of `match`. What the word itself is like is left in `wordEnd` and the fields beside it. Call `seal` before.
   *
   * @param units those of `text` (`unitsOf`)
   */
  read(text: string, units: Uint16Array, at: number): number {
    const next = this.#next
    let unit = units[at] as number
    let letter = LETTERS[unit] as number
    let state = ROOT
    let hash = 0
    let last = 0
    let run = 0
    let drawn = 0
    let index = at
    while (letter !== 0) {
      state = next[(state << ROW_BITS) | letter] as number
      hash = (Math.imul(hash, 31) + unit) | 0
      run = letter === last ? run + 1 : 0
      drawn |= run
      last = letter
      index += 1
      unit = units[index] as number
      letter = LETTERS[unit] as number
    }
    if (unit !== 32 && ((UNITS[unit] as number) & (WORD_UNIT | UNSPACED_UNIT)) === WORD_UNIT) {
      return this.#readMixed(text, at)
    }
    this.wordEnd = index
    this.wordHash = hash
    this.wordDigits = 0
    this.isWordOdd = drawn > 1
    const kind = this.#kind[state] as number
    if ((kind & GOES_ON) !== 0 && this.#goesOn(state, units, index)) {
      return (kind & WORD) === 0 && (kind & ENDS) !== 0
        ? this.#walk(text, at, ROOT, false)
        : this.#walk(text, index, state, false)
    }
    this.meanings = this.#meaning[state] as number
    return (kind & ENDS) === 0 ? -1 : index
  }

  /** Whether an entry may go on after a word that leads to `state`: a glance at the next word spares most walks. */
  #goesOn(state: number, units: Uint16Array, end: number): boolean {
    const gap = this.#next[(state << ROW_BITS) | GAP] as number
    const unit = units[end] as number
    if (gap === NOWHERE || unit !== 32) {
      return gap !== NOWHERE || unit >= 0x80
    }
    let reached = gap
    for (let index = end + 1; index <= end + GLANCE; index += 1) {
      const letter = LETTERS[units[index] as number] as number
      if (letter === 0) {
        return true
      }
      reached = this.#next[(reached << ROW_BITS) | letter] as number
      if (reached === NOWHERE || ((this.#kind[reached] as number) & STEM) !== 0) {
        return reached !== NOWHERE
      }
    }
    return true
  }
  /** The state that a letter, as a UTF-16 unit, leads to. Words that no entry begins with end up where `mayEnd` says no. */
  step(state: number, letter: number): number {
    return this.#next[(state << ROW_BITS) | (LETTERS[letter] as number)] as number
  }

  /** Whether letters that lead from `ROOT` to a state are an entry, past a stem, or a word that an entry begins with. */
  mayEnd(state: number): boolean {
    return ((this.#kind[state] as number) & (ENDS | GOES_ON)) !== 0
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
    return this.#walk(text, at, ROOT, false)
  }

  /** `match` from a state that the text before `from` leads to, past no stem. */
  #walk(text: string, from: number, start: number, anywhere: boolean): number {
    const kind = this.#kind
    const next = this.#next
    const size = text.length
    let state = start
    let found = NOWHERE
    let end = -1
    let endsInStem = false
    let index = from
    for (;;) {
      const unit = index < size ? text.charCodeAt(index) : 0
      const isLetter = unit >= 97 && unit <= 122
      if ((!isLetter || anywhere) && ((kind[state] as number) & WORD) !== 0 && endsWord(text, index, unit, anywhere)) {
        found = state
        end = index
        endsInStem = false
      }
      if (isLetter) {
        state = next[(state << ROW_BITS) | (unit - 96)] as number
        index += 1
      } else if (unit >= 0x80) {
        state = this.#other.get(state * 0x10000 + unit) ?? NOWHERE
        index += 1
      } else if (isSeparator(unit) || (unit === 46 && isWordUnit(text.charCodeAt(index + 1)))) {
        // A dot joins words only without a space after it, as in `console.log`.
        state = next[(state << ROW_BITS) | GAP] as number
        index = state === NOWHERE ? index : afterGap(text, index)
      } else {
        break
      }
      if (state === NOWHERE || state >= this.#pastStems) {
        break
      }
      if (((kind[state] as number) & STEM) !== 0) {
        found = state
        end = index
        endsInStem = true
      }
    }
    this.meanings = end < 0 ? 0 : ((endsInStem ? this.#stem[found] : this.#word[found]) as number)
    return endsInStem && !anywhere ? endOfWord(text, end) : end
  }

  #childOrNew(state: number, unit: number): number {
    const place = isSeparator(unit) ? GAP : (LETTERS[unit] as number)
    const slot = (state << ROW_BITS) | place
    const found = place === 0 ? this.#other.get(state * 0x10000 + unit) : this.#next[slot]
    if (found !== undefined && found !== NOWHERE) {
      return found
    }
    const child = this.#states
    this.#states += 1
    if (this.#states > this.#kind.length) {
      this.#grow(this.#kind.length * 2)
    }
    if (place === 0) {
      this.#other.set(state * 0x10000 + unit, child)
    } else {
      this.#next[slot] = child
    }
    return child
  }

  /**
   * Renumbers the states by depth, so that the few which every text visits lie together in memory, and adds those that
   * words past a stem stay in. Call after `add`.
   */
  seal(): void {
    const order = this.#byDepth()
    const places = new Uint16Array(this.#states)
    order.forEach((state, place) => {
      places[state] = place
    })
    const next = new Uint16Array(this.#next.length)
    order.forEach((state, place) => {
      for (let index = 1; index <= GAP; index += 1) {
        next[(place << ROW_BITS) | index] = places[this.#next[(state << ROW_BITS) | index] as number] as number
      }
    })
    this.#next = next
    this.#kind.set(order.map((state) => this.#kind[state] as number))
    this.#word.set(order.map((state) => this.#word[state] as number))
    this.#stem.set(order.map((state) => this.#stem[state] as number))
    const others = [...this.#other]
    this.#other.clear()
    for (const [key, child] of others) {
      const place = places[Math.floor(key / 0x10000)] as number
      this.#other.set(place * 0x10000 + (key % 0x10000), places[child] as number)
      this.#kind[place] = (this.#kind[place] as number) | GOES_ON
    }
    this.#sealWords()
  }

  /** Every state, those that fewer letters lead to first. */
  #byDepth(): readonly number[] {
    const others = new Map<number, number[]>()
    for (const [key, child] of this.#other) {
      const state = Math.floor(key / 0x10000)
      others.set(state, [...(others.get(state) ?? []), child])
    }
    const order = [NOWHERE, ROOT]
    for (let place = ROOT; place < order.length; place += 1) {
      const state = order[place] as number
      for (let index = 1; index <= GAP; index += 1) {
        const child = this.#next[(state << ROW_BITS) | index] as number
        if (child !== NOWHERE) {
          order.push(child)
        }
      }
      order.push(...(others.get(state) ?? []))
    }
    return order
  }

  /** Notes of each state that a first word leads to whether the word is an entry, what it means, and whether one goes on. */
  #sealWords(): void {
    this.#pastStems = this.#states
    const first = [[ROOT, NOWHERE] as const]
    for (let turn = 0; turn < first.length; turn += 1) {
      const [state, before] = first[turn] as readonly [number, number]
      const kind = this.#kind[state] as number
      const stem = (kind & STEM) === 0 ? before : this.#pastStem(this.#stem[state] as number)
      const goesOn = this.#next[(state << ROW_BITS) | GAP] !== NOWHERE
      this.#kind[state] = kind | (goesOn ? GOES_ON : 0) | ((kind & WORD) !== 0 || stem !== NOWHERE ? ENDS : 0)
      this.#meaning[state] = ((kind & WORD) !== 0 ? this.#word[state] : this.#stem[stem]) as number
      for (let letter = 1; letter < GAP; letter += 1) {
        const slot = (state << ROW_BITS) | letter
        const child = this.#next[slot] as number
        if (child !== NOWHERE) {
          first.push([child, stem])
        }
        this.#next[slot] = child === NOWHERE ? stem : child
      }
    }
  }

  /** A new state that words stay in to their end. */
  #pastStem(meanings: number): number {
    const state = this.#states
    this.#states += 1
    if (this.#states > this.#kind.length) {
      this.#grow(this.#kind.length + 1024)
    }
    this.#kind[state] = STEM | ENDS
    this.#stem[state] = meanings
    this.#meaning[state] = meanings
    this.#next.fill(state, (state << ROW_BITS) | 1, (state << ROW_BITS) | GAP)
    return state
  }

  #grow(states: number): void {
    const longer = <Numbers extends Int32Array | Uint16Array | Uint8Array>(from: Numbers, to: Numbers): Numbers => {
      to.set(from)
      return to
    }
    this.#next = longer(this.#next, new Uint16Array(states << ROW_BITS))
    this.#kind = longer(this.#kind, new Uint8Array(states))
    this.#word = longer(this.#word, new Int32Array(states))
    this.#stem = longer(this.#stem, new Int32Array(states))
    this.#meaning = longer(this.#meaning, new Int32Array(states))
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
