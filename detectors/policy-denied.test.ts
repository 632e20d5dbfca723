import { describe, expect, it } from 'vitest'
import type { Telemetry } from '../schema/telemetry.ts'
import { event } from './arbitrary.ts'
import { policyDenied } from './policy-denied.ts'

const CONTEXT = { policy: undefined }
const START_MS = 1_700_000_000_000
const DAY_MS = 24 * 3_600_000
const LONG = Array.from({ length: 60 }, (_, index) => `word${index}`).join(' ')

/** What each of these events gives, in one session, a second apart. */
function session(events: readonly Partial<Telemetry>[]) {
  const state = policyDenied.initial()
  return events.map((fields, index) => {
    const each = event({ time_ms: START_MS + index * 1000, ...fields })
    const drafts = policyDenied.check(each, state, CONTEXT)
    const changed = (drafts.length > 0 ? policyDenied.spoke : policyDenied.learn)?.(each, state, CONTEXT)
    return { drafts, changed }
  })
}
const loud = (events: readonly Partial<Telemetry>[]) =>
  session(events).flatMap(({ drafts }, index) =>
    drafts.filter(({ severity }) => severity !== 'informational').map((draft) => ({ index, ...draft })),
  )

const call = (name: string, args?: unknown, fields: Partial<Telemetry> = {}): Partial<Telemetry> => ({
  tool: { name },
  ...(args === undefined ? {} : { content: { arguments: JSON.stringify(args) } }),
  ...fields,
})
const denied = (name: string, args?: unknown, fields: Partial<Telemetry> = {}) =>
  call(name, args, { outcome: 'denied', policy_decision: 'deny', ...fields })

describe('one denial', () => {
  it('is context, once for each thing', () => {
    const told = session([denied('crm.delete', { id: 1 }), denied('crm.delete', { id: 2 })])
    expect(told[0]?.drafts).toMatchObject([
      { severity: 'informational', title: "Denied by the policy point: 'crm.delete'", techniques: ['AML.T0133'] },
    ])
    expect(told[1]?.drafts).toEqual([])
  })

  it('is nothing when a person refused, or a service that is no policy point', () => {
    expect(session([denied('Bash', {}, { approval: { required: true, by: 'user_reject' } })])[0]?.drafts).toEqual([])
    expect(session([call('web.fetch', {}, { outcome: 'denied', error_type: '403' })])[0]?.drafts).toEqual([])
  })
})

describe('probing', () => {
  it('is five different things denied in one session, and again fifteen', () => {
    const events = Array.from({ length: 20 }, (_, index) => denied(`tool-${index}`))
    expect(loud(events)).toMatchObject([
      { index: 4, cause: 'probing', severity: 'medium', evidence: { denied_targets: 5 } },
      { index: 14, cause: 'probing', severity: 'high', evidence: { denied_targets: 15 } },
    ])
  })

  it('is counted over a day: a session that never ends is not probing for what it is denied in weeks', () => {
    const onDay = (n: number, days: number) => denied(`tool-${n}`, {}, { time_ms: START_MS + days * DAY_MS })
    const weekly = Array.from({ length: 20 }, (_, n) => onDay(n, 7 * n))
    expect(loud(weekly)).toEqual([])
    expect(session(weekly).every(({ drafts }) => drafts.length === 1)).toBe(true)
    const inADay = [0, 1, 2, 3, 4].map((n) => onDay(n, n / 4))
    expect(loud([...weekly.slice(0, 1), ...inADay])).toMatchObject([{ cause: 'probing', severity: 'medium' }])
    // What is denied again and again is one thing, however long it goes on.
    const habits = Array.from({ length: 40 }, (_, n) => onDay(n % 4, n / 8))
    expect(loud(habits)).toEqual([])
    expect(loud([...habits, onDay(9, 5)])).toMatchObject([{ index: 40, cause: 'probing' }])
  })

  it('is seen again when the first sixteen were long ago', () => {
    const first = Array.from({ length: 20 }, (_, n) => denied(`tool-${n}`))
    const later = Array.from({ length: 5 }, (_, n) => denied(`other-${n}`, {}, { time_ms: START_MS + 2 * DAY_MS }))
    expect(loud([...first, ...later]).map(({ index }) => index)).toEqual([4, 14, 24])
  })

  it('is not an amendment of what was denied: it is context', () => {
    const state = policyDenied.initial()
    for (let n = 0; n < 4; n += 1) {
      policyDenied.learn(event(denied(`tool-${n}`)), state, CONTEXT)
    }
    const amended = event(denied('tool-3', {}, { destinations: [{ host: 'a.test' }] }))
    const severities = (repeated: boolean) =>
      policyDenied.check(amended, state, { ...CONTEXT, repeated }).map(({ severity }) => severity)
    expect(severities(true)).toEqual(['informational'])
    expect(severities(false)).toEqual(['medium'])
  })

  it('is seen over datasets and hosts of one tool, and over tools that answer that they may not', () => {
    const datasets = Array.from({ length: 5 }, (_, n) =>
      denied('sql', {}, { dataset_scope: [{ id: `mysql/a/t${n}` }] }),
    )
    expect(loud(datasets)).toHaveLength(1)
    const hosts = Array.from({ length: 5 }, (_, n) => denied('http', {}, { destinations: [{ host: `h${n}.test` }] }))
    expect(loud(hosts)).toHaveLength(1)
    expect(loud(Array.from({ length: 5 }, (_, n) => call(`t${n}`, {}, { outcome: 'refused' })))).toHaveLength(1)
  })

  it('is not the same thing tried again, nor pages that may not be read, nor a person who says no', () => {
    expect(loud(Array.from({ length: 9 }, (_, n) => denied('crm.delete', { id: n })))).toEqual([])
    const pages = (n: number): Partial<Telemetry> => ({ outcome: 'denied', destinations: [{ host: `h${n}.test` }] })
    expect(loud(Array.from({ length: 9 }, (_, n) => call('web.fetch', {}, pages(n))))).toEqual([])
    expect(loud(Array.from({ length: 9 }, (_, n) => denied(`t${n}`, {}, { approval: { by: 'User' } })))).toEqual([])
    const byItself = { agent: { id: 'user-helper' }, approval: { by: 'user-helper' } }
    expect(loud(Array.from({ length: 5 }, (_, n) => denied(`t${n}`, {}, byItself)))).toHaveLength(1)
  })
})

