/** Events as assemble would make them, for drills that begin at the detectors. */
import type { Telemetry } from '../../schema/telemetry.ts'
import { exampleEvent } from '../../test/example-event.ts'

const START_MS = Date.UTC(2026, 0, 5, 8)

/** A call of an agent that a shipped policy governs, in a session of its own; a wrong one raises an alert. */
export function probeEvent(agent: string, index: number, isWrong: boolean): Telemetry {
  const id = `coding-agent-${agent}`
  return exampleEvent({
    agent: { id },
    subject_chain: [{ kind: 'agent', id }],
    session_id: `${id}/${index}/${isWrong ? 'wrong' : 'right'}`,
    time_ms: START_MS + index * 1000,
    observed_ms: START_MS + index * 1000,
    tool: { name: isWrong ? 'payments.refund' : 'Read' },
  })
}
