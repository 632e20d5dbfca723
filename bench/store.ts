/**
 * `node dist/bench/store.js`: what storing costs: batches of realistic events into the embedded store over its HTTP interface, and the reads of a
 * screen afterwards. Processor time is counted for both processes, because they share the machine.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { quantile } from 'simple-statistics'
import { newBatchId } from '../engine/batch-id.ts'
import { idOf } from '../schema/ids.ts'
import type { Telemetry } from '../schema/telemetry.ts'
import { openStore } from '../store/clickhouse.ts'
import type { Store } from '../store/store.ts'

interface StoreResult {
  readonly rowsPerSecond: number
  /** Processor time of this process and of the engine (merges included), in microseconds a row. */
  readonly ownMicros: number
  readonly engineMicros: number
  readonly insertP50Ms: number
  readonly insertP99Ms: number
  readonly engineResidentMb: number
  readonly reads: readonly { readonly what: string; readonly medianMs: number }[]
}

const TENANT = 'bench'
const AGENTS = 50
const EVENT_BYTES = 1900

const ROWS = 300_000
const BATCH_ROWS = 10_000

async function measureStore(): Promise<StoreResult> {
  const directory = mkdtempSync(join(tmpdir(), 'telltale-bench-store-'))
  const store = await openStore({ embedded: { directory } })
  try {
    const { enginePid: pid } = await store.health()
    if (pid === undefined) {
      throw new Error('the engine does not run')
    }
    const began = { ms: performance.now(), own: process.cpuUsage(), engine: engineMicros(pid) }
    const inserts: number[] = []
    let spentMaking = { ms: 0, micros: 0 }
    for (let first = 0; first < ROWS; first += BATCH_ROWS) {
      const before = { ms: performance.now(), own: process.cpuUsage() }
      const batch = Array.from({ length: BATCH_ROWS }, (_, index) => Buffer.from(JSON.stringify(event(first + index))))
      const made = process.cpuUsage(before.own)
      const ms = performance.now()
      spentMaking = { ms: spentMaking.ms + ms - before.ms, micros: spentMaking.micros + made.user + made.system }
      await store.insert({ batchId: newBatchId(Date.now()), table: 'events', rows: batch })
      inserts.push(performance.now() - ms)
    }
    const own = process.cpuUsage(began.own)
    const seconds = (performance.now() - began.ms - spentMaking.ms) / 1000
    return {
      rowsPerSecond: ROWS / seconds,
      ownMicros: (own.user + own.system - spentMaking.micros) / ROWS,
      engineMicros: (engineMicros(pid) - began.engine) / ROWS,
      insertP50Ms: quantile(inserts, 0.5),
      insertP99Ms: quantile(inserts, 0.99),
      engineResidentMb: Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024,
      reads: await measureReads(store),
    }
  } finally {
    await store.close()
    rmSync(directory, { recursive: true, force: true })
  }
}

async function measureReads(store: Store): Promise<StoreResult['reads']> {
  const reads: readonly (readonly [string, () => Promise<unknown>])[] = [
    ['the newest 100 events', () => store.events({ tenant: TENANT })],
    ['the newest 100 of one agent', () => store.events({ tenant: TENANT, agent: 'agent-7' })],
    ['the events of one session', () => store.events({ tenant: TENANT, session: 'session-99' })],
    ['one event', () => store.event(TENANT, idOf('bench', 4321))],
    ['all agents summed up', () => store.agents({ tenant: TENANT })],
  ]
  const results: { what: string; medianMs: number }[] = []
  for (const [what, read] of reads) {
    const times: number[] = []
    for (let turn = 0; turn < 7; turn += 1) {
      const ms = performance.now()
      await read()
      times.push(performance.now() - ms)
    }
    results.push({ what, medianMs: quantile(times, 0.5) })
  }
  return results
}

/** A table for the terminal. */
function describeStore(result: StoreResult): string {
  const { rowsPerSecond, ownMicros, engineMicros: engine, insertP50Ms, insertP99Ms, engineResidentMb } = result
  return [
    `embedded store, ${ROWS.toLocaleString('en')} events of ${EVENT_BYTES} bytes, every insert flushed to disk`,
    `insert: ${Math.round(rowsPerSecond).toLocaleString('en')} rows/s, p50 ${insertP50Ms.toFixed(0)} ms, p99 ${insertP99Ms.toFixed(0)} ms a batch`,
    `processor: ${ownMicros.toFixed(1)} us a row here, ${engine.toFixed(1)} us in the engine; ${engineResidentMb.toFixed(0)} MB resident`,
    ...result.reads.map(({ what, medianMs }) => `read ${what}: ${medianMs.toFixed(0)} ms`),
  ].join('\n')
}

/** Ticks are hundredths of a second on every Linux that Node runs on. */
function engineMicros(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) * 10_000
}

const WORDS = 'the agent reads a customer ticket and answers with a summary of refund policy while it calls tool'.split(
  ' ',
)

/** Like what a tool call leaves: half of it text, the rest names and ids. */
function event(index: number): Telemetry {
  const agent = `agent-${index % AGENTS}`
  const timeMs = Date.now()
  const base: Telemetry = {
    schema_version: '1',
    event_id: idOf('bench', index),
    time_ms: timeMs,
    observed_ms: timeMs,
    tenant_id: TENANT,
    agent: { id: agent, name: agent, version: '1.4.2', framework: 'langchain' },
    session_id: `session-${Math.floor(index / 12)}`,
    trace_id: idOf('trace', Math.floor(index / 12)),
    span_id: idOf('span', index).slice(0, 16),
    parent_span_id: idOf('parent', index).slice(0, 16),
    operation: 'tool_call',
    prompt_id: idOf('prompt', index) + idOf('prompt', index + 1),
    subject_chain: [
      { kind: 'human', id: `user-${index % 997}` },
      { kind: 'agent', id: agent },
    ],
    dataset_scope: [{ id: 'crm.accounts', classification: 'confidential' }],
    policy_snapshot: null,
    policy_decision: null,
    atlas_mapping: [],
    tool: { name: ['crm.lookup', 'kb.search', 'tickets.update'][index % 3] as string, kind: 'function' },
    outcome: index % 19 === 0 ? 'error' : 'ok',
    duration_ms: index % 900,
    volume: { bytes_in: 120, bytes_out: 612, input_tokens: 812, output_tokens: 99 },
    destinations: [{ host: 'api.example.com', scheme: 'https', seen_in: 'argument' }],
    integrity: { model: 'gpt-4o-2024-08-06' },
    token: null,
    approval: null,
    content: { arguments: JSON.stringify({ account: idOf('account', index) }), result: '' },
    attributes: { 'service.name': 'support', 'deployment.environment': 'prod', 'gen_ai.request.temperature': 0.2 },
  }
  const room = EVENT_BYTES - JSON.stringify(base).length
  let text = ''
  for (let word = index; text.length < room; word = (word * 31 + 7) % 1009) {
    text += `${WORDS[word % WORDS.length]} `
  }
  return { ...base, content: { ...base.content, result: text.slice(0, room) } }
}

console.log(describeStore(await measureStore()))
