import type { Span } from '../otlp/records.ts'
import { asJson, bool, field, fieldLabel, firstLabel, type Json, label, labels, put, text } from '../otlp/values.ts'
import type { Dialect, FragmentDraft } from './dialect.ts'
import { datasets, resource } from './reading/datasets.ts'
import { manifestOf, putManifest } from './reading/definitions.ts'
import { type Draft, draftOf, putContent, putDatasets, putEnding, putTool } from './reading/draft.ts'
import { agentNamed, kindOf, speakOf, versionOf } from './reading/genai.ts'
import { agentOf, type NamedAgent } from './reading/identity.ts'
import { readAnswer, readInput } from './reading/messages.ts'
import { ending, endingOf } from './reading/outcome.ts'

const MCP_SCOPE = '@traceloop/instrumentation-mcp'
const PYTHON_MCP_SCOPE = 'opentelemetry.instrumentation.mcp'
const FRAMEWORK = 'openllmetry'

/**
 * OpenLLMetry (Traceloop): workflows, agents, tasks and tools as `traceloop.entity.*`, model calls in OpenTelemetry names,
 * MCP methods as spans called `<tool>.tool` and `<method>.mcp`.
 */
export const openllmetry: Dialect = {
  id: 'openllmetry',
  title: 'OpenLLMetry (Traceloop) instrumentations',
  joins: 'trace',

  span(span: Span): FragmentDraft | undefined {
    if (span.scope.name === MCP_SCOPE || span.scope.name === PYTHON_MCP_SCOPE) {
      return mcpSpan(span)
    }
    const kind = label(span.attributes.get('traceloop.span.kind'))
    if (kind !== undefined) {
      return (KINDS.get(kind) ?? node)(span)
    }
    return modelSpan(span)
  },
}

const KINDS: ReadonlyMap<string, (span: Span) => Draft> = new Map([
  ['tool', toolCall],
  ['agent', agentInvoke],
  ['workflow', agentInvoke],
])

function agent(span: Span): NamedAgent | undefined {
  return agentNamed(span, FRAMEWORK)
}

function node(span: Span): Draft {
  return draftOf(span, 'context', undefined, agent(span))
}

/** Model calls speak OpenTelemetry; older ones name their kind in `llm.request.type` alone. */
function modelSpan(span: Span): Draft | undefined {
  const type = label(span.attributes.get('llm.request.type'))
  if (type === undefined || kindOf(span) !== undefined) {
    return undefined
  }
  return speakOf(type === 'embedding' ? 'embeddings' : 'chat', span)
}

function toolCall(span: Span): Draft {
  const { attributes } = span
  const draft = draftOf(span, 'event', 'tool_call', agent(span))
  const input = asJson(attributes.get('traceloop.entity.input'))
  const output = asJson(attributes.get('traceloop.entity.output'))
  putTool(draft, {
    name:
      firstLabel(attributes, ['gen_ai.tool.name', 'traceloop.entity.name']) ??
      fieldLabel(input, 'tool_name') ??
      label(span.name.replace(/\.tool$/, '')),
    call_id: label(attributes.get('gen_ai.tool.call.id')),
  })
  putContent(draft, { arguments: text(argumentsOf(input)), result: text(resultOf(output)) })
  const said = field(output, 'is_error') ?? field(output, 'isError')
  const failed = typeof said !== 'object' && bool(said) === true
  const ended = endingOf(span)
  putEnding(draft, failed ? ending('error', 'tool_error', ended?.message) : ended)
  return draft
}

/** `{args, kwargs}` of a decorated function, `{tool_name, arguments}` of MCP: what the tool itself was given. */
function argumentsOf(input: Json | undefined): Json | undefined {
  const named = field(input, 'kwargs')
  const listed = field(input, 'args')
  if (typeof named === 'object' && Object.keys(named ?? {}).length > 0) {
    return named
  }
  if (Array.isArray(listed)) {
    return listed.length === 1 ? listed[0] : listed
  }
  return field(input, 'arguments') ?? (named === undefined ? input : undefined)
}

function resultOf(output: Json | undefined): Json | undefined {
  return field(output, 'result') ?? output
}

function agentInvoke(span: Span): Draft {
  const { attributes } = span
  const kind = label(attributes.get('traceloop.span.kind'))
  const entity = label(attributes.get('traceloop.entity.name')) ?? label(span.name.replace(/\.(?:agent|workflow)$/, ''))
  const version = versionOf(span)
  const named = agent(span) ?? (kind === 'agent' ? agentOf({ name: entity, version, framework: FRAMEWORK }) : undefined)
  const speaks = kind === 'agent' || span.parentSpanId === undefined
  const draft = draftOf(span, speaks ? 'event' : 'context', speaks ? 'agent_invoke' : undefined, named)
  const input = asJson(attributes.get('traceloop.entity.input'))
  putContent(draft, {
    prompt: readInput(argumentsOf(input)).prompt ?? text(argumentsOf(input)),
    output: readAnswer(resultOf(asJson(attributes.get('traceloop.entity.output')))),
  })
  putEnding(draft, endingOf(span))
  return draft
}

function mcpSpan(span: Span): Draft {
  const { attributes } = span
  if (label(attributes.get('traceloop.span.kind')) === 'tool' || span.name.endsWith('.tool')) {
    const draft = toolCall(span)
    putTool(draft, { ...draft.tool, kind: 'mcp', server: label(attributes.get('mcp.server.name')) })
    return draft
  }
  if (span.name === 'resources/read.mcp') {
    return resourceRead(span)
  }
  const output = attributes.get('traceloop.entity.output')
  const definitions = span.name === 'tools/list.mcp' && output !== undefined ? manifestOf(output) : undefined
  if (definitions === undefined) {
    return node(span)
  }
  // The server said what its tools are: what the agent is made of may have changed.
  const draft = draftOf(span, 'event', 'config_change', agent(span))
  putManifest(draft, definitions, label(attributes.get('mcp.server.name')))
  putContent(draft, { result: text(output) })
  putEnding(draft, endingOf(span))
  put(draft, 'attributes', { 'mcp.method.name': 'tools/list', tools: toolNames(output) })
  return draft
}

function toolNames(output: Parameters<typeof asJson>[0]): string {
  const tools = field(asJson(output), 'tools')
  const names = Array.isArray(tools) ? tools.slice(0, 64).map((tool) => fieldLabel(tool, 'name') ?? '') : []
  return labels(names).join(',').slice(0, 1024)
}

function resourceRead(span: Span): Draft {
  const { attributes } = span
  const draft = draftOf(span, 'event', 'retrieval', agent(span))
  const input = asJson(attributes.get('traceloop.entity.input'))
  const uri = fieldLabel(field(input, 'params') ?? input, 'uri')
  putContent(draft, { arguments: text(input), result: text(attributes.get('traceloop.entity.output')) })
  putDatasets(draft, datasets([resource(uri)]))
  putEnding(draft, endingOf(span))
  return draft
}
