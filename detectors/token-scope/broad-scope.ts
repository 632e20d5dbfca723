/** What the name of an OAuth scope or role says of how far it reaches. Names are all that telemetry has. */

import { wordsOf } from '../text/name-words.ts'

/** Words that say the whole of something: `admin:org`, `Sites.FullControl.All`, `AdministratorAccess`. */
const BROAD_WORDS = new Set(
  'admin administrator administratoraccess root superuser sudo owner full fullcontrol fullaccess everything impersonation impersonate'.split(
    ' ',
  ),
)
/** Scopes that reach far although no word in them says so. */
const BROAD_SCOPES = new Set(['cloud-platform', 'user_impersonation', 'poweruseraccess', 'https://mail.google.com/'])

/** What an identity provider adds by itself: who the user is, nothing that they may do. */
const IDENTITY = /^(?:openid|profile|email|address|phone|offline_access)$|\/auth\/userinfo\.\w{1,20}$/

/** Whether a scope is a wildcard or one of administration: of everything, of everybody's, or of a whole account. */
export function isBroad(scope: string): boolean {
  const folded = scope.toLowerCase()
  const last = folded.slice(folded.lastIndexOf('/') + 1)
  if (BROAD_SCOPES.has(folded) || BROAD_SCOPES.has(last) || hasWildcard(folded) || last.endsWith('.all')) {
    return true
  }
  return wordsOf(scope).some((word) => BROAD_WORDS.has(word))
}

/** `*`, `*:*`, `crm:*`; not `crm:read:*`, which is wide in one verb. */
function hasWildcard(scope: string): boolean {
  const parts = scope.split(/[:./]/)
  return parts.at(-1) === '*' && parts.length <= 2
}

/** Whether a scope is of identity alone. */
export function isIdentity(scope: string): boolean {
  return IDENTITY.test(scope.slice(0, 200).toLowerCase())
}

/** Whether a scope asks for whatever there is to grant, so that more comes back than was named. */
export function asksForAll(scope: string): boolean {
  return scope.endsWith('/.default') || scope === '.default' || scope.includes('*')
}