describe('a denial that is gone around', () => {
  const cards = { dataset_scope: [{ id: 'postgresql/crm/cards' }] }

  it('is the same dataset or host with another tool', () => {
    expect(
      loud([denied('crm.read', undefined, cards), call('kb.search'), call('sql.query', undefined, cards)]),
    ).toMatchObject([
      {
        index: 2,
        severity: 'high',
        reason:
          "'support-assistant' was denied by the policy point, and 2 s later reached the same dataset or host with another tool and succeeded.",
        evidence: { way: 'other-tool-same-target', denied_ms: START_MS, untrusted_tool: 'sql.query' },
        techniques: ['AML.T0117', 'AML.T0053', 'AML.T0133'],
      },
    ])
    const host = { destinations: [{ host: 'paste.test' }] }
    expect(loud([denied('http.post', undefined, host), call('shell.exec', undefined, host)])).toHaveLength(1)
  })

  it('is the same arguments with another tool', () => {
    const events = [denied('fs.read', { path: '/srv/app/.env' }), call('shell.exec', { command: 'cat /srv/app/.env' })]
    expect(loud(events)).toMatchObject([{ evidence: { way: 'other-tool-same-arguments' } }])
  })

  it('is the same call written otherwise, or with another amount', () => {
    const paid = (amount: number) => ({ to: 'DE89370400440532013000', note: 'rent', amount })
    expect(loud([denied('payments.send', paid(50_000)), call('payments.send', paid(9_999))])).toMatchObject([
      { severity: 'medium', evidence: { way: 'changed-arguments' } },
    ])
    const paths = [denied('fs.read', { path: '/srv/app/keys' }), call('fs.read', { path: '/srv/./app//keys' })]
    expect(loud(paths)).toHaveLength(1)
  })

  it.each([
    ['a setting', { by: 'config' }],
    ['a hook', { by: 'hook' }],
    ['the agent itself', { by: 'support-assistant' }],
    ['another agent of the chain', { by: 'agent:planner' }],
  ])('is one also where %s let the other way pass: that decides nothing anew', (_, approval) => {
    expect(loud([denied('crm.read', {}, cards), call('sql.query', {}, { ...cards, approval })])).toHaveLength(1)
  })

  it('is told once, also where the decision and the call were recorded apart', () => {
    const decision = denied('crm.read', undefined, { ...cards, operation: 'policy_decision' })
    const again = call('sql.query', undefined, cards)
    expect(loud([decision, denied('crm.read', undefined, cards), again, again])).toHaveLength(1)
  })

  it.each<[string, Partial<Telemetry>[]]>([
    [
      'going on with something else',
      [denied('fs.read', { path: '/etc/shadow' }), call('fs.read', { path: '/srv/a.txt' })],
    ],
    ['reading what may not be deleted', [denied('crm.delete', {}, cards), call('crm.read', {}, cards)]],
    ['the same call, allowed now', [denied('crm.read', { id: 'ab' }, cards), call('crm.read', { id: 'ab' }, cards)]],
    [
      'what a person approved',
      [denied('crm.read', {}, cards), call('sql.query', {}, { ...cards, approval: { by: 'dana.reyes' } })],
    ],
    ['what a person refused before', [denied('a', {}, { ...cards, approval: { by: 'user' } }), call('b', {}, cards)]],
    [
      'what the user at the keyboard approved',
      [denied('Read', {}, cards), call('Bash', {}, { ...cards, approval: { by: 'user_temporary' } })],
    ],
    [
      'a page that another tool may read',
      [call('fetch', {}, { ...cards, outcome: 'denied' }), call('open', {}, cards)],
    ],
    ['what comes much later', [denied('a', {}, cards), call('b', {}, { ...cards, time_ms: START_MS + 601_000 })]],
    ['what fails, too', [denied('a', {}, cards), call('b', {}, { ...cards, outcome: 'error' })]],
    [
      'the call whose own request was denied',
      [
        { operation: 'egress', outcome: 'denied', policy_decision: 'deny', destinations: [{ host: 'x.test' }] },
        call('http.get', {}, { destinations: [{ host: 'x.test' }] }),
      ],
    ],
    [
      'a long text that has the words, too',
      [denied('fs.read', { path: '/srv/app/keys' }), call('notes.read', { text: 'srv app keys '.repeat(9) + LONG })],
    ],
  ])('is not %s', (_, events) => {
    expect(loud(events)).toEqual([])
  })
})

it('leaves its state alone in sessions where nothing is denied', () => {
  expect(session([call('crm.read')])[0]?.changed).toBe(false)
})
