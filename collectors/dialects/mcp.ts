import type { Span } from '../otlp/records.ts'
import { firstLabel, firstText, label, serviceName } from '../otlp/values.ts'
import type { Dialect, FragmentDraft } from './dialect.ts'
import { datasets, namedDatasets } from './reading/datasets.ts'
import { type Draft, draftOf, putContent, putDatasets, putEnding, putTool } from './reading/draft.ts'
import { agentNamed, saysError } from './reading/genai.ts'
import { destinationOf } from './reading/network.ts'
import { ending, endingOf } from './reading/outcome.ts'

const CLIENT = 3
const SERVER = 2

/**
 * The OpenTelemetry MCP conventions: one span for each JSON-RPC method, on the side of the agent (client) or of the
 * server. Methods are an open set; those that neither call a tool nor read a resource are nodes of the tree.
 */
export const mcp: Dialect = {
  id: 'mcp',
  title: 'OpenTelemetry MCP conventions, client and server side',
  joins: 'trace',

  span(span: Span): FragmentDraft | undefined {
    const method = label(span.attributes.get('mcp.method.name'))
    if (method === undefined) {
      return undefined
    }
    if (method === 'tools/call') {
      return toolCall(span)
    }
    if (method === 'resources/read') {
      return resourceRead(span)
    }
    const draft = draftOf(span, 'context', undefined, agentNamed(span))
    draft.attributes = { 'mcp.method.name': method }
    return draft
  },
}

function toolCall(span: Span): Draft {
  const { attributes } = span
  const draft = draftOf(span, 'event', 'tool_call', agentNamed(span))
  const rest = span.name.startsWith('tools/call ') ? label(span.name.slice('tools/call '.length)) : undefined
  putTool(draft, {
    name: firstLabel(attributes, ['gen_ai.tool.name', 'mcp.tool.name']) ?? rest,
    kind: 'mcp',
    // `jsonrpc.request.id` counts requests of one connection; it would join calls that are none of each other's.
    call_id: label(attributes.get('gen_ai.tool.call.id')),
    server: serverOf(span),
  })
  const result = firstText(attributes, ['gen_ai.tool.call.result', 'mcp.tool.result'])
  putContent(draft, {
    arguments: firstText(attributes, ['gen_ai.tool.call.arguments', 'mcp.request.argument']),
    result,
  })
  putReach(draft, span)
  putEnding(draft, endingOf(span) ?? rpcEnding(span) ?? (saysError(result) ? ending('error', 'tool_error') : undefined))
  return draft
}

function resourceRead(span: Span): Draft {
  const draft = draftOf(span, 'event', 'retrieval', agentNamed(span))
  const uri = label(span.attributes.get('mcp.resource.uri'))
  putTool(draft, { name: 'resources/read', kind: 'mcp', server: serverOf(span) })
  putContent(draft, { arguments: uri })
  putDatasets(draft, datasets(namedDatasets(span.attributes)))
  putReach(draft, span)
  putEnding(draft, endingOf(span) ?? rpcEnding(span))
  return draft
}

function serverOf(span: Span): string | undefined {
  const named = label(span.attributes.get('mcp.server.name'))
  if (named !== undefined || span.kind !== SERVER) {
    return named ?? label(span.attributes.get('server.address'))
  }
  return serviceName(span)
}

function putReach(draft: Draft, span: Span): void {
  const transport = label(span.attributes.get('network.transport'))
  const reached = span.kind === CLIENT && transport !== 'pipe' ? destinationOf(span.attributes) : undefined
  if (reached !== undefined) {
    draft.destinations = [reached]
  }
}

function rpcEnding(span: Span) {
  const code = label(span.attributes.get('rpc.response.status_code'))
  return code === undefined || code === '0' || code === 'OK'
    ? undefined
    : ending(code === '-32001' ? 'timeout' : 'error', code)
}
