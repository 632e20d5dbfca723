/** A shell script as its reader sees it: the simple commands in it, whatever they are wrapped in. */

/** Where output goes or input comes from: `> file`, `>> file`, `< file`. */
export interface Redirect {
  readonly kind: 'write' | 'append' | 'read'
  readonly target: string
}

/** One simple command, its wrappers (`sudo`, `nohup`, `xargs`, `find -exec`, ...) taken off. */
export interface Command {
  /** Lower case, without its folder: `/usr/bin/Curl` is `curl`. Empty for assignments and redirections alone. */
  readonly name: string
  /** Quotes removed, variables that the script itself set replaced; substitutions stay as they are written. */
  readonly args: readonly string[]
  /** `NAME=value` before the command. */
  readonly assigns: readonly (readonly [name: string, value: string])[]
  readonly redirects: readonly Redirect[]
  /** What stands in a here-document or here-string for it. */
  readonly input: string | undefined
  /** The command whose output it reads. */
  readonly from: Command | undefined
  /** What ran it: `sudo`, `xargs`, `find`, `ssh`, ... outermost first. */
  readonly wrappers: readonly string[]
  /** What `find` gives it is narrowed by age, size or owner: tidying up, more often than harm. */
  readonly narrowed: boolean
  /** Inside a loop of the script. */
  readonly looped: boolean
  /** Where it runs, when the script went there: `cd / && ...`. */
  readonly folder: string | undefined
}

/** What bounds reading: texts are at most 8 KiB, but nesting and repetition multiply. */
export const COMMAND_LIMIT = 200
/** How deep scripts may stand in scripts: `sh -c`, `$(...)`, decoded text. */
export const DEPTH_LIMIT = 5
