/** `telltale learn` and `telltale entitlements` as their user meets them, from recordings and from a running Telltale. */
import { readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { compilePolicies } from '../rules/compile.ts'
import { openHistory } from '../rules/learn/history.ts'
import { propose } from '../rules/learn/propose.ts'
import { loadPolicies } from '../rules/load.ts'
import type { PolicySet } from '../rules/policy.ts'
import type { Finding } from '../schema/finding.ts'
import { idOf } from '../schema/ids.ts'
import type { Telemetry } from '../schema/telemetry.ts'
import { areCapturesThere, captureFolder, recordFiles } from '../test/capture-files.ts'
import { directories, run } from '../test/command-line.ts'
import { exampleEvent } from '../test/example-event.ts'
import { replayHistory } from './history.ts'

vi.setConfig({ testTimeout: 60_000 })
const newDirectory = directories('telltale-learn-')
const SCENARIOS = resolve('replay/scenarios/demo')
const recordings = readdirSync(SCENARIOS)
  .filter((file) => file.endsWith('.otlp.jsonl'))
  .map((file) => join(SCENARIOS, file))
const EXTRACTION = recordings.find((file) => file.includes('04-support-extraction')) as string
const CONFIG = { tenant: 'default', retention: { content: 'masked' as const } }
/** Detectors whose findings point at the sections that are learned. */
const LEARNED = ['tool-allowlist', 'egress', 'delegation', 'token-scope', 'dataset-scope']

let directory: string
beforeEach(() => {
  directory = newDirectory()
})
const servers: ReturnType<typeof createServer>[] = []
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close()
  }
})

