/** The tests inside policy files, compiled: each a whole event, and what its author expects of the detectors. */
import { idOf } from '../schema/ids.ts'
import type { AgentSelector } from '../schema/policy/selector.ts'
import type { PolicyTestEntry, TestEvent } from '../schema/policy/tests.ts'
import type { Agent, Destination, Operation, Telemetry } from '../schema/telemetry.ts'
import type { CompiledPolicy } from './policy.ts'
import type { SectionProblem } from './verdict.ts'

/** One test of one policy. `commands/policy-tests.ts` runs it. */
export interface PolicyTest {
  readonly name: string
  /** The policy as it judges when it is on, whatever its mode. */
  readonly policy: CompiledPolicy
  readonly event: Telemetry
  /** Ids of the detectors that must speak, and no others; none: all is allowed. */
  readonly expect: readonly string[]
  /** Where it stands. */
  readonly file: string
  readonly line: number
}

/** The time of every test event that says none: tests come out the same on any day. */
const TEST_TIME_MS = Date.UTC(2026, 0, 1, 12)

/** The event of a test, completed. What cannot be read is a problem, at a path from the test on. */
export function completeEvent(
  test: PolicyTestEntry,
  selector: AgentSelector | undefined,
): { readonly event: Telemetry; readonly problems: readonly SectionProblem[] } {
  const { tool, destinations = [], datasets = [], agent, ...rest } = test.event
  const problems: SectionProblem[] = []
  const reached = destinations.flatMap((destination, index) => {
    const read = typeof destination === 'string' ? destinationOf(destination) : destination
    if (read === undefined) {
      const path = ['event', 'destinations', index]
      problems.push({ path, message: `'${destination}' is no address`, suggestion: "write 'https://api.example.com'" })
    }
    return read === undefined ? [] : [read]
  })
  const event: Telemetry = {
    schema_version: '1',
    event_id: idOf('policy-test', test.name),
    time_ms: TEST_TIME_MS,
    observed_ms: TEST_TIME_MS,
    tenant_id: 'default',
    agent: agent ?? agentOf(selector),
    session_id: 'policy-test',
    trace_id: null,
    span_id: null,
    parent_span_id: null,
    operation: operationOf(test.event),
    prompt_id: null,
    subject_chain: [],
    dataset_scope: datasets.map((dataset) => (typeof dataset === 'string' ? { id: dataset } : dataset)),
    policy_snapshot: null,
    policy_decision: null,
    atlas_mapping: [],
    tool: typeof tool === 'string' ? { name: tool } : (tool ?? null),
    outcome: 'ok',
    duration_ms: null,
    volume: {},
    destinations: reached,
    integrity: {},
    token: null,
    approval: null,
    attributes: {},
    ...rest,
  }
  return { event, problems }
}

/** `https://host:8443/path`, or a host, with or without a port. */
function destinationOf(text: string): Destination | undefined {
  if (!text.includes('://')) {
    return /\s/.test(text) ? undefined : { host: text.toLowerCase(), seen_in: 'network' }
  }
  if (!URL.canParse(text)) {
    return undefined
  }
  const { hostname, port, protocol } = new URL(text)
  const scheme = protocol.slice(0, -1)
  return hostname === ''
    ? undefined
    : { host: hostname.toLowerCase(), scheme, ...(port === '' ? {} : { port: Number(port) }), seen_in: 'network' }
}

/** An agent that the policy governs: its globs with nothing in place of the wildcards, where that is a name. */
function agentOf({ labels, ...fields }: AgentSelector = {}): Agent {
  const named = Object.entries(fields).map(([field, pattern]) => [field, spelled(pattern)])
  const labelled = Object.entries(labels ?? {}).map(([name, pattern]) => [name, spelled(pattern)])
  return {
    id: 'policy-test',
    ...Object.fromEntries(named),
    ...(labelled.length === 0 ? {} : { labels: Object.fromEntries(labelled) }),
  }
}

function spelled(pattern: string): string {
  return pattern.replaceAll('*', 'test')
}

function operationOf({ operation, tool, token, destinations = [], datasets = [], content }: TestEvent): Operation {
  if (operation !== undefined) {
    return operation
  }
  if (tool !== undefined) {
    return 'tool_call'
  }
  if (token !== undefined) {
    return 'token_request'
  }
  if (destinations.length > 0) {
    return 'egress'
  }
  return datasets.length > 0 ? 'retrieval' : content === undefined ? 'tool_call' : 'model_call'
}
