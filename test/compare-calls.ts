/** Compares the tool calls of events with those that are expected, field by field, so that a difference reads as one. */
import type { Telemetry } from '../schema/telemetry.ts'
import type { ExpectedCall } from './expected-capture.ts'

const absent = 'absent'

export const isCall = ({ operation }: Telemetry): boolean => operation === 'tool_call'

/** What tells calls apart: session, tool and call id. Sorted; a call that is there twice is named twice. */
export function namesOfCalls(events: readonly Telemetry[]): readonly string[] {
  return events.filter(isCall).map(nameOf).sort()
}

/** The names that `namesOfCalls` must give. */
export function expectedNames(calls: readonly ExpectedCall[]): readonly string[] {
  return calls.map(expectedName).sort()
}

/**
 * What the events say of each expected call, in the words of the expectation: equal to `calls` when every field that
 * it states is right, `undefined` where no event is that call.
 */
export function asExpected(
  calls: readonly ExpectedCall[],
  events: readonly Telemetry[],
): readonly (ExpectedCall | undefined)[] {
  const byName = new Map(events.filter(isCall).map((event) => [nameOf(event), event]))
  return calls.map((call) => {
    const event = byName.get(expectedName(call))
    return event === undefined ? undefined : inWordsOf(call, event)
  })
}

/** How many events that are no calls there are of each operation. */
export function othersOf(events: readonly Telemetry[]): Readonly<Record<string, number>> {
  return sums(events.filter((event) => !isCall(event)).map(({ operation }) => [operation, 1]))
}

/** What `othersOf` must give for all of these recordings together. */
export function expectedOthers(
  recordings: readonly { readonly others: Readonly<Record<string, number>> }[],
): Readonly<Record<string, number>> {
  return sums(recordings.flatMap(({ others }) => Object.entries(others)))
}

function sums(counts: readonly (readonly [name: string, count: number])[]): Readonly<Record<string, number>> {
  const all: Record<string, number> = {}
  for (const [name, count] of counts) {
    all[name] = (all[name] ?? 0) + count
  }
  return all
}

function nameOf({ session_id, tool }: Telemetry): string {
  return `${session_id} ${tool?.name} ${tool?.call_id ?? ''}`.trim()
}

function expectedName({ session, tool, callId }: ExpectedCall): string {
  return `${session} ${tool} ${callId ?? ''}`.trim()
}

function inWordsOf(call: ExpectedCall, event: Telemetry): ExpectedCall {
  const holds = (text: string | undefined, snippet: string) => (text?.includes(snippet) ? snippet : (text ?? absent))
  const hosts = event.destinations.map(({ host, port }) => (port === undefined ? host : `${host}:${port}`))
  return {
    agent: event.agent.id,
    session: event.session_id,
    outcome: event.outcome,
    tool: event.tool?.name ?? absent,
    ...(call.server === undefined ? {} : { server: event.tool?.server ?? absent }),
    ...(call.callId === undefined ? {} : { callId: event.tool?.call_id ?? absent }),
    ...(call.errorType === undefined ? {} : { errorType: event.error_type ?? absent }),
    ...(call.arguments === undefined ? {} : { arguments: holds(event.content?.arguments, call.arguments) }),
    ...(call.result === undefined ? {} : { result: holds(event.content?.result, call.result) }),
    ...(call.destinations === undefined ? {} : { destinations: [...new Set(hosts)].sort() }),
    ...(call.datasets === undefined ? {} : { datasets: event.dataset_scope.map(({ id }) => id) }),
    ...(call.human === undefined
      ? {}
      : { human: event.subject_chain.find(({ kind }) => kind === 'human')?.id ?? absent }),
  }
}
