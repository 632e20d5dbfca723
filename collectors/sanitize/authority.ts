/** Sanitizes with whose leave an agent acted: its credential and its approval. */
import type { Approval, Token } from '../../schema/telemetry.ts'
import { identifier } from './identifier.ts'
import { assign, list } from './parts.ts'

/** The credential with clean names and possible numbers; what is neither is left out. */
export function sanitizeToken(token: Token): Token {
  const kept: Token = {}
  assign(kept, 'scopes_requested', list(token.scopes_requested, identifier))
  assign(kept, 'scopes_granted', list(token.scopes_granted, identifier))
  assign(kept, 'audience', identifier(token.audience))
  assign(kept, 'lifetime_s', notNegative(token.lifetime_s))
  assign(kept, 'subject', identifier(token.subject))
  return kept
}

/** The approval with clean names and a possible time; what is neither is left out. */
export function sanitizeApproval(approval: Approval): Approval {
  const kept: Approval = {}
  assign(kept, 'required', approval.required)
  assign(kept, 'by', identifier(approval.by))
  assign(kept, 'at_ms', notNegative(approval.at_ms))
  assign(kept, 'id', identifier(approval.id))
  return kept
}

function notNegative(value: number | undefined): number | undefined {
  return typeof value === 'number' && value >= 0 && Number.isFinite(value) ? value : undefined
}
