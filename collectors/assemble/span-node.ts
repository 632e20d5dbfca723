/** A span as its descendants need it. */
import type { Agent, Operation, Subject, Tool } from '../../schema/telemetry.ts'
import type { Form } from './ledger.ts'

/** Every field is there from the beginning, if only as `undefined`: there are many nodes, and alike they are fast. */
export interface SpanNode {
  readonly tenant: string
  readonly trace: string
  readonly span: string
  readonly parent: string | undefined
  /** What it did, when it stands for an event: where the search for the nearest classified ancestor ends. */
  readonly operation: Operation | undefined
  /** Of a tool call: what a record below it is compared with. */
  readonly dialect: string | undefined
  readonly tool: Partial<Tool> | undefined
  readonly transport: boolean
  /** The first destination, of what can be transport or have transport below it. */
  readonly host: string | undefined
  readonly agent: Agent | undefined
  readonly session: string | undefined
  readonly principal: Subject | undefined
  readonly chain: readonly Subject[] | undefined
  readonly prompt: string | undefined
  /** The event draft that it became part of, by number. */
  draft: number | undefined
}

/** By position, `null` for what is not said. */
type Written = readonly [
  tenant: string,
  trace: string,
  span: string,
  parent: string | null,
  operation: Operation | null,
  dialect: string | null,
  tool: Partial<Tool> | null,
  transport: boolean,
  host: string | null,
  agent: Agent | null,
  session: string | null,
  principal: Subject | null,
  chain: readonly Subject[] | null,
  prompt: string | null,
  draft: number | null,
]

/** What is written behind the tenant, in the order of `Written`. */
const FIELDS = [
  'trace',
  'span',
  'parent',
  'operation',
  'dialect',
  'tool',
  'transport',
  'host',
  'agent',
  'session',
  'principal',
  'chain',
  'prompt',
  'draft',
] as const

export const SPAN_FORM: Form<SpanNode> = {
  write(node, writer) {
    writer.text('[')
    writer.value(node.tenant)
    for (const field of FIELDS) {
      writer.text(',')
      writer.value(node[field])
    }
    writer.text(']')
  },

  read(written) {
    const [tenant, trace, span, parent, operation, dialect, tool, transport, host, agent, ...said] = written as Written
    const [session, principal, chain, prompt, draft] = said
    return {
      tenant,
      trace,
      span,
      parent: parent ?? undefined,
      operation: operation ?? undefined,
      dialect: dialect ?? undefined,
      tool: tool ?? undefined,
      transport,
      host: host ?? undefined,
      agent: agent ?? undefined,
      session: session ?? undefined,
      principal: principal ?? undefined,
      chain: chain ?? undefined,
      prompt: prompt ?? undefined,
      draft: draft ?? undefined,
    }
  },
}
