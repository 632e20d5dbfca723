/** The registered system prompts of a policy, compiled: sets of hashed shingles, inline or from files beside the policy. */
import type { RegisteredPrompt } from '../schema/policy/system-prompts.ts'
import { readShingleFile, SHINGLE_FILE_ENDING } from './shingle-file.ts'
import { FEWEST_SHINGLES } from './shingles.ts'
import { nearest } from './suggestion.ts'
import type { SectionProblem } from './verdict.ts'

/** The texts of shingle files, by the name under which policies refer to them. */
export type ShingleFiles = ReadonlyMap<string, string>

/** Compiles `system_prompts` of one policy. What cannot be used is a problem, and an empty set. */
export function compileSystemPrompts(
  prompts: readonly RegisteredPrompt[],
  files: ShingleFiles,
): { readonly prompts: readonly ReadonlySet<number>[]; readonly problems: readonly SectionProblem[] } {
  const problems: SectionProblem[] = []
  return { prompts: prompts.map((prompt, index) => readPrompt(prompt, index, files, problems)), problems }
}

/** The shingles of one registered prompt; what they should be is told when they cannot be used. */
function readPrompt(
  { shingles, file }: RegisteredPrompt,
  index: number,
  files: ShingleFiles,
  problems: SectionProblem[],
): ReadonlySet<number> {
  const complain = (path: readonly string[], message: string, suggestion?: string): ReadonlySet<number> => {
    problems.push({ path: [index, ...path], message, ...(suggestion === undefined ? {} : { suggestion }) })
    return new Set<number>()
  }
  if ((shingles === undefined) === (file === undefined)) {
    return complain([], "a registered prompt needs either 'shingles' or 'file'")
  }
  if (file === undefined) {
    const found = new Set(shingles)
    return found.size < FEWEST_SHINGLES ? complain(['shingles'], tooFew(found.size), REGISTER_MORE) : found
  }
  const text = files.get(file)
  if (text === undefined) {
    const meant = nearest(file, [...files.keys()])
    const hint =
      meant === undefined
        ? `shingle files stand beside the policies and end in ${SHINGLE_FILE_ENDING}; telltale shingles makes them`
        : `did you mean '${meant}'?`
    return complain(['file'], `there is no file '${file}'`, hint)
  }
  const read = readShingleFile(text)
  if (read.wrongLine !== undefined) {
    return complain(['file'], `line ${read.wrongLine} of '${file}' is not a shingle`, MAKE_FILE)
  }
  return read.shingles.size < FEWEST_SHINGLES
    ? complain(['file'], `'${file}': ${tooFew(read.shingles.size)}`, REGISTER_MORE)
    : read.shingles
}

const MAKE_FILE = 'telltale shingles makes such files'
const REGISTER_MORE = 'register a longer prompt'
const tooFew = (count: number) => `too few shingles (${count}): by fewer than ${FEWEST_SHINGLES} no leak is recognised`
