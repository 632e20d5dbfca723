/**
 * Decoy credentials: planted, so that whoever uses them gives himself away. They are masked like any other, and nobody
 * could tell them afterwards, so the mask of one names it by the beginning of its hash. Of real secrets nothing is hashed
 * into a mask.
 */
import { hash } from 'node:crypto'
import { DECOY, DECOY_DIGITS } from '../../schema/masks.ts'

/** SHA-256 of every decoy, in lower-case hexadecimal; from the policies. */
export type Decoys = ReadonlySet<string>

export const NO_DECOYS: Decoys = new Set()

/** The kind of mask for a secret that is a decoy, alone or as what follows the name in `user:secret`; else `undefined`. */
export function decoyKind(secret: string, decoys: Decoys): string | undefined {
  if (decoys.size === 0) {
    return undefined
  }
  const colon = secret.indexOf(':')
  return kindOf(secret, decoys) ?? (colon < 0 ? undefined : kindOf(secret.slice(colon + 1), decoys))
}

function kindOf(secret: string, decoys: Decoys): string | undefined {
  const digest = hash('sha256', secret, 'hex')
  return decoys.has(digest) ? `${DECOY}${digest.slice(0, DECOY_DIGITS)}` : undefined
}
