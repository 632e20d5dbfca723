/** What a fragment is looked for by, and what its draft is found by, made once for each fragment. */
import type { Fragment } from '../../schema/fragment.ts'
import { type Draft, leadOf, RANK } from './draft.ts'
import { callIdOfDraft } from './drafts.ts'
import { callIdOf, callKeys, NO_KEYS, nameKey, sessionCallKey, sharedKeys, twinKeys } from './keys.ts'
import type { Trace } from './memory.ts'

export interface Links {
  /** Set where the id says which call the fragment is about. */
  readonly callId: string | undefined
  /** The keys of that id. */
  readonly calls: readonly string[]
  readonly shared: readonly string[]
}

export function linksOf(fragment: Fragment, trace: Trace | undefined): Links {
  const callId = fragment.operation === 'tool_call' || fragment.role === 'part' ? callIdOf(fragment) : undefined
  return {
    callId,
    calls: callId === undefined ? NO_KEYS : callKeys(fragment, trace, callId),
    shared: sharedKeys(fragment, trace),
  }
}

/** What others find the fragment by, as a draft of its own or as part of `known`. */
export function keysOf(
  fragment: Fragment,
  trace: Trace | undefined,
  { callId, calls, shared }: Links,
  known: Draft | undefined,
): readonly string[] {
  const keys = withKeys(calls, shared)
  if (fragment.role !== 'event') {
    return keys
  }
  const events = known?.contributions.filter(({ fragment: other }) => other.role === 'event').length ?? 0
  const twins = events <= 1 ? twinKeys(fragment, trace, fragment.signal === 'span' ? 'log' : 'span') : NO_KEYS
  const name = fragment.operation === 'tool_call' && callId === undefined ? nameKey(fragment, 'call') : undefined
  const isNamed = name !== undefined && (known === undefined || callIdOfDraft(known) === undefined)
  return withKeys(withKeys(keys, twins), isNamed ? [name] : NO_KEYS)
}

/** What a call that went out is found by in the session it was told to be in. */
export function sentKeys(draft: Draft, sessionId: string): readonly string[] {
  const { fragment, rank } = leadOf(draft)
  if (draft.contributions.length === 1 && rank < RANK.part && fragment.session_id === sessionId) {
    if (fragment.operation === 'tool_call') {
      // It has the key from the beginning.
      return NO_KEYS
    }
  }
  const callId = draft.reused ? undefined : callIdOfDraft(draft)
  return callId === undefined ? NO_KEYS : [sessionCallKey(draft.tenant, sessionId, callId)]
}

/** Both, each once; one of the lists itself where the other adds nothing. */
export function withKeys(keys: readonly string[], others: readonly string[]): readonly string[] {
  if (keys.length === 0 || others.length === 0) {
    return keys.length === 0 ? others : keys
  }
  const added = others.filter((key) => !keys.includes(key))
  return added.length === 0 ? keys : [...keys, ...added]
}
