import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Fragment } from '../../schema/fragment.ts'
import type { Telemetry } from '../../schema/telemetry.ts'
import { validateTelemetry } from '../../schema/validate.ts'
import { history } from './arbitrary.ts'
import { START_MS, span } from './example-fragments.ts'
import { type AssembleOptions, type Assembler, FURTHER_EVENTS, openAssembler } from './index.ts'

const RUNS = 150

/** Bounds so small that every history runs into them. */
const TIGHT: Partial<AssembleOptions> = {
  maxHeld: 3,
  maxTracesRemembered: 1,
  maxSpansRemembered: 4,
  maxSessionsRemembered: 1,
  maxServicesRemembered: 1,
  maxCallsRemembered: 3,
  maxLogsRemembered: 3,
}
const bounds = fc.constantFrom<Partial<AssembleOptions>>({}, TIGHT)

interface Run {
  readonly events: Telemetry[]
  readonly outcomes: Map<string, number>
}

const emptyRun = (): Run => ({ events: [], outcomes: new Map() })

function record(run: Run, { events, outcomes }: ReturnType<Assembler['absorb']>): void {
  run.events.push(...events)
  for (const [outcome, count] of outcomes) {
    run.outcomes.set(outcome, (run.outcomes.get(outcome) ?? 0) + count)
  }
}

function runThrough(fragments: readonly Fragment[], options: Partial<AssembleOptions>): Run {
  const assembler = openAssembler(options, [])
  const run = emptyRun()
  for (const fragment of fragments) {
    record(run, assembler.absorb(fragment))
  }
  record(run, assembler.flush())
  return run
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    Object.values(value).forEach(deepFreeze)
    Object.freeze(value)
  }
  return value
}

describe('assembler, on arbitrary histories', () => {
  it('ends every fragment once, and counts every event', () => {
    const reached = new Map<string, number>()
    fc.assert(
      fc.property(history, bounds, (fragments, options) => {
        const assembler = openAssembler(options, [])
        const run = emptyRun()
        fragments.forEach((fragment, index) => {
          record(run, assembler.absorb(fragment))
          const ends = [...run.outcomes].filter(([outcome]) => !FURTHER_EVENTS.has(outcome))
          expect(ends.reduce((sum, [, count]) => sum + count, 0) + assembler.held()).toBe(index + 1)
        })
        record(run, assembler.flush())
        expect(assembler.held()).toBe(0)
        expect(assembler.nextDeadlineMs()).toBeUndefined()
        const counted = ['event', 'event:early', 'synthesized', 'amended'].map((name) => run.outcomes.get(name) ?? 0)
        expect(run.events).toHaveLength(counted.reduce((sum, count) => sum + count, 0))
        for (const [outcome, count] of run.outcomes) {
          reached.set(outcome, (reached.get(outcome) ?? 0) + count)
        }
      }),
      { numRuns: RUNS },
    )
    // The histories reach every end, so that the sum above says something about each.
    expect([...reached.keys()].sort()).toEqual([
      'amended',
      'context',
      'duplicate',
      'event',
      'event:early',
      'expired:no-call',
      'merged',
      'model_transport',
      'synthesized',
      'tick',
    ])
  })

  it('makes only events of the schema', () => {
    fc.assert(
      fc.property(history, bounds, (fragments, options) => {
        for (const event of runThrough(fragments, options).events) {
          expect(validateTelemetry(event)).toBeUndefined()
        }
      }),
      { numRuns: RUNS },
    )
  })

  it('leaves its fragments as they were', () => {
    fc.assert(
      fc.property(history, (fragments) => {
        runThrough(deepFreeze(fragments), {})
      }),
      { numRuns: RUNS },
    )
  })

  it('gives the same events when it is cut anywhere and goes on from what was persisted', () => {
    fc.assert(
      fc.property(history, bounds, fc.array(fc.boolean(), { maxLength: 60 }), (fragments, options, cuts) => {
        const disk = new Map<string, Uint8Array>()
        let assembler = openAssembler(options, [])
        const run = emptyRun()
        fragments.forEach((fragment, index) => {
          // Callers that read fragments from a log have them as bytes, too.
          record(run, assembler.absorb(fragment, index % 2 === 0 ? encoded(fragment) : undefined))
          if (cuts[index] === true) {
            persist(disk, assembler)
            assembler = openAssembler(
              options,
              [...disk].reverse().map(([key, value]) => ({ key, value })),
            )
          } else if (index % 3 === 0) {
            persist(disk, assembler)
          }
        })
        record(run, assembler.flush())
        const whole = runThrough(fragments, options)
        expect(run.events).toEqual(whole.events)
        expect(new Map([...run.outcomes].sort())).toEqual(new Map([...whole.outcomes].sort()))
      }),
      { numRuns: RUNS },
    )
  })

  it('remembers no more than it may', () => {
    fc.assert(
      fc.property(history, (fragments) => {
        const assembler = openAssembler(TIGHT, [])
        for (const fragment of fragments) {
          assembler.absorb(fragment)
          const sizes = assembler.sizes()
          expect(sizes.waiting).toBeLessThanOrEqual(3)
          expect(sizes.remembered).toBeLessThanOrEqual(3)
          expect(sizes.spans).toBeLessThanOrEqual(4)
          // A trace that holds something stays.
          expect(sizes.traces).toBeLessThanOrEqual(1 + 3)
          expect(sizes.sessions).toBeLessThanOrEqual(1)
          expect(sizes.services).toBeLessThanOrEqual(1)
          expect(sizes.logs).toBeLessThanOrEqual(3)
        }
      }),
      { numRuns: RUNS },
    )
  })
})

