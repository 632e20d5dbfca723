/**
 * Policies that follow their files: a directory that is changed is read again, a good set takes the place of the one
 * before it, a bad one is refused and the last good one stays.
 *
 * What judges asks this set for the policy of each event, and a batch of events is judged in one go: a set is taken between
 * two batches, never inside one.
 */
import { type FSWatcher, watch } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { describeProblem, Misconfigured } from '../schema/errors.ts'
import type { LoadedPolicies } from './compile.ts'
import { isPolicyPart, loadPolicies } from './load.ts'
import type { PolicySet } from './policy.ts'

/** How the policies stand, for health. */
export interface PolicyState {
  /** Of the set that judges. */
  readonly id: string
  readonly count: number
  /** When it was taken; milliseconds since the epoch. */
  readonly sinceMs: number
  /** What is wrong with the files as they are now, since when; absent when they are what judges. */
  readonly refused?: { readonly sinceMs: number; readonly problems: readonly string[] }
}

/** A set that is whatever the newest good files say. */
export interface LivePolicies extends PolicySet {
  state(): PolicyState
  close(): void
}

export interface WatchOptions {
  /** Told when a set is taken, and when one is refused: once for each change of the files. */
  readonly onTaken?: (state: PolicyState) => void
  readonly onRefused?: (state: Required<PolicyState>) => void
  /** How often the files are looked at, whatever the system says of them. Default 2,000. */
  readonly pollMs?: number
  /** How long the files must have stayed as they are: a set is often several writes. Default 200. */
  readonly settleMs?: number
  readonly now?: () => number
}

/**
 * Follows the policies of a directory. The system's word that something changed makes it quick; since that can be lost (on
 * network drives, in containers, where links are swapped), times and sizes are compared every while, too.
 *
 * @param first what `loadPolicies` made of the directory at the start.
 */
export function watchPolicies(directory: string, first: LoadedPolicies, options: WatchOptions = {}): LivePolicies {
  const { pollMs = 2000, settleMs = 200, now = Date.now } = options
  let current = first
  let sinceMs = now()
  let refused: PolicyState['refused']
  /** The look of the files that were read last. */
  let read: string | undefined
  let isClosed = false
  let looking = false
  let again: NodeJS.Timeout | undefined
  const state = (): PolicyState => ({
    id: current.id,
    count: current.policies.length,
    sinceMs,
    ...(refused === undefined ? {} : { refused }),
  })

  const take = async (): Promise<void> => {
    try {
      const loaded = await loadPolicies(directory)
      if (loaded.policies.length === 0 && current.policies.length > 0) {
        // An empty directory is a mount point without its volume sooner than a wish to judge by nothing.
        const suggestion = 'put them back; to judge by none, start anew with an empty directory'
        throw new Misconfigured([{ file: directory, message: 'holds no policies any more', suggestion }])
      }
      const isOther = loaded.id !== current.id
      const wasRefused = refused !== undefined
      refused = undefined
      if (isOther) {
        current = loaded
        sinceMs = now()
      }
      if (isOther || wasRefused) {
        options.onTaken?.(state())
      }
    } catch (error) {
      if (!(error instanceof Misconfigured)) {
        throw error
      }
      const problems = error.problems.map(describeProblem)
      refused = { sinceMs: refused?.sinceMs ?? now(), problems }
      options.onRefused?.({ ...state(), refused })
    }
  }

  const look = async (): Promise<void> => {
    if (looking || isClosed) {
      return
    }
    looking = true
    try {
      const seen = await lookOf(directory)
      if (seen !== read) {
        await new Promise((resolve) => setTimeout(resolve, settleMs))
        if ((await lookOf(directory)) === seen && !isClosed) {
          read = seen
          await take()
        } else {
          soon()
        }
      }
    } finally {
      looking = false
    }
  }
  const soon = (): void => {
    clearTimeout(again)
    again = isClosed ? undefined : setTimeout(look, settleMs).unref()
  }

  const watcher = watched(directory, soon)
  const poll = setInterval(look, pollMs).unref()
  return {
    get policies() {
      return current.policies
    },
    ...follower(() => current),
    state,
    close: () => {
      isClosed = true
      clearInterval(poll)
      clearTimeout(again)
      watcher?.close()
    },
  }
}

/** Answers by whichever set is the present one. */
function follower(current: () => PolicySet): Pick<PolicySet, 'governing' | 'governingKnown'> {
  return {
    governing: (agent, atMs) => current().governing(agent, atMs),
    governingKnown: (agent, atMs) => current().governingKnown(agent, atMs),
  }
}

/** Quick where it works; where it does not, looking every while is enough. */
function watched(directory: string, onChange: () => void): FSWatcher | undefined {
  try {
    const watcher = watch(directory, { persistent: false }, onChange)
    watcher.on('error', () => watcher.close())
    return watcher
  } catch {
    return undefined
  }
}

/** What changes when a file is written, replaced, linked elsewhere, added or removed. */
async function lookOf(directory: string): Promise<string> {
  try {
    const names = (await readdir(directory)).filter(isPolicyPart).sort()
    const looks = names.map(async (name) => {
      try {
        const { mtimeMs, size, ino } = await stat(join(directory, name))
        return [name, mtimeMs, size, ino]
      } catch {
        return [name]
      }
    })
    return JSON.stringify(await Promise.all(looks))
  } catch {
    return 'unreadable'
  }
}
