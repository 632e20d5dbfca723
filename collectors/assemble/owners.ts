/** What a record below another belongs to: the call above it, the model above it, or nothing. */
import type { Fragment } from '../../schema/fragment.ts'
import type { Tool } from '../../schema/telemetry.ts'
import { type Draft, leadOf, RANK } from './draft.ts'
import type { Drafts } from './drafts.ts'
import { callIdOf, sameTool } from './keys.ts'
import type { Lineage } from './lineage.ts'
import type { SpanNode } from './span-node.ts'

/**
 * - a draft: the record is part of that event.
 * - `model`: it is the transport of a model call.
 * - `none`: it stands for itself; nothing further up can change that.
 * - `unknown`: nothing known above it says; an ancestor that is still missing may.
 */
export type Ownership = Draft | 'model' | 'none' | 'unknown'

/** Asks the known ancestors, nearest first. The first that stands for an event decides. */
export function ownershipOf(draft: Draft, { ancestors, gap }: Lineage, drafts: Drafts): Ownership {
  const { fragment, rank } = leadOf(draft)
  if (rank >= RANK.content) {
    return 'none'
  }
  for (let distance = 0; distance < ancestors.length; distance += 1) {
    const node = ancestors[distance] as SpanNode
    const verdict = fragment.role === 'part' ? ownsPart(node, fragment, drafts) : ownsCall(node, draft, drafts)
    if (verdict === undefined) {
      continue
    }
    return verdict === 'none' || verdict === draft ? (carrierOf(draft, ancestors, drafts, distance) ?? 'none') : verdict
  }
  return gap === undefined ? (carrierOf(draft, ancestors, drafts) ?? 'none') : 'unknown'
}

/**
 * Transport is often reported twice, by the library and by what it is built on: the outer report has the inner. Looked
 * for among the nearest `reach` ancestors.
 */
export function carrierOf(
  draft: Draft,
  ancestors: readonly SpanNode[],
  drafts: Drafts,
  reach = ancestors.length,
): Draft | undefined {
  const { fragment } = leadOf(draft)
  const host = fragment.destinations?.[0]?.host
  if (fragment.transport !== true || host === undefined) {
    return undefined
  }
  const place = ancestors.findIndex(({ transport, host: other }) => transport && other === host)
  const carrier = place >= 0 && place < reach ? drafts.bySeq(ancestors[place]?.draft) : undefined
  return carrier === draft ? undefined : carrier
}

/** `undefined` where the node says nothing and the search goes on above it. */
function ownsPart(node: SpanNode, part: Fragment, drafts: Drafts): Ownership | undefined {
  switch (node.operation) {
    case 'tool_call':
    case 'retrieval':
    case 'token_request':
      // A call that is no longer remembered cannot be amended; what comes this late stands for itself.
      return drafts.bySeq(node.draft) ?? 'none'
    case 'model_call':
      return part.transport === true ? 'model' : 'none'
    case 'agent_invoke':
    case 'agent_spawn':
      return part.transport === true && node.host !== undefined && node.host === part.destinations?.[0]?.host
        ? 'model'
        : 'none'
    default:
      return undefined
  }
}

function ownsCall(node: SpanNode, draft: Draft, drafts: Drafts): Ownership | undefined {
  if (node.operation === undefined) {
    return undefined
  }
  if (node.operation !== 'tool_call') {
    return 'none'
  }
  const owner = drafts.bySeq(node.draft)
  return owner !== undefined && isSameCall(leadOf(draft).fragment, node) ? owner : 'none'
}

/**
 * Whether an inner tool call is the outer one, seen by somebody else: the MCP client or server, another library, a log
 * record. Compared with the very span above, not with all that was joined to it, so that it does not matter who came first.
 */
function isSameCall(inner: Fragment, outer: SpanNode): boolean {
  if (inner.operation !== 'tool_call' || outer.dialect === undefined || !sameTool(inner.tool?.name, outer.tool?.name)) {
    return false
  }
  if (isMcp(inner)) {
    return true
  }
  if (isMcp({ dialect: outer.dialect, tool: outer.tool })) {
    // What a server does to serve the call is its own doing.
    return false
  }
  const id = callIdOf(inner)
  return inner.signal === 'log' || inner.dialect !== outer.dialect || (id !== undefined && id === callIdOf(outer))
}

/** Reported by what carries a call to a server, not by the agent that makes it. */
export function isMcp({
  dialect,
  tool,
}: {
  readonly dialect: string
  readonly tool?: Partial<Tool> | undefined
}): boolean {
  return dialect === 'mcp' || tool?.kind === 'mcp'
}

/** Whether the draft already has this record's reporter: nobody reports one call twice, so it is another call. */
export function hasReporterOf(draft: Draft, fragment: Fragment): boolean {
  return (
    fragment.role === 'event' &&
    draft.contributions.some(
      ({ fragment: known }) =>
        known.role === 'event' &&
        known.signal === fragment.signal &&
        known.dialect === fragment.dialect &&
        !isLinked(known, fragment),
    )
  )
}

/** MCP client and server report as one, and are parent and child. */
function isLinked(one: Fragment, other: Fragment): boolean {
  return (
    one.span_id !== undefined &&
    other.span_id !== undefined &&
    (one.parent_span_id === other.span_id || other.parent_span_id === one.span_id)
  )
}
