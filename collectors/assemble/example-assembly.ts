/** One trace of one agent, and what an assembler makes of it, for tests. */
import type { Fragment } from '../../schema/fragment.ts'
import type { Telemetry } from '../../schema/telemetry.ts'
import { START_MS, span } from './example-fragments.ts'
import { type AssembleOptions, openAssembler } from './index.ts'

/** The agent of the examples. */
export const AGENT = { id: 'clerk', version: '1' }
/** The span of the agent itself, which names agent and session. */
export const root = (overrides: Partial<Fragment> = {}) =>
  span('root', { operation: 'agent_invoke', agent: AGENT, session_id: 's1', ...overrides })
/** A call below the root that names neither. */
export const tool = (name: string, overrides: Parameters<typeof span>[1] = {}) =>
  span(name, {
    parent: 'root',
    operation: 'tool_call',
    tool: { name: 'search', call_id: `call_${name}` },
    outcome: 'ok',
    ...overrides,
  })
/** The request of a client library. */
export const http = (name: string, parent: string, host = 'api.example', overrides: Partial<Fragment> = {}) =>
  span(name, {
    parent,
    role: 'part',
    operation: 'egress',
    transport: true,
    destinations: [{ host, seen_in: 'network' }],
    ...overrides,
  })
/** The same, observed later. */
export const at = (fragment: Fragment, laterMs: number): Fragment => ({ ...fragment, observed_ms: START_MS + laterMs })

/** Absorbs the fragments; tells what came out at each step, and all in all. */
export function assembled(fragments: readonly Fragment[], options: Partial<AssembleOptions> = {}) {
  const assembler = openAssembler(options, [])
  const steps: Telemetry[][] = []
  const outcomes: Record<string, number> = {}
  const take = ({ events, outcomes: counted }: ReturnType<typeof assembler.absorb>) => {
    steps.push([...events])
    for (const [outcome, count] of counted) {
      outcomes[outcome] = (outcomes[outcome] ?? 0) + count
    }
  }
  for (const fragment of fragments) {
    take(assembler.absorb(fragment))
  }
  const sent = steps.map((events) => events.length)
  take(assembler.flush())
  const events = steps.flat()
  return {
    /** Events that went out with each fragment; the end of the input not counted. */
    sent,
    outcomes,
    events,
    last: new Map(events.map((event) => [event.event_id, event])),
    tools: [...new Map(events.map((event) => [event.event_id, event])).values()].filter(
      ({ operation }) => operation === 'tool_call',
    ),
  }
}
