/** The folder that a command of a script runs in, as far as the script itself says: `cd /var/log && rm *`. */
import { posix } from 'node:path'
import type { Command } from './command.ts'

/** `~`, variables and Windows drives say where they lie; addresses and options are no paths. */
const ROOTED = /^(?:[/~$`-]|[A-Za-z]:\\|[a-z][a-z0-9+.-]{1,10}:\/\/)/
const UNKNOWN = /[$`*?]/
/** The longest folder that is followed. */
const LONGEST = 100
const UPWARDS = /(?:^|\/)\.{0,2}(?:\/|$)/

/** A path as a command that runs in the folder means it. */
export function pathIn(folder: string | undefined, path: string): string {
  if (folder === undefined || path === '' || ROOTED.test(path)) {
    return path
  }
  const joined = folder === '/' ? `/${path}` : `${folder}/${path}`
  const whole = UPWARDS.test(path) ? posix.normalize(joined) : joined
  // What lies above a home folder is not known.
  return folder.startsWith('~') && !whole.startsWith('~') ? path : whole
}

type Going = Pick<Command, 'name' | 'args'>

/** The folder after a command. `undefined`: nobody can tell. */
export function folderAfter({ name, args }: Going, folder: string | undefined): string | undefined {
  const [inner] = args
  if ((name === 'builtin' || name === 'command') && inner !== undefined && !inner.startsWith('-')) {
    return folderAfter({ name: inner, args: args.slice(1) }, folder)
  }
  if (name === 'popd') {
    return undefined
  }
  if (name !== 'cd' && name !== 'pushd') {
    return folder
  }
  const target = (args.find((arg) => arg === '-' || !arg.startsWith('-')) ?? '~').replace(/^\$\{?HOME\}?(?=\/|$)/, '~')
  if (target === '-' || UNKNOWN.test(target)) {
    return undefined
  }
  const entered = pathIn(folder, target)
  return ROOTED.test(entered) && entered.length <= LONGEST
    ? posix.normalize(entered).replace(/(.)\/$/, '$1')
    : undefined
}

/** Where a script is while it is read. Each side of a pipe, `(...)` and what runs in the background go nowhere but for themselves. */
export class Whereabouts {
  folder: string | undefined
  /** Where the list of commands began that `&` would send to the background. */
  #began: string | undefined
  #piped = false
  readonly #left: { readonly folder: string | undefined; readonly began: string | undefined }[] = []

  constructor(folder: string | undefined) {
    this.folder = folder
    this.#began = folder
  }

  /** Goes on behind a command, if there was one, and the operator that ended it. */
  follow(command: Going | undefined, operator: string): void {
    const feeds = operator === '|' || operator === '|&'
    if (command !== undefined && !feeds && !this.#piped) {
      this.folder = folderAfter(command, this.folder)
    }
    this.#piped = feeds
    if (operator === '(') {
      this.#left.push({ folder: this.folder, began: this.#began })
      this.#began = this.folder
    } else if (operator === ')') {
      const left = this.#left.pop()
      this.folder = left === undefined ? this.folder : left.folder
      this.#began = left === undefined ? this.#began : left.began
    } else if (operator === '&') {
      this.folder = this.#began
    } else if (operator === ';' || operator === ';;') {
      this.#began = this.folder
    }
  }
}
