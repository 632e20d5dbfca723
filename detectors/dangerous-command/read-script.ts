/**
 * Reads a shell script into the simple commands that it would run: out of pipelines, lists, loops, functions,
 * substitutions, wrappers (`wrappers.ts`) and scripts handed to another shell, decoded where they are encoded.
 */
import { TextMemory } from '../../schema/text-memory.ts'
import { COMMAND_LIMIT, type Command, DEPTH_LIMIT, type Redirect } from './command.ts'
import { folderAfter, Whereabouts } from './folder.ts'
import { printed } from './printed.ts'
import { readWords, type Token } from './words.ts'
import { type Inner, unwrap } from './wrappers.ts'

const KEYWORDS = new Set([
  'if',
  'then',
  'elif',
  'else',
  'fi',
  'while',
  'until',
  'do',
  'done',
  'esac',
  '{',
  '}',
  '!',
  'time',
  'function',
  'coproc',
])
const ENDS = new Set([';', '&', '&&', '||', ';;', '(', ')', '|', '|&'])
const ASSIGNMENT = /^([A-Za-z_][A-Za-z0-9_]{0,63})\+?=/
const VARIABLE = /\$(?:\{([A-Za-z_]\w{0,63})(?:[:#%/^,][^}]{0,200})?\}|([A-Za-z_]\w{0,63}))/g
/** `$(which python || which python3)`, `$(command -v perl)`: the program it finds. */
const FOUND_PROGRAM = /^\$\(\s*(?:which|command -v|type -p)\s+([\w./-]{1,64})/
/** What another variable or a substitution decides. */
const OPEN_VALUE = /\$(?!\{?HOME\b)/
/** The longest value of a variable that is put in its place, and the longest word that it is put into. */
const VALUE_LIMIT = 256
const WORD_LIMIT = 1024
/** UTF-16 units read of all scripts in a script, those in it included: they are read again. */
const UNIT_LIMIT = 24 * 1024
/** Words of a script that are read as paths in the folder that the script went to: each is judged by where it lies. */
const PLACED_LIMIT = 500
const SHELLS = new Set(['sh', 'bash', 'zsh', 'dash', 'ksh', 'ash', 'fish', 'csh', 'tcsh', 'busybox'])

/** UTF-16 units of the scripts that are remembered: several detectors read the script of one call. */
const REMEMBERED = 256 * 1024
const scripts = new TextMemory(read, REMEMBERED, 'first')

/** Reads a script. Bounded in commands and depth; never throws. */
export function readScript(text: string): readonly Command[] {
  return scripts.of(text)
}

function read(text: string): readonly Command[] {
  const reader = new Reader()
  reader.script(text, 0, [])
  return reader.commands
}

/** A name without its folder, in lower case. */
export function programName(word: string): string {
  return word
    .slice(Math.max(word.lastIndexOf('/'), word.lastIndexOf('\\')) + 1)
    .toLowerCase()
    .replace(/\.exe$/, '')
}

/** Whether it runs the scripts it is given. */
export function isShell(name: string): boolean {
  return SHELLS.has(name)
}

class Reader {
  readonly commands: Command[] = []
  readonly #variables = new Map<string, string>()
  #where = new Whereabouts(undefined)
  /** Words of commands that were put into a folder so far. */
  #placed = 0
  #units = 0

  script(text: string, depth: number, wrappers: readonly string[]): void {
    if (depth > DEPTH_LIMIT || this.commands.length >= COMMAND_LIMIT || this.#units > UNIT_LIMIT) {
      return
    }
    this.#units += text.length
    const { tokens, inner } = readWords(text)
    const simple = new Simple()
    let from: Command | undefined
    let loops = 0
    const outside = this.#where
    this.#where = new Whereabouts(outside.folder)
    const end = (operator: string) => {
      const folder = this.#placing(this.#where.folder, simple.length)
      const made = simple.take(this.#variables, { wrappers, from, looped: loops > 0, folder })
      from = undefined
      if (made !== undefined) {
        const last = this.#add(made, depth)
        from = operator === '|' || operator === '|&' ? last : undefined
      }
      this.#where.follow(made, operator)
    }
    for (const token of tokens) {
      if (token.kind === 'word') {
        const keyword = token.bare && simple.length === 0 && KEYWORDS.has(token.text)
        loops += keyword && token.text === 'do' ? 1 : keyword && token.text === 'done' && loops > 0 ? -1 : 0
        if (!keyword) {
          simple.word(token.text)
        }
      } else if (ENDS.has(token.text)) {
        end(token.text)
      } else {
        simple.operator(token)
      }
    }
    end(';')
    // Who leaves another script is where it was entered.
    this.#where = outside
    for (const script of inner) {
      this.script(script, depth + 1, wrappers)
    }
  }

  /** Adds the command and whatever it runs; returns the one whose output goes on. */
  #add(command: Command, depth: number): Command {
    if (this.commands.length >= COMMAND_LIMIT) {
      return command
    }
    const unwrapped = unwrap(command)
    if (unwrapped !== undefined) {
      // A wrapper stays visible for what it does itself (`find -delete`, `docker run -v /:/`, `xargs`).
      this.commands.push(command)
      return this.#run(unwrapped, command, depth)
    }
    this.commands.push(command)
    const script =
      isShell(command.name) && command.args.every((arg) => arg.startsWith('-')) ? givenTo(command) : undefined
    if (script !== undefined) {
      this.script(script, depth + 1, [...command.wrappers, command.name])
    }
    return command
  }

  /** The folder, as long as not too many words were put into one. */
  #placing(folder: string | undefined, words: number): string | undefined {
    this.#placed += folder === undefined ? 0 : words
    return this.#placed <= PLACED_LIMIT ? folder : undefined
  }

  #run(inner: Inner, command: Command, depth: number): Command {
    const wrappers = [...command.wrappers, command.name]
    if (inner.kind === 'script') {
      this.script(inner.text, depth + 1, wrappers)
      return command
    }
    let last = command
    for (const words of inner.commands) {
      const simple = new Simple()
      for (const word of words) {
        simple.word(word)
      }
      const { from, looped } = command
      const folder =
        inner.folder === undefined
          ? command.folder
          : this.#placing(folderAfter({ name: 'cd', args: [inner.folder] }, command.folder), words.length)
      const made = simple.take(this.#variables, { wrappers, from, looped, folder })
      if (made !== undefined && depth < DEPTH_LIMIT) {
        // Output and input are those of the wrapper.
        const { redirects, input } = command
        last = this.#add(
          {
            ...made,
            narrowed: inner.narrowed === true,
            redirects: [...made.redirects, ...redirects],
            input: made.input ?? input,
          },
          depth + 1,
        )
      }
    }
    return last
  }
}

/** What a shell that reads its input is told to do, where the script itself says it. */
function givenTo(command: Command): string | undefined {
  return command.input ?? (command.from === undefined ? undefined : printed(command.from))
}

type Around = Pick<Command, 'wrappers' | 'from' | 'looped' | 'folder'>

/** The parts of one simple command, while they are read. */
class Simple {
  #words: string[] = []
  #redirects: Redirect[] = []
  #input: string | undefined
  #redirecting: string | undefined

  get length(): number {
    return this.#words.length
  }

  word(text: string): void {
    const operator = this.#redirecting
    this.#redirecting = undefined
    if (operator === undefined) {
      this.#words.push(text)
    } else if (operator === '<<<') {
      this.#input = text
    } else if (operator !== '>&' || !/^[\d-]$/.test(text)) {
      const kind = operator.startsWith('<') ? 'read' : operator.endsWith('>>') ? 'append' : 'write'
      this.#redirects.push({ kind, target: text })
    }
  }

  operator(token: Extract<Token, { kind: 'operator' }>): void {
    if (token.document === undefined) {
      this.#redirecting = token.text
    } else {
      this.#input = token.document
    }
  }

  /** The command so far, and begins the next. */
  take(variables: Map<string, string>, around: Around): Command | undefined {
    const words = this.#words
    const redirects = this.#redirects.map(({ kind, target }) => ({ kind, target: expand(target, variables) }))
    const input = this.#input
    this.#words = []
    this.#redirects = []
    this.#input = undefined
    this.#redirecting = undefined
    if (words.length === 0 && redirects.length === 0) {
      return undefined
    }
    const assigns: [string, string][] = []
    let at = 0
    for (; at < words.length; at += 1) {
      const word = words[at] as string
      const name = ASSIGNMENT.exec(word)?.[1]
      if (name === undefined) {
        break
      }
      assigns.push([name, expand(word.slice(word.indexOf('=') + 1), variables)])
    }
    const program = expand(words[at] ?? '', variables)
    const args = words.slice(at + 1).map((word) => expand(word, variables))
    const name = programName(program)
    const exported = name === 'export' || name === 'declare' || name === 'set' ? args.flatMap(assignmentOf) : []
    for (const [variable, value] of [...assigns, ...exported]) {
      if (value.length <= VALUE_LIMIT) {
        variables.set(variable, programOr(value))
      }
    }
    const { wrappers, from, looped, folder } = around
    const all = exported.length === 0 ? assigns : [...assigns, ...exported]
    return { name, args, assigns: all, redirects, input, from, wrappers, narrowed: false, looped, folder }
  }
}

function assignmentOf(word: string): [string, string][] {
  const name = ASSIGNMENT.exec(word)?.[1]
  return name === undefined ? [] : [[name, word.slice(word.indexOf('=') + 1)]]
}

const programOr = (value: string) => FOUND_PROGRAM.exec(value)?.[1] ?? value

function expand(word: string, variables: ReadonlyMap<string, string>): string {
  if (variables.size === 0 || word.length > WORD_LIMIT || !word.includes('$')) {
    return word
  }
  return word.replace(VARIABLE, (whole, braced?: string, plain?: string) => {
    const value = variables.get(braced ?? plain ?? '')
    return value === undefined || value === '' || OPEN_VALUE.test(value) ? whole : value
  })
}
