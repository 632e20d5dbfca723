/**
 * Who acted, remembered beyond the events: by trace, session and service; and the spans of traces, which are the
 * ancestors of what is still to come. Bounded, least recently used first out, and persisted by the ledger.
 */
import type { Fragment } from '../../schema/fragment.ts'
import type { Agent, Subject } from '../../schema/telemetry.ts'
import type { Entry, Ledger, Shelf } from './ledger.ts'
import type { AssembleOptions } from './options.ts'
import { SPAN_FORM, type SpanNode } from './span-node.ts'

/** What a trace or session says about who acts in it. */
export interface Naming {
  /** The first agent that a record named itself. */
  agent?: Agent
  /** Set when records named another one, too: then nothing can be concluded from the trace or session alone. */
  ambiguous?: true
  /** The agent that was given to a record that found none by the deadline: it stays. */
  given?: Agent
  principal?: Subject
}

/** Facts that are remembered under a tenant and an id. */
interface Known {
  readonly tenant: string
  readonly id: string
  /** When it was last used, coarsely; persisted, so that a restart forgets in the same order. */
  used: number
}

export interface TraceFacts extends Naming, Known {
  session?: string
}

export interface SessionFacts extends Naming, Known {
  /** The prompt that the session works on, where emitters log prompts and calls as records of their own. */
  prompt?: string
}

export interface ServiceFacts extends Known {
  agent?: Agent
  ambiguous?: true
  /** Where the agent was first named: it is not lent to that trace, whose other agents may still be on their way. */
  named_in?: string
  /** Hosts that its model calls talk to. */
  model_hosts?: string[]
}

export interface Trace {
  readonly entry: Entry<TraceFacts>
  readonly facts: TraceFacts
  readonly spans: Map<string, Entry<SpanNode>>
}

/** Being used is written down this often: precise enough to forget the idle first, too seldom to cost anything. */
const USED_GRAIN_MS = 60_000
const MODEL_HOST_LIMIT = 16

export class Memory {
  readonly #options: AssembleOptions
  readonly #traceShelf: Shelf<TraceFacts>
  readonly #spanShelf: Shelf<SpanNode>
  readonly #sessions: Facts<SessionFacts>
  readonly #services: Facts<ServiceFacts>
  readonly #traces = new Map<string, Trace>()
  /** The trace asked for last: fragments come in runs of one trace. */
  #last: Trace | undefined
  /** Told which trace is forgotten; answers whether it still holds something, and so must stay. */
  readonly #isHeld: (trace: Trace) => boolean

  constructor(ledger: Ledger, options: AssembleOptions, isHeld: (trace: Trace) => boolean) {
    this.#options = options
    this.#isHeld = isHeld
    this.#traceShelf = ledger.shelf('trace')
    this.#spanShelf = ledger.shelf('span', SPAN_FORM)
    this.#sessions = new Facts(ledger.shelf('session'), options.maxSessionsRemembered)
    this.#services = new Facts(ledger.shelf('service'), options.maxServicesRemembered)
    for (const entry of this.#traceShelf.values()) {
      this.#traces.set(key(entry.value.tenant, entry.value.id), {
        entry,
        facts: entry.value,
        spans: new Map(),
      })
    }
    for (const entry of this.#spanShelf.values()) {
      const { tenant, trace, span } = entry.value
      this.#traces.get(key(tenant, trace))?.spans.set(span, entry)
    }
  }

  /** The trace of that id, newly remembered when it is not known. */
  trace(tenant: string, id: string, nowMs: number): Trace {
    let trace = this.knownTrace(tenant, id)
    if (trace === undefined) {
      this.#makeRoom()
      const facts: TraceFacts = { tenant, id, used: grain(nowMs) }
      trace = { entry: this.#traceShelf.add(facts), facts, spans: new Map() }
      this.#traces.set(key(tenant, id), trace)
    } else if (grain(nowMs) > trace.facts.used) {
      trace.facts.used = grain(nowMs)
      this.#traceShelf.renew(trace.entry)
    }
    return trace
  }

  /** The trace of that id when it is known. */
  knownTrace(tenant: string, id: string | undefined): Trace | undefined {
    const last = this.#last?.facts
    if (id === undefined || (last?.id === id && last.tenant === tenant)) {
      return id === undefined ? undefined : this.#last
    }
    const trace = this.#traces.get(key(tenant, id))
    this.#last = trace ?? this.#last
    return trace
  }

  session(tenant: string, id: string, nowMs: number): SessionFacts {
    return this.#sessions.of(tenant, id, nowMs)
  }

  /** The session of that id when it is known. */
  knownSession(tenant: string, id: string): SessionFacts | undefined {
    return this.#sessions.known(tenant, id)
  }

  service(tenant: string, id: string, nowMs: number): ServiceFacts {
    return this.#services.of(tenant, id, nowMs)
  }

  changedTrace(trace: Trace): void {
    this.#traceShelf.changed(trace.entry)
  }

  changedSession(facts: SessionFacts): void {
    this.#sessions.changed(facts)
  }

  changedService(facts: ServiceFacts): void {
    this.#services.changed(facts)
  }

  addSpan(trace: Trace, node: SpanNode): void {
    trace.spans.set(node.span, this.#spanShelf.add(node))
    while (this.#spanShelf.size > this.#options.maxSpansRemembered) {
      const oldest = this.#spanShelf.oldest() as Entry<SpanNode>
      this.#traces.get(key(oldest.value.tenant, oldest.value.trace))?.spans.delete(oldest.value.span)
      this.#spanShelf.drop(oldest)
    }
  }

  /** Says which draft the span became part of, when it is known. */
  setDraft(trace: Trace | undefined, span: string, draft: number): void {
    const entry = trace?.spans.get(span)
    if (entry !== undefined && entry.value.draft !== draft) {
      entry.value.draft = draft
      this.#spanShelf.changed(entry)
    }
  }

  get sizes(): {
    readonly traces: number
    readonly spans: number
    readonly sessions: number
    readonly services: number
  } {
    return {
      traces: this.#traces.size,
      spans: this.#spanShelf.size,
      sessions: this.#sessions.size,
      services: this.#services.size,
    }
  }

  /** Room for one more trace. One that holds something is bounded by what may be held; it is passed over. */
  #makeRoom(): void {
    for (let passed = 0; this.#traces.size >= this.#options.maxTracesRemembered && passed < this.#traces.size; ) {
      const { value } = this.#traceShelf.oldest() as Entry<TraceFacts>
      const trace = this.#traces.get(key(value.tenant, value.id)) as Trace
      if (this.#isHeld(trace)) {
        this.#traceShelf.renew(trace.entry)
        passed += 1
        continue
      }
      this.#traces.delete(key(value.tenant, value.id))
      this.#last = this.#last === trace ? undefined : this.#last
      this.#traceShelf.drop(trace.entry)
      for (const span of trace.spans.values()) {
        this.#spanShelf.drop(span)
      }
    }
  }
}

