/** For tests: a collector that reads topics in memory, and everything that it makes and counts. Its books must balance. */
import { afterEach, beforeEach, expect } from 'vitest'
import { PoisonWatch } from '../../engine/poison.ts'
import { untilAvailable } from '../../engine/until-available.ts'
import type { Fragment } from '../../schema/fragment.ts'
import { setUp } from '../../test/intake-saying.ts'
import type { GivenUp } from '../collector.ts'
import { encodeWithLibrary } from '../otlp/oracle.ts'
import { MemoryTopics } from './memory-topics.contract.ts'
import { type OtlpTopicsOptions, runOtlpTopics } from './otlp.ts'

export const INPUT = {
  name: 'gateway',
  topics: { traces: 'otlp_spans', logs: 'otlp_logs' },
  encoding: 'otlp_proto',
  tenant: 'acme',
} as const

class RunningCollector {
  topics = new MemoryTopics()
  /** Everything that was published, append by append. */
  appends: (readonly Fragment[])[] = []
  letters: GivenUp[] = []
  outcomes = new Map<string, number>()
  received = new Map<string, number>()
  #stopping = new AbortController()
  #running: Promise<void> = Promise.resolve()

  /** Called before fragments are on the bus, with what they are; throws what the bus throws. */
  append: (fragments: readonly Fragment[]) => Promise<void> = async () => undefined

  /** May be called again when it has ended: another process of the same group. */
  start(options: Partial<OtlpTopicsOptions> = {}): Promise<void> {
    const count = (outcome: string, records: number) => add(this.outcomes, outcome, records)
    const { intake } = setUp({
      count,
      publish: async (fragments) => {
        await this.append(fragments)
        this.appends.push(fragments)
      },
    })
    this.#running = runOtlpTopics({
      input: INPUT,
      topics: this.topics,
      intake,
      giveUp: async (messages) => {
        this.letters.push(...messages)
      },
      count,
      received: (signal, records) => add(this.received, signal, records),
      watch: ({ topic }) => new PoisonWatch(`collect (${topic})`),
      patience: untilAvailable,
      onTrouble: () => undefined,
      signal: this.#stopping.signal,
      ...options,
    })
    return this.#running
  }

  /** Tells it to stop; resolves when it has, however it ends, and its books balance. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running.catch(() => undefined)
    const published = this.appends.reduce((total, fragments) => total + fragments.length, 0)
    expect(sum(this.received)).toBe(sum(this.outcomes) + published)
  }

  /** Everything anew: no messages, nothing made, nothing counted. */
  reset(): void {
    this.topics = new MemoryTopics()
    this.appends = []
    this.letters = []
    this.outcomes = new Map()
    this.received = new Map()
    this.append = async () => undefined
    this.#stopping = new AbortController()
  }

  /** The first byte of the span ids that were published, in order: what `call` was given. */
  spanIds(): readonly number[] {
    return this.appends.flat().map(({ span_id }) => Number.parseInt(span_id?.slice(0, 2) ?? '', 16))
  }
}

/** A collector that is new for each test, and stopped after it. */
export function useCollector(): RunningCollector {
  const collector = new RunningCollector()
  beforeEach(() => collector.reset())
  afterEach(() => collector.stop())
  return collector
}

/** A message of one span, which is a tool call. Its ids are made of `id`, up to 255. */
export function call(id: number, attributes: Readonly<Record<string, string>> = {}): Buffer {
  const all = { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': 'search', ...attributes }
  const span = {
    traceId: Buffer.alloc(16, id),
    spanId: Buffer.alloc(8, id),
    name: 'execute_tool search',
    startTimeUnixNano: '1795287594000000000',
    endTimeUnixNano: '1795287594010000000',
    attributes: Object.entries(all).map(([key, stringValue]) => ({ key, value: { stringValue } })),
  }
  return Buffer.from(encodeWithLibrary('traces', { resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] }))
}

/** Something to wait behind, which tells when somebody has come to it. */
export function gate() {
  let open = () => {}
  let come = () => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  const reached = new Promise<void>((resolve) => {
    come = resolve
  })
  const wait = () => {
    come()
    return opened
  }
  return { wait, reached, open: () => open() }
}

function add(counts: Map<string, number>, name: string, records: number): void {
  counts.set(name, (counts.get(name) ?? 0) + records)
}

function sum(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((total, records) => total + records, 0)
}
