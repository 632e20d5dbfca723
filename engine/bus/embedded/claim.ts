/**
 * One process per data directory. The claim is a reader slot in a small LMDB environment of its own: the operating
 * system releases it however the process ends, so there is no stale lock file to explain, and the slots name the
 * process that holds the directory. Each process takes its slot first and looks second, so of two that start
 * together at least one sees the other.
 */
import { mkdirSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { open } from 'lmdb'
import { Misconfigured } from '../../../schema/errors.ts'

/** Directories claimed in this process, which has one pid however many buses it opens. */
const claimed = new Set<string>()

/** Throws `Misconfigured`, naming the directory and the other pid, when somebody else has it. */
export function claimDirectory(directory: string): { release(): Promise<void> } {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const path = realpathSync(directory)
  if (claimed.has(path)) {
    throw inUse(directory, process.pid)
  }
  const environment = open({ path: join(path, 'owner'), noSubdir: false, overlappingSync: false })
  const slot = environment.useReadTransaction()
  // A slot is taken by the first read, not by the transaction.
  environment.get('owner', { transaction: slot })
  const others = slotHolders(environment.readerList())
  others.splice(others.indexOf(process.pid), 1)
  const release = async (): Promise<void> => {
    slot.done()
    claimed.delete(path)
    await environment.close()
  }
  const [other] = others
  if (other !== undefined) {
    void release()
    throw inUse(directory, other)
  }
  claimed.add(path)
  return { release }
}

/** Rows of `pid thread txnid` below a heading. */
function slotHolders(readerList: string): number[] {
  return [...readerList.matchAll(/^[ \t]*(\d+)[ \t]/gm)].map(([, pid]) => Number(pid))
}

function inUse(directory: string, pid: number): Misconfigured {
  return new Misconfigured([
    {
      file: directory,
      message: `the data directory is in use by process ${pid}`,
      suggestion: 'stop that process, or give this one a data directory of its own',
    },
  ])
}