/** Facts by tenant and id, least recently used first out. */
class Facts<V extends Known> {
  readonly #shelf: Shelf<V>
  readonly #limit: number
  readonly #all = new Map<string, Entry<V>>()
  /** The one asked for last. */
  #last: Entry<V> | undefined

  constructor(shelf: Shelf<V>, limit: number) {
    this.#shelf = shelf
    this.#limit = limit
    for (const entry of shelf.values()) {
      this.#all.set(key(entry.value.tenant, entry.value.id), entry)
    }
  }

  get size(): number {
    return this.#all.size
  }

  known(tenant: string, id: string): V | undefined {
    return this.#entry(tenant, id)?.value
  }

  of(tenant: string, id: string, nowMs: number): V {
    const entry = this.#entry(tenant, id)
    if (entry === undefined) {
      return this.#add(key(tenant, id), { tenant, id, used: grain(nowMs) } as V)
    }
    if (grain(nowMs) > entry.value.used) {
      entry.value.used = grain(nowMs)
      this.#shelf.renew(entry)
    }
    return entry.value
  }

  changed(facts: V): void {
    const entry = this.#entry(facts.tenant, facts.id)
    if (entry !== undefined) {
      this.#shelf.changed(entry)
    }
  }

  #entry(tenant: string, id: string): Entry<V> | undefined {
    const last = this.#last?.value
    if (last?.id === id && last.tenant === tenant) {
      return this.#last
    }
    const entry = this.#all.get(key(tenant, id))
    this.#last = entry ?? this.#last
    return entry
  }

  #add(factsKey: string, facts: V): V {
    this.#all.set(factsKey, this.#shelf.add(facts))
    while (this.#all.size > this.#limit) {
      const oldest = this.#shelf.oldest() as Entry<V>
      this.#all.delete(key(oldest.value.tenant, oldest.value.id))
      this.#shelf.drop(oldest)
      this.#last = this.#last === oldest ? undefined : this.#last
    }
    return facts
  }
}

/** Notes that a record named an agent itself. Tells whether that was news. */
export function nameAgent(naming: Naming, agent: Agent): boolean {
  if (naming.agent === undefined) {
    naming.agent = agent
    return true
  }
  if (naming.agent.id !== agent.id && naming.ambiguous === undefined) {
    naming.ambiguous = true
    return true
  }
  return false
}

/** Notes that a service's own record named an agent. Tells whether that was news. */
export function nameServiceAgent(service: ServiceFacts, agent: Agent, origin: string): boolean {
  if (service.agent === undefined) {
    service.agent = agent
    service.named_in = origin
    return true
  }
  if (service.agent.id !== agent.id && service.ambiguous === undefined) {
    service.ambiguous = true
    return true
  }
  return false
}

/** Notes a host that model calls of the service talk to. Tells whether that was news. */
export function nameModelHost(service: ServiceFacts, host: string): boolean {
  const hosts = service.model_hosts ?? []
  if (hosts.includes(host) || hosts.length >= MODEL_HOST_LIMIT) {
    return false
  }
  service.model_hosts = [...hosts, host]
  return true
}

/** The agent that a record names itself, complete: with its service's version when it names none. */
export function ownAgent(fragment: Fragment): Agent | undefined {
  const { agent, service } = fragment
  const id = agent?.id ?? agent?.name
  if (id === undefined || id === '') {
    return undefined
  }
  const version = agent?.version ?? service?.version
  if (agent?.id === id && (version === undefined || agent.version === version)) {
    return agent as Agent
  }
  return { ...agent, id, ...(version === undefined ? {} : { version }) }
}

/** Tenants come from credentials and hold no line break, so no two tenants share a key. */
const key = (tenant: string, id: string): string => `${tenant}\n${id}`

const grain = (nowMs: number): number => Math.floor(nowMs / USED_GRAIN_MS)
