/** Arbitrary fragments that meet: few names, so that relatives, retries and conflicts are common. */
import fc from 'fast-check'
import type { Fragment } from '../../schema/fragment.ts'
import { log, START_MS, span } from './example-fragments.ts'

const traces = ['a', 'b'].map((digit) => digit.repeat(32))
const names = ['root', 'one', 'two', 'three', 'four', 'five'] as const
const maybe = <T>(...values: T[]) => fc.constantFrom<T | undefined>(undefined, ...values)

const operation = fc.constantFrom<NonNullable<Fragment['operation']>>(
  'tool_call',
  'tool_call',
  'model_call',
  'model_call',
  'agent_invoke',
  'retrieval',
  'token_request',
)
const content = fc.record(
  { prompt: fc.constantFrom('p', 'q'), arguments: fc.constantFrom('x', 'y'), result: fc.constantFrom('r', 's') },
  { requiredKeys: [] },
)
const call = fc.record(
  {
    call_id: fc.constantFrom('call_a', 'call_b', '1'),
    name: fc.constantFrom('search', 'send'),
    arguments: fc.constantFrom('{"q":1}', '{"q":2}'),
    result: fc.constantFrom('found', 'nothing'),
    outcome: fc.constantFrom<'ok' | 'error'>('ok', 'error'),
  },
  { requiredKeys: ['call_id'] },
)

const said = fc.record({
  session_id: maybe('s1', 's2'),
  agent: maybe({ id: 'A', version: '1' }, { name: 'B' }),
  callers: maybe<Fragment['callers']>([{ kind: 'agent', id: 'A' }]),
  service: maybe({ name: 'shop' }, { name: 'bank', version: '2' }),
  principal: maybe<Fragment['principal']>({ kind: 'human', id: 'ann' }),
  outcome: maybe<NonNullable<Fragment['outcome']>>('ok', 'error', 'denied'),
  content: fc.option(content, { nil: undefined }),
  twin: maybe('f'.repeat(64)),
  tool: maybe<Fragment['tool']>(
    { name: 'search', call_id: 'call_a' },
    { name: 'send', call_id: 'call_b' },
    { name: 'search' },
    { name: 'mcp__crm__search', call_id: '1', kind: 'mcp' },
  ),
  dialect: fc.constantFrom('otel-genai', 'mcp', 'claude-code'),
  tenant_id: fc.constantFrom('default', 'default', 'other'),
})

const kind = fc.oneof(
  { weight: 5, arbitrary: operation.map((made) => ({ role: 'event' as const, operation: made })) },
  {
    weight: 3,
    arbitrary: fc.constant({
      role: 'part' as const,
      operation: 'egress' as const,
      transport: true,
      destinations: [{ host: 'api.example', seen_in: 'network' as const }],
    }),
  },
  {
    weight: 2,
    arbitrary: maybe<NonNullable<Fragment['operation']>>('tool_call').map((made) => ({
      role: 'part' as const,
      operation: made,
    })),
  },
  { weight: 1, arbitrary: fc.constant({ role: 'context' as const, operation: undefined }) },
)

const place = fc.record({
  trace: fc.constantFrom(...traces),
  name: fc.constantFrom(...names),
  parent: maybe(...names),
  isLog: fc.nat(3).map((n) => n === 0),
  isTraced: fc.boolean(),
  laterMs: fc.constantFrom(0, 0, 0, 100, 1500, 5000),
})

interface Step {
  readonly fragment: Fragment
  readonly laterMs: number
}

const step: fc.Arbitrary<Step> = fc
  .record({
    place,
    kind,
    said,
    requested: fc.array(call, { maxLength: 2 }),
    answered: fc.array(call, { maxLength: 2 }),
  })
  .map(({ place: { laterMs, ...where }, kind: what, said: words, requested, answered }) => {
    const fields = defined({
      ...words,
      ...what,
      ...(what.operation === 'model_call' ? { requested_calls: requested, answered_calls: answered } : {}),
    })
    const fragment = where.isLog
      ? log(defined({ ...fields, within: where.isTraced ? where.name : undefined }))
      : span(where.name, defined({ ...fields, trace_id: where.trace, parent: where.parent }))
    return { fragment, laterMs }
  })

/** A history: fragments as one partition reads them, retries and idle time included. */
export const history: fc.Arbitrary<readonly Fragment[]> = fc
  .array(fc.record({ step, again: fc.nat(9), isTick: fc.nat(14).map((n) => n === 0) }), { maxLength: 60, size: 'max' })
  .map((steps) => {
    let nowMs = START_MS
    const fragments: Fragment[] = []
    for (const { step: made, again, isTick } of steps) {
      nowMs += made.laterMs
      const earlier = fragments[Math.floor(fragments.length / 2)]
      const fragment = again === 0 && earlier !== undefined ? earlier : made.fragment
      fragments.push({ ...fragment, observed_ms: nowMs, time_ms: nowMs, ...(isTick ? { role: 'tick' as const } : {}) })
    }
    return fragments
  })

function defined<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as never
}
