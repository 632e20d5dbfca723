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
    const events = [0, 1, 2].map((n) =>
      exampleEvent({ event_id: idOf(n), tool: { name: n === 2 ? 'shell' : 'kb.search' } }),
    )
    const server = createServer((request, response) => {
      const url = new URL(request.url ?? '', 'http://localhost')
      asked.push(`${url.pathname}?${url.searchParams.get('agent') ?? ''}`)
      const second = url.searchParams.get('cursor') === 'more'
      const answers: Record<string, object> = {
        '/api/v1/agents': second
          ? { items: [{ id: 'support-assistant' }] }
          : { items: Array.from({ length: 1000 }, (_, n) => ({ id: `other-${n}` })), next: 'more' },
        '/api/v1/events': second ? { items: events.slice(1) } : { items: events.slice(0, 1), next: 'more' },
        '/api/v1/findings': {
          items: [{ event_id: idOf(2), detector: 'tool-allowlist', kind: 'policy', severity: 'high' }],
        },
      }
      response.end(JSON.stringify(answers[url.pathname]))
    })
    servers.push(server)
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
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