const encoded = (fragment: Fragment): Uint8Array => Buffer.from(JSON.stringify(fragment))

function persist(disk: Map<string, Uint8Array>, assembler: Assembler): void {
  for (const { key, value } of assembler.changes()) {
    if (value === undefined) {
      disk.delete(key)
    } else {
      // As a disk would: the bytes are written over later.
      disk.set(key, Uint8Array.from(value))
    }
  }
}

/** One agent's trace: invocations, model calls, tool calls and what is below them; identity on ancestors only. */
interface Grown {
  readonly parents: readonly number[]
  readonly kinds: readonly number[]
  readonly order: readonly number[]
}

const SIZE = 12
const grown: fc.Arbitrary<Grown> = fc.record({
  parents: fc.array(fc.nat(), { minLength: SIZE, maxLength: SIZE }),
  kinds: fc.array(fc.nat(6), { minLength: SIZE, maxLength: SIZE }),
  order: fc.shuffledSubarray(
    Array.from({ length: SIZE }, (_, index) => index),
    { minLength: SIZE, maxLength: SIZE },
  ),
})

/** Node 0 is the root and names agent, session and principal; sub-agents below name themselves. */
function treeOf({ parents, kinds }: Grown): Fragment[] {
  return parents.map((choice, index) => {
    const name = `n${index}`
    if (index === 0) {
      return span(name, {
        operation: 'agent_invoke',
        agent: { id: 'main', version: '1' },
        session_id: 's1',
        principal: { kind: 'human', id: 'ann' },
      })
    }
    const below = { parent: `n${choice % index}` }
    switch (kinds[index]) {
      case 0:
        return span(name, { ...below, operation: 'agent_invoke', agent: { id: `sub${index}`, version: '1' } })
      case 1:
        return span(name, { ...below, operation: 'model_call', destinations: [{ host: 'model.example' }] })
      case 2:
        return span(name, { ...below, role: 'context' })
      case 3:
        return span(name, {
          ...below,
          role: 'part',
          operation: 'egress',
          transport: true,
          destinations: [{ host: `host${index}.example`, seen_in: 'network' }],
        })
      case 4:
        return span(name, { ...below, role: 'part', outcome: 'error', error_type: 'boom' })
      case 5:
        return span(name, { ...below, operation: 'tool_call', tool: { name: 'search', kind: 'mcp' }, dialect: 'mcp' })
      default:
        return span(name, { ...below, operation: 'tool_call', tool: { name: 'search', call_id: `call_${index}` } })
    }
  })
}

/** As spans end: every span before its parent, otherwise in the given order. */
function childrenFirst(fragments: readonly Fragment[], order: readonly number[]): Fragment[] {
  const remaining = order.map((index) => fragments[index] as Fragment)
  const sent: Fragment[] = []
  while (remaining.length > 0) {
    const leaf = remaining.findIndex(
      ({ span_id }) => !remaining.some(({ parent_span_id }) => parent_span_id === span_id),
    )
    sent.push(...remaining.splice(leaf, 1))
  }
  return sent
}

/** The last word on each event, as far as it is judged: what only completes the record is not sent again. */
function finalEvents(fragments: readonly Fragment[]) {
  const last = new Map(runThrough(fragments, {}).events.map((event) => [event.event_id, event]))
  return [...last.values()]
    .sort((a, b) => (a.event_id < b.event_id ? -1 : 1))
    .map(
      ({ event_id, agent, session_id, subject_chain, operation, outcome, error_type, destinations, observed_ms }) => ({
        event_id,
        agent,
        session_id,
        subject_chain,
        operation,
        outcome,
        error_type,
        observed_ms,
        destinations: destinations.toSorted((a, b) => (a.host < b.host ? -1 : 1)),
      }),
    )
}

describe('assembler, on one trace', () => {
  it('makes the same events whether children come before their parents or after', () => {
    let merged = 0
    fc.assert(
      fc.property(grown, (tree) => {
        const fragments = treeOf(tree)
        const topDown = finalEvents(fragments)
        const bottomUp = finalEvents(childrenFirst(fragments, tree.order))
        expect(bottomUp).toEqual(topDown)
        merged += fragments.length - topDown.length
      }),
      { numRuns: RUNS },
    )
    expect(merged).toBeGreaterThan(RUNS)
  })

  it('names every event of a trace that came within the deadline', () => {
    fc.assert(
      fc.property(grown, (tree) => {
        for (const event of finalEvents(childrenFirst(treeOf(tree), tree.order))) {
          expect(event.session_id).toBe('s1')
          expect(event.agent.id).toMatch(/^(main|sub\d+)$/)
          expect(event.subject_chain[0]).toEqual({ kind: 'human', id: 'ann' })
          expect(event.subject_chain.at(-1)?.id).toBe(event.agent.id)
          expect(event.observed_ms).toBe(START_MS)
        }
      }),
      { numRuns: RUNS },
    )
  })
})
