/** A complete, valid notice for tests; what a test is about goes in `changes`. */
import type { Alert, Notice } from '../schema/alert.ts'
import { idOf } from '../schema/ids.ts'

export function exampleNotice(n = 0, changes: Partial<Alert> = {}, type: Notice['type'] = 'alert.created'): Notice {
  const alertId = changes.alert_id ?? idOf('alert', n)
  return {
    type,
    notice_id: idOf(alertId, type),
    alert: {
      schema_version: '1',
      alert_id: alertId,
      time_ms: 1_790_000_000_000 + n,
      first_event_ms: 1_790_000_000_000 + n,
      tenant_id: 'default',
      agent: { id: 'support-assistant' },
      session_id: 'session-1',
      trace_id: null,
      title: 'Tool outside the allow-list: "shell.exec"',
      reason: 'support-assistant called "shell.exec", which its policy does not allow.',
      severity: 'high',
      confidence: 0.99,
      kind: 'policy',
      findings: [
        {
          finding_id: idOf('finding', n),
          detector: 'tool-allowlist',
          event_id: idOf('event', n),
          time_ms: 1_790_000_000_000 + n,
          agent_id: 'support-assistant',
          severity: 'high',
          reason: 'support-assistant called "shell.exec", which its policy does not allow.',
          observed: 'shell.exec',
          expected: 'crm.*, kb.search',
          evidence: { untrusted_tool: 'shell.exec' },
          techniques: ['AML.T0053'],
        },
      ],
      techniques: [{ id: 'AML.T0053', name: 'AI Agent Tool Invocation', tactics: ['AML.TA0005'] }],
      atlas_version: '2026.09',
      owasp: ['LLM06:2025'],
      runbook: ['Ask the owner of the agent.'],
      status: 'new',
      ...changes,
    },
  }
}

export function exampleAlert(n = 0, changes: Partial<Alert> = {}): Alert {
  return exampleNotice(n, changes).alert
}
