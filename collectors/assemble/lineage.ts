/** The way up the span tree: the ancestors of a fragment as far as they are known. */
import type { Fragment } from '../../schema/fragment.ts'
import type { Trace } from './memory.ts'
import type { SpanNode } from './span-node.ts'

export interface Lineage {
  /** Nearest first. */
  readonly ancestors: readonly SpanNode[]
  /** The nearest ancestor that is named but not known; without one, everything up to the root is known. */
  readonly gap: string | undefined
}

/** The longest way up; a longer one, or a circle, counts as having reached the root. */
const DEPTH_LIMIT = 64

const NONE: Lineage = { ancestors: [], gap: undefined }

/** A log record's span id is that of the span it was written in: the same link as a span's parent. */
function parentOf(fragment: Fragment): string | undefined {
  return fragment.signal === 'span' ? fragment.parent_span_id : fragment.span_id
}

export function lineageOf(fragment: Fragment, trace: Trace | undefined): Lineage {
  let next = parentOf(fragment)
  if (trace === undefined || next === undefined) {
    return NONE
  }
  const ancestors: SpanNode[] = []
  while (next !== undefined && ancestors.length < DEPTH_LIMIT) {
    const node: SpanNode | undefined = trace.spans.get(next)?.value
    if (node === undefined) {
      return { ancestors, gap: next }
    }
    ancestors.push(node)
    next = node.parent
  }
  return { ancestors, gap: undefined }
}
