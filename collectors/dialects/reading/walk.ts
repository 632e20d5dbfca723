/**
 * Every convention nests the same things differently: `parts` (OpenTelemetry, Gemini), content blocks (Anthropic,
 * Bedrock), `tool_calls` (OpenAI chat), flat items (OpenAI responses), serialised classes (LangChain). One walk
 * reads them all, since their members do not contradict each other.
 */
import type { RequestedCall } from '../../../schema/fragment.ts'
import type { EventOutcome } from '../../../schema/telemetry.ts'
import {
  cutText,
  DEPTH_LIMIT,
  field,
  fieldLabel,
  type Json,
  jsonText,
  LIST_READ_LIMIT,
  TEXT_LIMIT,
  text,
} from '../../otlp/values.ts'
import type { Conversation } from './messages.ts'

type Role = 'system' | 'user' | 'assistant' | 'tool'

const ROLES: ReadonlyMap<string, Role> = new Map<string, Role>([
  ['system', 'system'],
  ['developer', 'system'],
  ['SystemMessage', 'system'],
  ['user', 'user'],
  ['human', 'user'],
  ['HumanMessage', 'user'],
  ['HumanMessageChunk', 'user'],
  ['assistant', 'assistant'],
  ['ai', 'assistant'],
  ['model', 'assistant'],
  ['AIMessage', 'assistant'],
  ['AIMessageChunk', 'assistant'],
  ['tool', 'tool'],
  ['function', 'tool'],
  ['ToolMessage', 'tool'],
])

// Members that hold further messages or blocks of the same message.
const WRAPPERS = [
  'messages',
  'generations',
  'choices',
  'contents',
  'candidates',
  'outputs',
  'update',
  'inputs',
] as const

// What the members of a node say it may be. Most nodes have two members, and only what these allow is looked at.
const FINISHED = 1
const A_RESULT = 2
const A_CALL = 4
const A_PART = 8
const WRAPPED = 16
const WITH_CALLS = 32
const HINTS: ReadonlyMap<string, number> = new Map([
  ...['finish_reason', 'finishReason', 'stop_reason'].map((key) => [key, FINISHED] as const),
  ...['functionResponse', 'toolResult', 'function_response', 'tool_call_id', 'id'].map(
    (key) => [key, A_RESULT] as const,
  ),
  ...['functionCall', 'toolUse', 'function_call', 'function', 'args'].map((key) => [key, A_CALL] as const),
  ['type', A_RESULT | A_CALL | A_PART] as const,
  ['thought', A_PART] as const,
  ...WRAPPERS.map((key) => [key, WRAPPED] as const),
  ...['tool_calls', 'toolCalls'].map((key) => [key, WITH_CALLS] as const),
])

function hintsOf(node: Json): number {
  let hints = 0
  if (typeof node === 'object' && !Array.isArray(node)) {
    for (const key in node) {
      hints |= HINTS.get(key) ?? 0
    }
  }
  return hints
}

/** One walk through messages. Visit what there is, then ask for what was found. */
export class Walk {
  private readonly direction: 'input' | 'output'
  private readonly texts: Record<Role, string[]> = { system: [], user: [], assistant: [], tool: [] }
  private readonly calls: RequestedCall[] = []
  private readonly answers: RequestedCall[] = []
  private readonly seen = new Set<string>()
  private finishReason: string | undefined
  private budget = 20_000

  constructor(direction: 'input' | 'output') {
    this.direction = direction
  }

  finish(): Conversation {
    const found: Conversation = {
      calls: this.calls.slice(-LIST_READ_LIMIT),
      answers: this.answers.slice(-LIST_READ_LIMIT),
    }
    const prompt = joinTexts(this.texts.user)
    const system = joinTexts(this.texts.system)
    const output = joinTexts(this.texts.assistant)
    if (prompt !== undefined) {
      found.prompt = prompt
    }
    if (system !== undefined) {
      found.system = system
    }
    if (output !== undefined) {
      found.output = output
    }
    if (this.finishReason !== undefined) {
      found.finishReason = this.finishReason
    }
    return found
  }

  visit(node: Json, role: Role, depth: number): void {
    if (depth > DEPTH_LIMIT || this.budget-- <= 0 || node === null) {
      return
    }
    if (typeof node === 'string') {
      this.say(role, node)
    } else if (Array.isArray(node)) {
      for (const entry of node) {
        this.visit(entry, role, depth + 1)
      }
    } else if (typeof node === 'object') {
      this.object(node, role, depth)
    } else {
      this.say(role, String(node))
    }
  }

