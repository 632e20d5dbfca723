/**
 * Shell words and operators, after POSIX shell command language 2.2 to 2.10 with the additions of bash that matter
 * (`$'...'`, `<<<`, `<(...)`, `&>`). One pass; unfinished quotes and parentheses end where the text ends.
 */

/** A word, its quotes removed. `bare`: nothing in it was quoted, so that it may be a keyword or a number of a redirection. */
interface WordToken {
  readonly kind: 'word'
  readonly text: string
  readonly bare: boolean
}
/** `;`, `|`, `&&`, `(`, `>`, ..., and a line break as `;`. `text` of `<<` is what the here-document says. */
export type Token = WordToken | { readonly kind: 'operator'; readonly text: string; readonly document?: string }

/** Tokens, and every script that stands inside a word: `$(...)`, backquotes, `<(...)`. */
export interface Words {
  readonly tokens: readonly Token[]
  readonly inner: readonly string[]
}

const OPERATORS = ['<<<', '&>>', '<<-', '&&', '||', ';;', '|&', '&>', '>>', '<<', '>|', '>&', '<&', '<>']
const SPECIAL = new Set([...' \t\r\n;|&()<>"\'`$\\#'])
/** The most tokens read of one script. */
const TOKEN_LIMIT = 4000

interface Pending {
  readonly at: number
  readonly end: string
  readonly stripped: boolean
}

/** Splits a script into tokens. */
export function readWords(text: string): Words {
  return new Lexer(text).read()
}

class Lexer {
  readonly #text: string
  #at = 0
  #word: string | undefined
  #bare = true
  readonly #tokens: Token[] = []
  readonly #inner: string[] = []
  #pending: Pending[] = []
  /** The next word ends a here-document of this operator. */
  #awaiting: '<<' | '<<-' | undefined

  constructor(text: string) {
    this.#text = text
  }

  read(): Words {
    while (this.#at < this.#text.length && this.#tokens.length < TOKEN_LIMIT) {
      this.#step(this.#text[this.#at] as string)
    }
    this.#endWord()
    return { tokens: this.#tokens, inner: this.#inner }
  }

  #step(character: string): void {
    if (!SPECIAL.has(character)) {
      this.#plain()
    } else if (character === ' ' || character === '\t' || character === '\r') {
      this.#endWord()
      this.#at += 1
    } else if (character === '\\') {
      this.#escape()
    } else if (character === "'") {
      this.#single(this.#at + 1)
    } else if (character === '"') {
      this.#double()
    } else if (character === '$') {
      this.#dollar()
    } else if (character === '`') {
      this.#add(this.#backquoted(), true)
    } else if (character === '#' && this.#word === undefined) {
      this.#skipTo('\n')
    } else if (character === '#') {
      this.#add('#', true)
      this.#at += 1
    } else {
      this.#operator(character)
    }
  }