/** A Telltale that answers so; returns its address. */
async function telltaleThat(answers: (asked: URL) => object): Promise<string> {
  const server = createServer((request, response) =>
    response.end(JSON.stringify(answers(new URL(request.url ?? '', 'http://localhost')))),
  )
  servers.push(server)
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** What findings say, beside the fields that they share with their events. */
const TOO_NARROW = { detector: 'tool-allowlist', severity: 'high', evidence: { rule: 'not-listed' } }
const GRAVE = { detector: 'injection', severity: 'critical', evidence: {} }

/** What is found about the policies when a history is judged by them. */
async function policyFindings(files: readonly string[], policies: PolicySet): Promise<readonly Finding[]> {
  const found: Finding[] = []
  const onFinding = (finding: Finding) => {
    if (finding.policy !== undefined && LEARNED.includes(finding.detector)) {
      found.push(finding)
    }
  }
  await replayHistory(CONFIG, { files, policies, onFinding })
  return found
}

describe('telltale learn', () => {
  it('writes policies that are valid, and under which the same history breaks none', async () => {
    const learned = await run(['learn', ...recordings, '--min-seen', '1', '--out', 'learned'], directory)
    expect(learned.code).toBe(0)
    const checked = await run(['check', '--policies', 'learned'], directory)
    expect([checked.code, checked.stdout]).toEqual([0, expect.stringContaining('All is valid: 7 policies')])
    const found = await policyFindings(recordings, await loadPolicies(join(directory, 'learned')))
    // Left out, because they were flagged when they happened.
    const [research, booking] = ['research-agent', 'booking-agent'].map((id) =>
      readFileSync(join(directory, 'learned', `${id}.yml`), 'utf8'),
    )
    expect(research).toContain("# not proposed: 'shell.exec', flagged by tool-allowlist once")
    expect(booking).toContain("# not proposed: 'payments.transfer', flagged by tool-allowlist once")
    expect(new Set(found.map(({ agent, observed }) => `${agent.id} ${/'[^']+'/.exec(observed)?.[0]}`))).toEqual(
      new Set([
        "research-agent 'shell.exec'",
        "research-agent 'checker.requestbin.com:443'",
        "booking-agent 'payments.transfer'",
      ]),
    )
  })

  it('leaves files that are there as they are', async () => {
    const args = ['learn', recordings[0] as string, '--out', 'learned']
    expect((await run(args, directory)).code).toBe(0)
    const again = await run(args, directory)
    expect([again.code, again.stderr]).toEqual([
      2,
      'learned/support-assistant.yml: is there already, and was left as it is (give another directory by --out)\n',
    ])
  })

  it('asks a running Telltale page by page for the agents that are meant', async () => {
    const asked: string[] = []
    const spans = new Set<string>()
    const events = [0, 1, 2].map((n) =>
      exampleEvent({ event_id: idOf(n), tool: { name: n === 2 ? 'shell' : 'kb.search' } }),
    )
    const url = await telltaleThat(({ pathname, searchParams }) => {
      asked.push(`${pathname}?${searchParams.get('agent') ?? ''}`)
      const second = searchParams.get('cursor') === 'more'
      switch (pathname) {
        case '/api/v1/agents':
          spans.add(`${searchParams.get('from')} to ${searchParams.get('to')}`)
          return second
            ? { items: [{ id: 'support-assistant' }] }
            : { items: Array.from({ length: 1000 }, (_, n) => ({ id: `other-${n}` })), next: 'more' }
        case '/api/v1/events':
          return second ? { items: events.slice(1) } : { items: events.slice(0, 1), next: 'more' }
        default:
          return { items: [{ ...events[2], ...TOO_NARROW }] }
      }
    })
    const { code, stdout, stderr } = await run(['learn', '--url', url, '--agent', 'support-*'], directory)
    expect([code, stderr]).toEqual([0, '1 policy proposed, 1 use left out\n'])
    expect(stdout).toContain("    - 'kb.search' # 2 times, ")
    expect(stdout).toContain("    # not proposed: 'shell', flagged by tool-allowlist once, ")
    expect(asked).toEqual([
      '/api/v1/agents?',
      '/api/v1/agents?',
      // Findings first: events are counted, not kept.
      '/api/v1/findings?',
      '/api/v1/findings?support-assistant',
      '/api/v1/events?support-assistant',
      '/api/v1/events?support-assistant',
    ])
    // With one end for all pages: agents that act meanwhile change places.
    expect([...spans]).toEqual([expect.stringMatching(/^\d{13} to \d{13}$/)])
  })

  it('proposes nothing of what is judged while it reads', async () => {
    const came = (n: number, ms: number) =>
      exampleEvent({
        event_id: idOf(n),
        time_ms: ms - 60_000,
        observed_ms: ms,
        tool: { name: `tool.${n < 2 ? 'a' : 'b'}` },
      })
    const before = [0, 1].map((n) => came(n, Date.now() - 60_000))
    let attack: Telemetry[] = []
    const url = await telltaleThat(({ pathname, searchParams }) => {
      const items = { '/api/v1/agents': [{ id: 'support-assistant' }], '/api/v1/events': [...before, ...attack] }
      if (pathname !== '/api/v1/findings') {
        return { items: items[pathname as keyof typeof items] }
      }
      const found = attack.map((event) => ({ ...event, ...GRAVE }))
      if (searchParams.has('agent')) {
        attack = [2, 3].map((n) => came(n, Date.now()))
      }
      return { items: found }
    })
    const { stdout, stderr } = await run(['learn', '--url', url], directory)
    expect(stdout).toContain("    - 'tool.a' # 2 times, ")
    expect(stdout).not.toContain('tool.b')
    expect(stderr).toBe(
      '2 events of the last 15 seconds left out: what is wrong with them may not be found yet; ask again\n1 policy proposed, 0 uses left out\n',
    )
  })

  it('proposes nothing that came after a grave finding about another agent of the session', async () => {
    const event = exampleEvent()
    const url = await telltaleThat(({ pathname, searchParams }) => {
      switch (pathname) {
        case '/api/v1/agents':
          return { items: [event.agent] }
        case '/api/v1/events':
          return { items: [event] }
        default:
          return {
            items:
              searchParams.get('severity') === 'high,critical'
                ? [{ ...event, ...GRAVE, event_id: idOf('another'), agent: { id: 'another' } }]
                : [],
          }
      }
    })
    const { stdout } = await run(['learn', '--url', url, '--min-seen', '1'], directory)
    expect(stdout).toContain("    # not proposed: 'kb.search', after a grave finding in its session once, ")
    const recorded = await run(['learn', EXTRACTION, '--min-seen', '1'], directory)
    expect(recorded.stdout).toContain(
      "    # not proposed: 'human', flagged by prompt-extraction once, after a grave finding in its session once, ",
    )
  })

  it('says what is wrong with its options', async () => {
    for (const [args, said] of [
      [['--min-seen', '0'], 'write --min-seen 1 or more'],
      [['--since', '1y'], 'write 12h, 7d or 30d'],
    ] as const) {
      const ended = await run(['learn', ...args], directory)
      expect([ended.code, ended.stderr]).toEqual([2, expect.stringContaining(said)])
    }
  })
})

describe('telltale entitlements', () => {
  it('names the lines that grant what nobody used, and what was used against them', async () => {
    const { code, stdout } = await run(['entitlements', ...recordings], directory)
    expect(code).toBe(0)
    expect(stdout).toMatch(/^ {2}policies\/travel\.yml:\d+: tools\.allow: itinerary\.\*$/m)
    expect(stdout).toContain("'booking-agent' under booking-agent: tools.allow: 'payments.transfer', once")
    expect(stdout).toMatch(/Agents without a policy .*:\n {2}'prototype-summarizer'/)
  })

  it('gives JSON', async () => {
    const { stdout } = await run(['entitlements', recordings[7] as string, '--json'], directory)
    const report = JSON.parse(stdout)
    expect(report).toMatchObject({ unused: [], ungranted: [], ungoverned: ['prototype-summarizer'] })
    expect(report.idle).toContain('research-agent')
  })
})

describe.skipIf(!areCapturesThere)(
  'learned from recorded requests of real agents (skipped where there are none)',
  () => {
    it('a policy refuses nothing of what it was learned from', async () => {
      const files = recordFiles.map((file) => join(captureFolder, file))
      const history = openHistory()
      const none = compilePolicies([])
      await replayHistory(CONFIG, { files, policies: none, onEvent: history.observe })
      const { proposals, unproposed } = propose(history.agents(), { minSeen: 1 })
      expect(proposals.length).toBeGreaterThan(5)
      const left = proposals.flatMap((proposal) => proposal.left)
      expect([unproposed, left.filter(({ events, denied }) => events > denied)]).toEqual([[], []])
      const policies = compilePolicies(
        proposals.map(({ id, text }) => ({ path: `${id}.yml`, name: `learned/${id}.yml`, text })),
      )
      // What was only tried is not learned.
      const tried = left.map(({ used }) => (used.question as { name: string }).name)
      const found = await policyFindings(files, policies)
      expect([...new Set(found.map(({ evidence }) => evidence.untrusted_tool))].sort()).toEqual(tried.sort())
    })
  },
)
