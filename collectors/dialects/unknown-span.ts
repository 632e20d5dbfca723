import type { Span } from '../otlp/records.ts'
import { put } from '../otlp/values.ts'
import type { Dialect, FragmentDraft } from './dialect.ts'
import { principalOf, sessionOf } from './reading/identity.ts'

/**
 * The last one asked: a span that names no agent's doing is a node of the tree, through which its children find
 * their ancestors. Whom it serves and in which session, it may still say.
 */
export const unknownSpan: Dialect = {
  id: 'unknown-span',
  title: 'Every other span: a node of the tree',
  joins: 'trace',

  span(span: Span): FragmentDraft {
    const draft: { -readonly [Key in keyof FragmentDraft]: FragmentDraft[Key] } = { role: 'context' }
    put(draft, 'session_id', sessionOf(span.attributes))
    put(draft, 'principal', principalOf(span))
    return draft
  },
}