  private object(outer: Json, outerRole: Role, depth: number): void {
    const node = field(outer, 'kwargs') ?? outer
    const role = this.roleOf(outer, node) ?? outerRole
    const hints = hintsOf(node)
    if ((hints & FINISHED) !== 0) {
      this.finishReason = fieldLabel(node, 'finish_reason', 'finishReason', 'stop_reason') ?? this.finishReason
    }
    if (
      ((hints & A_RESULT) !== 0 && this.result(node, role)) ||
      ((hints & A_CALL) !== 0 && this.call(node)) ||
      ((hints & A_PART) !== 0 && this.part(node, role, depth))
    ) {
      return
    }
    if ((hints & WRAPPED) !== 0) {
      for (const key of WRAPPERS) {
        const inner = field(node, key)
        if (inner !== undefined) {
          this.visit(inner, role, depth + 1)
        }
      }
    }
    this.message(node, role, depth, hints)
  }

  /** The role of a message, and the start of a new user turn when it says something. */
  private roleOf(outer: Json, node: Json): Role | undefined {
    const named = fieldLabel(node, 'role')
    const className = field(outer, 'id')
    const last = Array.isArray(className) ? className.at(-1) : undefined
    const name = named ?? (typeof last === 'string' ? last : undefined)
    const role = name === undefined ? undefined : (ROLES.get(name) ?? ROLES.get(name.toLowerCase()))
    return role !== undefined && this.direction === 'output' && role !== 'tool' ? 'assistant' : role
  }

  private message(node: Json, role: Role, depth: number, hints: number): void {
    const said = role === 'user' || role === 'assistant' ? this.texts[role] : []
    const before = said.length
    for (const key of MESSAGE_MEMBERS) {
      const inner = field(node, key)
      if (inner !== undefined && !(key === 'text' && field(node, 'message') !== undefined)) {
        this.visit(inner, role, depth + 1)
      }
    }
    for (const key of (hints & WITH_CALLS) === 0 ? [] : (['tool_calls', 'toolCalls'] as const)) {
      const inner = field(node, key)
      if (Array.isArray(inner)) {
        for (const entry of inner) {
          this.call(entry)
        }
      }
    }
    // In what a model was handed, a message that says something makes history of what its author said before.
    const isMessage = field(node, 'role') !== undefined || field(node, 'content') !== undefined
    if (this.direction === 'input' && isMessage && said.length > before) {
      said.splice(0, before)
    }
  }

  /** A part that is text, thought or media. */
  private part(node: Json, role: Role, depth: number): boolean {
    const type = field(node, 'type')
    if (type === 'text' || type === 'input_text' || type === 'output_text') {
      const content = field(node, 'content') ?? field(node, 'text')
      if (content !== undefined) {
        this.visit(content, role, depth + 1)
      }
      return true
    }
    // What the model thought was shown to nobody.
    if (type === 'reasoning' || type === 'thinking' || field(node, 'thought') === true) {
      return true
    }
    if (type === 'blob' || type === 'file' || type === 'uri' || type === 'image' || type === 'image_url') {
      const where = fieldLabel(node, 'uri', 'url', 'file_id', 'filename', 'mime_type', 'mimeType')
      this.say(role, where === undefined ? `[${type}]` : `[${type} ${where}]`)
      return true
    }
    return false
  }

  private say(role: Role, said: string): void {
    if (said !== '') {
      this.texts[this.direction === 'output' && role !== 'tool' ? 'assistant' : role].push(said)
    }
  }

