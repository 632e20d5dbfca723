/** The section `tokens` of a policy, compiled: scopes, audiences and lifetimes of the credentials an agent may hold. */
import type { TokenPolicy } from '../schema/policy/tokens.ts'
import { quoteName } from '../schema/quote-name.ts'
import { describeDuration, durationMs, writeDuration } from './duration.ts'
import { compileGlob } from './glob.ts'
import { ALLOWED, type Judgement, type LineOf, referenceTo, summarize } from './verdict.ts'

export interface TokenRules {
  judgeScope(scope: string): Judgement<'scope'>
  /** @param audience a host, a URL or any identifier, as the credential names it */
  judgeAudience(audience: string): Judgement<'audience'>
  judgeLifetime(seconds: number): Judgement<'lifetime'>
  /** Whether the policy lists scopes: then nobody else has an opinion about them. */
  readonly limitsScopes: boolean
  /** Whether the policy says how long a credential may live: then nobody else has an opinion about it. */
  readonly limitsLifetime: boolean
}

/** Compiles `tokens` of one policy. `lineOf` gives the line of a path inside `tokens`. */
export function compileTokens(policy: TokenPolicy, file: string, lineOf: LineOf): TokenRules {
  const { scopes, audiences, max_lifetime: written } = policy
  const allowedScopes = scopes?.map(compileGlob)
  const allowedAudiences = audiences?.map(compileAudience)
  const maxMs = written === undefined ? undefined : durationMs(written)
  return {
    judgeScope: (scope) =>
      allowedScopes === undefined || allowedScopes.some((matches) => matches(scope))
        ? ALLOWED
        : {
            allowed: false,
            because: 'scope',
            expected: `scopes ${summarize(scopes ?? [], 'none')}`,
            policy: referenceTo(file, lineOf(['scopes']), `add ${quoteName(scope)} to tokens.scopes`),
          },
    judgeAudience: (audience) =>
      allowedAudiences === undefined || allowedAudiences.some((matches) => matches(audience))
        ? ALLOWED
        : {
            allowed: false,
            because: 'audience',
            expected: `audience ${summarize(audiences ?? [], 'none')}`,
            policy: referenceTo(
              file,
              lineOf(['audiences']),
              `add ${quoteName(hostOf(audience) ?? audience)} to tokens.audiences`,
            ),
          },
    judgeLifetime: (seconds) =>
      maxMs === undefined || seconds * 1000 <= maxMs
        ? ALLOWED
        : {
            allowed: false,
            because: 'lifetime',
            expected: `a lifetime of at most ${describeDuration(maxMs)}`,
            policy: referenceTo(
              file,
              lineOf(['max_lifetime']),
              `set tokens.max_lifetime to ${writeDuration(seconds * 1000)}`,
            ),
          },
    limitsScopes: scopes !== undefined,
    limitsLifetime: maxMs !== undefined,
  }
}

/**
 * A pattern without a slash is one of hosts and is compared with the host of a URL alone: the rest of the URL is the
 * sender's to choose, and must not make it look like another host.
 */
function compileAudience(pattern: string): (audience: string) => boolean {
  const matches = compileGlob(pattern.toLowerCase())
  if (pattern.includes('/')) {
    return (audience) => matches(audience.toLowerCase())
  }
  return (audience) => {
    const host = hostOf(audience) ?? audience.toLowerCase()
    return !host.includes('/') && matches(host)
  }
}

/** The host of an audience that is a URL. */
function hostOf(audience: string): string | undefined {
  if (!audience.includes('://')) {
    return undefined
  }
  try {
    return new URL(audience).hostname.toLowerCase() || undefined
  } catch {
    return undefined
  }
}
