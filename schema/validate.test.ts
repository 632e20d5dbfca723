import { describe, expect, test } from 'vitest'
import type { Alert } from './alert.ts'
import type { Finding } from './finding.ts'
import type { Telemetry } from './telemetry.ts'
import { validateAlert, validateFinding, validateFindingDraft, validateTelemetry } from './validate.ts'

const event: Telemetry = {
  schema_version: '1',
  event_id: '0'.repeat(32),
  time_ms: 1,
  observed_ms: 2,
  tenant_id: 'acme',
  agent: { id: 'support' },
  session_id: 's',
  trace_id: null,
  span_id: null,
  parent_span_id: null,
  operation: 'tool_call',
  prompt_id: null,
  subject_chain: [{ kind: 'human', id: 'u-1' }],
  dataset_scope: [{ id: 'crm', classification: 'confidential' }],
  policy_snapshot: null,
  policy_decision: null,
  atlas_mapping: ['AML.T0051.001'],
  tool: { name: 'crm.read' },
  outcome: 'ok',
  duration_ms: null,
  volume: {},
  destinations: [{ host: 'example.com', port: 443, seen_in: 'argument' }],
  integrity: {},
  token: null,
  approval: null,
  attributes: { 'gen_ai.request.temperature': 0.5 },
}

const draft = {
  cause: 'tool:crm.read',
  severity: 'high',
  confidence: 0.9,
  title: 'Tool is not on the allow-list',
  reason: 'support called crm.read.',
  observed: 'crm.read',
  expected: 'kb.search',
  evidence: { untrusted_tool: 'crm.read' },
  techniques: ['AML.T0053'],
} as const

const finding: Finding = {
  ...draft,
  techniques: [...draft.techniques],
  schema_version: '1',
  finding_id: '1'.repeat(32),
  tenant_id: 'acme',
  detector: 'tool-allowlist',
  detector_version: 1,
  kind: 'policy',
  event_id: '0'.repeat(32),
  time_ms: 1,
  agent: { id: 'support' },
  session_id: 's',
  trace_id: null,
  owasp: ['LLM06:2025'],
}

const alert: Alert = {
  schema_version: '1',
  alert_id: '2'.repeat(32),
  time_ms: 1,
  first_event_ms: 1,
  tenant_id: 'acme',
  agent: { id: 'support' },
  session_id: 's',
  trace_id: null,
  title: draft.title,
  reason: draft.reason,
  severity: 'high',
  confidence: 0.9,
  kind: 'policy',
  findings: [
    {
      finding_id: finding.finding_id,
      detector: finding.detector,
      event_id: finding.event_id,
      time_ms: 1,
      agent_id: 'support',
      severity: 'high',
      reason: draft.reason,
      observed: draft.observed,
      expected: draft.expected,
      evidence: draft.evidence,
      techniques: ['AML.T0053'],
    },
  ],
  techniques: [{ id: 'AML.T0053', name: 'AI Agent Tool Invocation', tactics: ['AML.TA0005'] }],
  atlas_version: '2026.09',
  owasp: ['LLM06:2025'],
  runbook: ['Look at the call.'],
  status: 'new',
}

describe('a valid record has no problem', () => {
  test.each([
    ['telemetry', validateTelemetry, event],
    ['finding', validateFinding, finding],
    ['finding draft', validateFindingDraft, draft],
    ['alert', validateAlert, alert],
  ])('%s', (_name, validate, value) => {
    expect(validate(value)).toBeUndefined()
  })
})

describe('telemetry is refused', () => {
  test.each([
    ['an unknown top-level field', { ...event, risk: 3 }, /additional properties "risk"/],
    ['an unknown nested field', { ...event, agent: { id: 'a', role: 'x' } }, /^\/agent .*"role"/],
    ['a missing field', { ...event, operation: undefined }, /operation/],
    ['a number in a string', { ...event, time_ms: '1' }, /^\/time_ms must be number/],
    ['an outcome turned boolean', { ...event, outcome: true }, /^\/outcome/],
    ['an id that is not hex', { ...event, event_id: 'x'.repeat(32) }, /^\/event_id must match pattern/],
    ['too long content', { ...event, content: { prompt: 'x'.repeat(8193) } }, /^\/content\/prompt/],
    ['too many destinations', { ...event, destinations: Array(65).fill({ host: 'a' }) }, /^\/destinations/],
    ['65 attributes', { ...event, attributes: numbered(65) }, /^\/attributes/],
    ['an attribute with a name too long', { ...event, attributes: { ['k'.repeat(257)]: 1 } }, /^\/attributes/],
    ['a line break in an attribute name', { ...event, attributes: { 'a\nb': {} } }, /^\/attributes/],
    ['a nested attribute', { ...event, attributes: { a: { b: 1 } } }, /^\/attributes/],
    ['a list', [], /the record must be object/],
    ['nothing', undefined, /the record must be object/],
  ])('%s', (_why, value, problem) => {
    expect(validateTelemetry(value)).toMatch(problem)
  })

  test('without repeating what it held', () => {
    const problem = validateTelemetry({ ...event, [`AKIA${'X'.repeat(500)}`]: 1, session_id: 7 })
    expect(problem?.length).toBeLessThan(200)
  })
})

test('lengths are counted in UTF-16 units, like all limits', () => {
  expect(validateTelemetry({ ...event, content: { prompt: '😀'.repeat(4096) } })).toBeUndefined()
  expect(validateTelemetry({ ...event, content: { prompt: '😀'.repeat(4097) } })).toMatch(/8192/)
})

test('validation leaves the value as it was', () => {
  const before = structuredClone(event)
  validateTelemetry(event)
  expect(event).toEqual(before)
})

test('agent-supplied text enters a finding only under short, plain keys', () => {
  expect(validateFinding({ ...finding, evidence: { 'Bad Key': 'x' } })).toMatch(/^\/evidence/)
  expect(validateAlert({ ...alert, findings: [] })).toMatch(/^\/findings/)
})

function numbered(count: number): Record<string, number> {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, i]))
}