  /** A call, in any of its shapes. `id` alone does not make one. */
  private call(node: Json): boolean {
    const inner = field(node, 'functionCall') ?? field(node, 'toolUse') ?? field(node, 'function_call') ?? node
    const type = field(node, 'type')
    const definition = field(node, 'function')
    const isCall =
      inner !== node ||
      (typeof type === 'string' && CALL_TYPES.has(type)) ||
      (typeof definition === 'object' && field(definition, 'arguments') !== undefined) ||
      (field(node, 'name') !== undefined && field(node, 'args') !== undefined && field(node, 'id') !== undefined)
    if (!isCall) {
      return false
    }
    const id = fieldLabel(inner, 'call_id', 'callId', 'toolCallId', 'toolUseId', 'tool_call_id', 'id')
    if (id === undefined || this.seen.has(id)) {
      return true
    }
    this.seen.add(id)
    const server = field(inner, 'server_tool_call')
    const name =
      fieldLabel(inner, 'name', 'toolName') ?? fieldLabel(definition, 'name') ?? fieldLabel(server, 'name', 'type')
    const given =
      field(inner, 'arguments') ??
      field(inner, 'args') ??
      field(inner, 'input') ??
      field(definition, 'arguments') ??
      server
    this.calls.push(
      requestedCall(id, { name, server: fieldLabel(inner, 'server_label', 'serverName'), arguments: text(given) }),
    )
    return true
  }

  /** The result of a call, in any of its shapes. */
  private result(node: Json, role: Role): boolean {
    const inner =
      field(node, 'functionResponse') ?? field(node, 'toolResult') ?? field(node, 'function_response') ?? node
    const type = field(node, 'type')
    const isResult =
      inner !== node ||
      (typeof type === 'string' && RESULT_TYPES.has(type)) ||
      (role === 'tool' &&
        (field(node, 'tool_call_id') !== undefined || (field(node, 'id') !== undefined && type === undefined)))
    if (!isResult) {
      return false
    }
    const id = fieldLabel(inner, 'tool_call_id', 'tool_use_id', 'toolCallId', 'toolUseId', 'call_id', 'callId', 'id')
    if (id === undefined) {
      return true
    }
    const given = firstField(inner, RESULT_MEMBERS)
    const failed =
      field(inner, 'is_error') === true ||
      field(inner, 'isError') === true ||
      field(inner, 'status') === 'error' ||
      field(given, 'error') !== undefined
    this.answers.push(
      requestedCall(id, {
        name: fieldLabel(inner, 'name', 'toolName'),
        result: text(resultText(given)),
        outcome: failed ? 'error' : undefined,
      }),
    )
    return true
  }
}

const MESSAGE_MEMBERS = ['content', 'parts', 'message', 'output', 'text'] as const

const CALL_TYPES: ReadonlySet<string> = new Set([
  'tool_call',
  'server_tool_call',
  'tool-call',
  'tool_use',
  'server_tool_use',
  'toolUse',
  'function_call',
  'mcp_call',
])

const RESULT_TYPES: ReadonlySet<string> = new Set([
  'tool_call_response',
  'server_tool_call_response',
  'tool-result',
  'tool_result',
  'toolResult',
  'function_call_output',
  'function_call_result',
])

const RESULT_MEMBERS = ['response', 'result', 'output', 'content', 'server_tool_call_response'] as const

function firstField(node: Json, keys: readonly string[]): Json | undefined {
  for (const key of keys) {
    const value = field(node, key)
    if (value !== undefined) {
      return value
    }
  }
  return undefined
}

/** Text blocks of a result are its text; anything else stays JSON. */
function resultText(given: Json | undefined): Json | undefined {
  if (typeof given === 'object' && !Array.isArray(given) && field(given, 'type') === 'text') {
    return field(given, 'text') ?? given
  }
  if (Array.isArray(given) && given.length > 0 && given.every((block) => typeof field(block, 'text') === 'string')) {
    return given.map((block) => field(block, 'text')).join('\n')
  }
  return given === undefined ? undefined : jsonText(given)
}

function requestedCall(
  call_id: string,
  rest: {
    readonly name?: string | undefined
    readonly server?: string | undefined
    readonly arguments?: string | undefined
    readonly result?: string | undefined
    readonly outcome?: EventOutcome | undefined
  },
): RequestedCall {
  return {
    call_id,
    ...(rest.name === undefined ? {} : { name: rest.name }),
    ...(rest.server === undefined ? {} : { server: rest.server }),
    ...(rest.arguments === undefined ? {} : { arguments: rest.arguments }),
    ...(rest.result === undefined ? {} : { result: rest.result }),
    ...(rest.outcome === undefined ? {} : { outcome: rest.outcome }),
  }
}

function joinTexts(texts: readonly string[]): string | undefined {
  if (texts.length === 0) {
    return undefined
  }
  return text(texts.length === 1 ? texts[0] : cutText(texts.join('\n'), TEXT_LIMIT))
}
