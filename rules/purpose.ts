/** The purpose part of a policy, compiled: what the declared purpose forbids, what the policy adds, and its exceptions. */
import type { PolicyReference } from '../schema/finding.ts'
import { ACTS, type Act, type PurposePolicy, type Use } from '../schema/policy/purpose.ts'
import { quoteName } from '../schema/quote-name.ts'
import { compileIdGlob } from './dataset-ids.ts'
import { PURPOSES } from './purposes.ts'
import { nearest } from './suggestion.ts'
import { type LineOf, referenceTo, type SectionProblem, summarize } from './verdict.ts'

/** What was done with one thing, as far as it is known, with the names under which an entry may speak of it. */
export interface Used {
  readonly acts: ReadonlySet<Act>
  /** A tool, and a dataset where it is about one. */
  readonly names: readonly string[]
}

/** Something that does not go with the purpose. */
export interface Conflict {
  /** The entry that forbids it: `delete`, `write on feature-store/*`. */
  readonly forbidden: string
  /** Whether the declared purpose itself forbids it, or an entry of the policy. */
  readonly by: 'purpose' | 'entry'
  readonly expected: string
  readonly policy: PolicyReference
}

/** What a policy says of the purpose of an agent. */
export interface PurposeRules {
  readonly declared: string
  /** The first entry that forbids it, if no exception allows it. */
  judge(used: Used): Conflict | undefined
}

interface Rule {
  readonly text: string
  /** The one act that it is about; `undefined`: any. */
  readonly act: Act | undefined
  readonly line: number | undefined
  readonly by: Conflict['by']
  /** @param used with its names in lower case */
  matches(used: Used): boolean
}

/** Compiles `purpose` of one policy. `lineOf` gives the line of a path inside `purpose`. */
export function compilePurpose(
  policy: PurposePolicy,
  file: string,
  lineOf: LineOf,
): PurposeRules & { readonly problems: readonly SectionProblem[] } {
  const preset = PURPOSES.get(policy.declared.toLowerCase())
  const own = (policy.forbid ?? []).map((use, index) => compileRule(use, lineOf(['forbid', index]), 'entry'))
  const forbidden = [...own, ...(preset ?? []).map((use) => compileRule(use, lineOf(['declared']), 'purpose'))]
  const allowed = (policy.allow ?? []).map((use, index) => compileRule(use, lineOf(['allow', index]), 'entry'))
  const expected = `${policy.declared}: never ${summarize(
    forbidden.map(({ text }) => text),
    'anything that is forbidden',
  )}`
  return {
    declared: policy.declared,
    judge: (asked) => {
      const used = { acts: asked.acts, names: asked.names.map((name) => name.toLowerCase()) }
      const rule = forbidden.find((each) => each.matches(used))
      // Leave to send is none to delete, though one call does both.
      const forgiven = rule?.act === undefined ? used : { ...used, acts: new Set([rule.act]) }
      if (rule === undefined || allowed.some((each) => each.matches(forgiven))) {
        return undefined
      }
      const allowWith = `add ${quoteName(asked.names[0] ?? '')} to purpose.allow`
      return { forbidden: rule.text, by: rule.by, expected, policy: referenceTo(file, rule.line, allowWith) }
    },
    problems: [
      ...unknownPurpose(policy, preset !== undefined),
      ...misspelled(policy.forbid, 'forbid'),
      ...misspelled(policy.allow, 'allow'),
    ],
  }
}

function compileRule(use: Use, line: number | undefined, by: Conflict['by']): Rule {
  const { act, on } =
    typeof use !== 'string' ? use : isAct(use) ? { act: use, on: undefined } : { act: undefined, on: use }
  const glob = on === undefined ? undefined : compileIdGlob(on.toLowerCase())
  const text = act === undefined ? (on ?? '') : on === undefined ? act : `${act} on ${on}`
  return {
    text,
    act,
    line,
    by,
    matches: (used) =>
      (act === undefined || used.acts.has(act)) && (glob === undefined || used.names.some((name) => glob.names(name))),
  }
}

function isAct(word: string): word is Act {
  return (ACTS as readonly string[]).includes(word)
}

function unknownPurpose({ declared, forbid }: PurposePolicy, known: boolean): SectionProblem[] {
  if (known || (forbid ?? []).length > 0) {
    return []
  }
  const meant = nearest(declared, [...PURPOSES.keys()])
  const message = `nothing is known of the purpose '${declared.slice(0, 60)}', and 'forbid' is absent: it would forbid nothing`
  const suggestion =
    meant === undefined
      ? `say what to forbid, or declare one of: ${[...PURPOSES.keys()].join(', ')}`
      : `did you mean '${meant}'?`
  return [{ path: ['declared'], message, suggestion }]
}

/** A word that is nearly an act would be taken for the name of a tool, and forbid nothing. */
function misspelled(uses: readonly Use[] | undefined, list: string): SectionProblem[] {
  return (uses ?? []).flatMap((use, index) => {
    const meant = typeof use === 'string' && !isAct(use) && /^[a-z]+$/i.test(use) ? nearest(use, ACTS) : undefined
    return meant === undefined
      ? []
      : [
          {
            path: [list, index],
            message: `'${String(use)}' is no act`,
            suggestion: `did you mean '${meant}'? A tool or dataset that is called so is written {on: ${String(use)}}`,
          },
        ]
  })
}
