/**
 * The assembler of one partition: fragments in, events out. Pure and deterministic: time is what the fragments
 * say (`observed_ms`, ticks included), and how they were cut into batches makes no difference.
 *
 * A record that stands for an event and names its agent and session is never held. Others wait for what may still
 * name them, up to `holdMs` of stream time, and then go on with what is known. A fragment that comes later and adds
 * something that a detector judges makes its event go out again, whole, under the same id: an amendment.
 */
import type { Fragment } from '../../schema/fragment.ts'
import { idOf } from '../../schema/ids.ts'
import type { Telemetry } from '../../schema/telemetry.ts'
import { Contribution } from './contribution.ts'
import { rankOf } from './draft.ts'
import { Drafts } from './drafts.ts'
import { DraftFlow } from './flow.ts'
import { learn } from './learn.ts'
import { type Ledger, openLedger, type StateChange } from './ledger.ts'
import { Memory, type Trace } from './memory.ts'
import { ASSEMBLE_DEFAULTS, type AssembleOptions } from './options.ts'
import { Output } from './output.ts'

export interface Absorbed {
  /** New events and amendments, in order. */
  readonly events: readonly Telemetry[]
  /** See `output.ts` for the names and what they add up to. */
  readonly outcomes: ReadonlyMap<string, number>
}

export interface Assembler {
  /** `encoded` is the fragment as JSON, where the caller has it: what is persisted of it need not be encoded again. */
  absorb(fragment: Fragment, encoded?: Uint8Array): Absorbed
  /** State entries that changed since the last call; to be persisted with the offset. See `Ledger.changes`. */
  changes(): readonly StateChange[]
  /** Stream time at which something held goes on, or `undefined` when nothing is held. */
  nextDeadlineMs(): number | undefined
  /** A fragment that only moves stream time, for when no others come. */
  tick(nowMs: number): Fragment
  /** The end of the input: everything held goes on with what is known. */
  flush(): Absorbed
  /** Fragments absorbed whose outcome is not counted yet. */
  held(): number
  /** How much is remembered, for metrics and tests. */
  sizes(): Readonly<Record<string, number>>
}

/** Opens an assembler on the state that `changes` gave, in any order; empty for a new partition. */
export function openAssembler(
  options: Partial<AssembleOptions>,
  entries: Iterable<{ readonly key: string; readonly value: Uint8Array }>,
): Assembler {
  return new PartitionAssembler({ ...ASSEMBLE_DEFAULTS, ...options }, openLedger(entries))
}

class PartitionAssembler implements Assembler {
  readonly #ledger: Ledger
  readonly #memory: Memory
  readonly #drafts: Drafts
  readonly #flow: DraftFlow
  readonly #logs: RecentIds
  /** Stream time. */
  readonly #clock: { value: number }

  constructor(options: AssembleOptions, ledger: Ledger) {
    this.#ledger = ledger
    this.#clock = ledger.counter('stream_ms')
    this.#drafts = new Drafts(ledger, options)
    this.#memory = new Memory(ledger, options, ({ facts }) => this.#drafts.isHeld(facts.tenant, facts.id))
    this.#logs = new RecentIds(ledger, options.maxLogsRemembered)
    this.#flow = new DraftFlow(options, this.#memory, this.#drafts, this.#clock)
  }

  absorb(fragment: Fragment, encoded?: Uint8Array): Absorbed {
    const output = new Output()
    this.#clock.value = Math.max(this.#clock.value, fragment.observed_ms)
    this.#expire(output)
    if (fragment.role === 'tick') {
      output.count('tick')
      this.#drafts.forget()
      return output.absorbed()
    }
    const trace =
      fragment.trace_id === undefined
        ? undefined
        : this.#memory.trace(fragment.tenant_id, fragment.trace_id, this.#clock.value)
    if (this.#isDuplicate(fragment, trace)) {
      output.count('duplicate')
      this.#drafts.forget()
      return output.absorbed()
    }
    const node = learn(fragment, trace, this.#memory, this.#clock.value)
    this.#flow.take(new Contribution(rankOf(fragment), fragment, encoded), trace, node, output)
    this.#bound(output)
    return output.absorbed()
  }

  changes(): readonly StateChange[] {
    return this.#ledger.changes()
  }

  nextDeadlineMs(): number | undefined {
    return this.#drafts.nextDeadline()
  }

  tick(nowMs: number): Fragment {
    return {
      schema_version: '1',
      fragment_id: idOf('tick', nowMs),
      tenant_id: '',
      role: 'tick',
      dialect: 'tick',
      signal: 'log',
      time_ms: nowMs,
      observed_ms: nowMs,
      join_key: 'tick',
    }
  }

  flush(): Absorbed {
    const output = new Output()
    for (let due = this.#drafts.firstDue(); due !== undefined; due = this.#drafts.firstDue()) {
      this.#flow.conclude(due, 'event', output)
    }
    this.#drafts.forget()
    return output.absorbed()
  }

  held(): number {
    return this.#drafts.open
  }

  sizes(): Readonly<Record<string, number>> {
    return { ...this.#memory.sizes, ...this.#drafts.sizes, logs: this.#logs.size }
  }

  #expire(output: Output): void {
    for (;;) {
      const deadlineMs = this.#drafts.nextDeadline()
      if (deadlineMs === undefined || deadlineMs > this.#clock.value) {
        return
      }
      this.#flow.conclude(this.#drafts.firstDue() as NonNullable<ReturnType<Drafts['firstDue']>>, 'event', output)
    }
  }

  #bound(output: Output): void {
    while (this.#drafts.crowded) {
      const oldest = this.#drafts.firstDue() as NonNullable<ReturnType<Drafts['firstDue']>>
      for (const draft of this.#drafts.heldWith(oldest)) {
        if (this.#drafts.has(draft) && draft.deadline_ms !== undefined) {
          this.#flow.conclude(draft, 'event:early', output)
        }
      }
    }
    this.#drafts.forget()
  }

  #isDuplicate(fragment: Fragment, trace: Trace | undefined): boolean {
    if (fragment.signal === 'span' && trace !== undefined && fragment.span_id !== undefined) {
      return trace.spans.has(fragment.span_id)
    }
    return this.#logs.seen(`${fragment.tenant_id}\n${fragment.fragment_id}`)
  }
}

/** The ids of the last log records. */
class RecentIds {
  readonly #shelf
  readonly #limit: number
  readonly #ids: Set<string>

  constructor(ledger: Ledger, limit: number) {
    this.#shelf = ledger.shelf<string>('log')
    this.#limit = limit
    this.#ids = new Set([...this.#shelf.values()].map(({ value }) => value))
  }

  get size(): number {
    return this.#ids.size
  }

  /** Whether it was seen before; remembers it. */
  seen(id: string): boolean {
    if (this.#ids.has(id)) {
      return true
    }
    this.#ids.add(id)
    this.#shelf.add(id)
    if (this.#ids.size > this.#limit) {
      const oldest = this.#shelf.oldest()
      if (oldest !== undefined) {
        this.#ids.delete(oldest.value)
        this.#shelf.drop(oldest)
      }
    }
    return false
  }
}
