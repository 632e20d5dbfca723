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

/** The folder after a command. `undefined`: nobody can tell. */
export function folderAfter({ name, args }: Pick<Command, 'name' | 'args'>, folder: string | undefined) {
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
