/** Reads a directory of policies: before anything starts, and again when its files change (`watch.ts`). */
import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { Misconfigured, type Problem } from '../schema/errors.ts'
import { compilePolicies, type LoadedPolicies, type PolicyFile } from './compile.ts'
import { SHINGLE_FILE_ENDING } from './shingle-file.ts'
import { YAML_FILE_LIMIT } from './yaml-document.ts'

/**
 * Loads `*.yml` and `*.yaml` of a directory (not of those below it), in the order of their names, and the
 * `*.shingles` files that they refer to. Throws `Misconfigured` with every problem of every file.
 */
export async function loadPolicies(directory: string): Promise<LoadedPolicies> {
  const problems: Problem[] = []
  const files: PolicyFile[] = []
  const shingleFiles = new Map<string, string>()
  for (const name of await listDirectory(directory)) {
    if (!isPolicyPart(name)) {
      continue
    }
    const isPolicy = !name.endsWith(SHINGLE_FILE_ENDING)
    const path = join(directory, name)
    const read = await readText(path)
    if ('message' in read) {
      problems.push({ file: path, message: read.message })
    } else if (isPolicy) {
      files.push({ path, name: `${basename(resolve(directory))}/${name}`, text: read.text })
    } else {
      shingleFiles.set(name, read.text)
    }
  }
  return compileAll(files, shingleFiles, problems)
}

/** Whether a file of the directory says anything about policies, by its name. */
export function isPolicyPart(name: string): boolean {
  return /\.ya?ml$/.test(name) || name.endsWith(SHINGLE_FILE_ENDING)
}

function compileAll(
  files: readonly PolicyFile[],
  shingles: Map<string, string>,
  unread: readonly Problem[],
): LoadedPolicies {
  try {
    const policies = compilePolicies(files, shingles)
    if (unread.length === 0) {
      return policies
    }
  } catch (error) {
    if (!(error instanceof Misconfigured)) {
      throw error
    }
    throw new Misconfigured([...unread, ...error.problems])
  }
  throw new Misconfigured(unread)
}

async function listDirectory(directory: string): Promise<string[]> {
  try {
    return (await readdir(directory)).sort()
  } catch (error) {
    throw new Misconfigured([{ file: directory, message: `cannot be listed: ${(error as Error).message}` }])
  }
}

async function readText(path: string): Promise<{ readonly text: string } | { readonly message: string }> {
  try {
    const found = await stat(path)
    if (!found.isFile()) {
      return { message: 'is not a file' }
    }
    if (found.size > YAML_FILE_LIMIT) {
      return { message: `has ${found.size} bytes; at most ${YAML_FILE_LIMIT}` }
    }
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(await readFile(path)) }
  } catch (error) {
    return { message: `cannot be read: ${(error as Error).message}` }
  }
}
