/** What a policy grants, entry by entry, for who asks which entries are used. */
import type { Policy } from '../../schema/policy.ts'
import type { LineOf } from '../verdict.ts'
import { learnedSections } from './index.ts'
import { type AnyLearnedSection, entryText, type Grant, type Grants, type PolicyEntry } from './use.ts'

export const NO_GRANTS: Grants = { entries: [], allows: () => undefined }

/** @param at where a section stands: its file, and the line of each part. */
export function grantsOf(
  policy: Policy,
  at: (section: keyof Policy) => readonly [file: string, lineOf: LineOf],
): Grants {
  const judges = new Map(
    learnedSections.flatMap((learned) => {
      const value = sectionOf(policy, learned)
      return value === undefined ? [] : [[learned.section as string, learned.judge(value)] as const]
    }),
  )
  const entries = learnedSections.flatMap((learned) =>
    learned.lists.flatMap((list) => entriesOf(learned, list, policy, at(learned.section as keyof Policy))),
  )
  return {
    entries,
    allows: (section, used) => judges.get(section)?.(used),
  }
}

type Lists = Readonly<Record<string, unknown>>

function sectionOf(policy: Policy, { section }: AnyLearnedSection): Lists | undefined {
  return policy[section as keyof Policy] as Lists | undefined
}

function entriesOf(
  learned: AnyLearnedSection,
  list: string,
  policy: Policy,
  [file, lineOf]: readonly [string, LineOf],
): readonly Grant[] {
  const entries = (sectionOf(policy, learned)?.[list] ?? []) as readonly PolicyEntry[]
  return entries.map((entry, index) => {
    const covers = learned.judge({ [list]: [entry] })
    return {
      section: learned.section,
      list,
      text: textOf(entry),
      file,
      line: lineOf([list, index]),
      covers: (used) => used.list === list && covers(used),
    }
  })
}

/** Entries that are neither names nor pinned tools are told as they are written. */
function textOf(entry: PolicyEntry | object): string {
  return typeof entry === 'string' || ('name' in entry && 'server' in entry) ? entryText(entry) : JSON.stringify(entry)
}
