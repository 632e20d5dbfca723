/** Scopes and audiences of the credentials that agents ask for or are given. */
import { compileTokens } from '../tokens.ts'
import { defineLearned, NO_LINE } from './use.ts'

export const tokens = defineLearned<'tokens', string>({
  section: 'tokens',
  lists: ['scopes', 'audiences'],
  usesOf: ({ token }) => {
    if (token === null) {
      return []
    }
    const { scopes_requested: requested = [], scopes_granted: granted } = token
    const scopes = [...new Set([...requested, ...(granted ?? [])])]
    return [
      ...scopes.map((scope) => ({
        list: 'scopes',
        entry: scope,
        question: scope,
        // Where nothing says what was granted, the outcome does.
        isDenied: granted !== undefined && !granted.includes(scope),
      })),
      ...(token.audience === undefined
        ? []
        : [{ list: 'audiences', entry: token.audience.toLowerCase(), question: token.audience }]),
    ]
  },
  isNarrow: ({ detector, evidence: { rule } }) =>
    detector === 'token-scope' && (rule === 'scope' || rule === 'audience'),
  judge: (policy) => {
    const rules = compileTokens(policy, '', NO_LINE)
    return ({ list, question }) =>
      (list === 'scopes' ? rules.judgeScope(question) : rules.judgeAudience(question)).allowed
  },
})