  #plain(): void {
    const from = this.#at
    while (this.#at < this.#text.length && !SPECIAL.has(this.#text[this.#at] as string)) {
      this.#at += 1
    }
    this.#add(this.#text.slice(from, this.#at), true)
  }

  #escape(): void {
    const next = this.#text[this.#at + 1]
    this.#at += 2
    if (next === '\r' && this.#text[this.#at] === '\n') {
      this.#at += 1
    } else if (next !== undefined && next !== '\n') {
      this.#add(next, false)
    }
  }

  #single(from: number): void {
    const end = indexOr(this.#text, "'", from)
    this.#add(this.#text.slice(from, end), false)
    this.#at = end + 1
  }

  #double(): void {
    this.#at += 1
    let part = ''
    while (this.#at < this.#text.length) {
      const character = this.#text[this.#at] as string
      if (character === '"') {
        break
      }
      if (character === '\\') {
        const next = this.#text[this.#at + 1] ?? ''
        part += '$`"\\'.includes(next) ? next : next === '\n' ? '' : `\\${next}`
        this.#at += 2
      } else if (character === '`') {
        part += this.#backquoted()
      } else if (character === '$' && this.#text[this.#at + 1] === '(') {
        part += this.#substitution()
      } else {
        part += character
        this.#at += 1
      }
    }
    this.#at += 1
    this.#add(part, false)
  }

  #dollar(): void {
    const next = this.#text[this.#at + 1]
    if (next === '(') {
      this.#add(this.#substitution(), true)
    } else if (next === "'") {
      const end = closingAnsi(this.#text, this.#at + 2)
      this.#add(ansi(this.#text.slice(this.#at + 2, end)), false)
      this.#at = end + 1
    } else if (next === '{') {
      const end = indexOr(this.#text, '}', this.#at)
      this.#add(this.#text.slice(this.#at, end + 1), true)
      this.#at = end + 1
    } else {
      this.#add('$', true)
      this.#at += 1
    }
  }

  /** `$(...)` as it is written; its script is kept apart. Arithmetic is no script. */
  #substitution(): string {
    const from = this.#at
    const end = closing(this.#text, from + 2)
    this.#at = end + 1
    const script = this.#text.slice(from + 2, end)
    if (!script.startsWith('(')) {
      this.#inner.push(script)
    }
    return this.#text.slice(from, this.#at)
  }

  #backquoted(): string {
    const from = this.#at
    const end = indexOr(this.#text, '`', from + 1)
    this.#at = end + 1
    const script = this.#text.slice(from + 1, end)
    this.#inner.push(script)
    return `$(${script})`
  }

  #operator(first: string): void {
    if ((first === '<' || first === '>') && this.#text[this.#at + 1] === '(') {
      const end = closing(this.#text, this.#at + 2)
      const script = this.#text.slice(this.#at + 2, end)
      this.#inner.push(script)
      this.#add(`${first}(${script})`, false)
      this.#at = end + 1
      return
    }
    const operator = OPERATORS.find((each) => this.#text.startsWith(each, this.#at)) ?? first
    if (/^[<>]/.test(operator) && this.#bare && this.#word !== undefined && /^\d$/.test(this.#word)) {
      // `2>`: which descriptor does not matter.
      this.#word = undefined
    }
    this.#endWord()
    this.#at += operator.length
    if (operator === '<<' || operator === '<<-') {
      this.#awaiting = operator
    } else if (first === '\n') {
      this.#tokens.push({ kind: 'operator', text: ';' })
      this.#documents()
    } else {
      this.#tokens.push({ kind: 'operator', text: operator })
    }
  }

  /** Reads the here-documents whose operators stood on the line that just ended. */
  #documents(): void {
    for (const { at, end, stripped } of this.#pending) {
      const from = this.#at
      let document = ''
      for (;;) {
        const lineEnd = indexOr(this.#text, '\n', this.#at)
        const line = this.#text.slice(this.#at, lineEnd)
        const done = (stripped ? line.trimStart() : line).trimEnd() === end
        document = this.#text.slice(from, done ? this.#at : lineEnd)
        this.#at = lineEnd + 1
        if (done || lineEnd >= this.#text.length) {
          break
        }
      }
      this.#tokens[at] = { kind: 'operator', text: '<<', document }
    }
    this.#pending = []
  }

  #add(part: string, bare: boolean): void {
    this.#word = (this.#word ?? '') + part
    this.#bare &&= bare
  }

  #endWord(): void {
    if (this.#word !== undefined) {
      if (this.#awaiting === undefined) {
        this.#tokens.push({ kind: 'word', text: this.#word, bare: this.#bare })
      } else {
        this.#pending.push({ at: this.#tokens.length, end: this.#word, stripped: this.#awaiting === '<<-' })
        this.#tokens.push({ kind: 'operator', text: '<<', document: '' })
        this.#awaiting = undefined
      }
    }
    this.#word = undefined
    this.#bare = true
  }

  #skipTo(character: string): void {
    this.#at = indexOr(this.#text, character, this.#at)
  }
}

/** Where `character` is from `from` on, or the end of the text. */
function indexOr(text: string, character: string, from: number): number {
  const at = text.indexOf(character, from)
  return at < 0 ? text.length : at
}

/** The `)` that closes what was opened before `from`, quotes and nesting observed. */
function closing(text: string, from: number): number {
  let depth = 1
  let quoted = false
  for (let at = from; at < text.length; at += 1) {
    const character = text[at]
    if (character === '\\') {
      at += 1
    } else if (character === '"') {
      quoted = !quoted
    } else if (character === "'" && !quoted) {
      at = indexOr(text, "'", at + 1)
    } else if (character === '(') {
      depth += 1
    } else if (character === ')') {
      depth -= 1
      if (depth === 0) {
        return at
      }
    }
  }
  return text.length
}

function closingAnsi(text: string, from: number): number {
  let at = from
  while (at < text.length && text[at] !== "'") {
    at += text[at] === '\\' ? 2 : 1
  }
  return Math.min(at, text.length)
}

const ANSI = /\\(?:x([0-9a-fA-F]{1,2})|([0-7]{1,3})|u([0-9a-fA-F]{1,4})|(.))/gs
const ANSI_LETTERS: ReadonlyMap<string, string> = new Map([
  ['n', '\n'],
  ['t', '\t'],
  ['r', '\r'],
  ['e', '\u001b'],
])

/** What `$'...'`, `printf` and `echo -e` make of their escapes. */
export function ansi(text: string): string {
  return text.replace(ANSI, (_, hex?: string, octal?: string, unit?: string, letter?: string) => {
    if (letter !== undefined) {
      return ANSI_LETTERS.get(letter) ?? letter
    }
    return String.fromCharCode(Number.parseInt(hex ?? octal ?? unit ?? '', octal === undefined ? 16 : 8))
  })
}
