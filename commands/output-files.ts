/** Output files of a replay: found to be writable before an hour of work, and not the recording itself. */
import { closeSync, existsSync, openSync, realpathSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { Misconfigured, type Problem } from '../schema/errors.ts'

export interface Outputs {
  readonly files: readonly string[]
  readonly out?: string
  readonly events?: string
}

/** @throws Misconfigured with everything that stands in the way of writing. */
export function checkOutputs({ files, out, events }: Outputs): void {
  const inputs = new Set(files.map(placeOf))
  const problems: Problem[] = []
  for (const file of [out, events].filter((name) => name !== undefined)) {
    const problem = inputs.has(placeOf(file))
      ? 'is one of the recordings, which would be overwritten'
      : unwritable(file, file === events)
    problems.push(...(problem === undefined ? [] : [{ file, message: problem }]))
  }
  if (out !== undefined && events !== undefined && placeOf(out) === placeOf(events)) {
    problems.push({ file: out, message: 'cannot take the alerts and the events' })
  }
  if (problems.length > 0) {
    throw new Misconfigured(problems)
  }
}

/** @param replaced whether another file is renamed to it in the end, which only a regular file bears. */
function unwritable(file: string, replaced: boolean): string | undefined {
  try {
    const isRegular = !existsSync(file) || statSync(file).isFile()
    if (isRegular || statSync(file).isDirectory()) {
      closeSync(openSync(file, 'a', 0o600))
    }
    return replaced && !isRegular ? 'is not a regular file' : undefined
  } catch (error) {
    return `cannot be written: ${(error as Error).message}`
  }
}

/** The same for every name of one file. */
function placeOf(file: string): string {
  const path = resolve(file)
  try {
    return realpathSync(path)
  } catch {
    const parent = dirname(path)
    return existsSync(parent) ? join(realpathSync(parent), basename(path)) : path
  }
}
