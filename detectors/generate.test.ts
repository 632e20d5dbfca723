import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { defineDetector } from './detector.ts'
import { detectionsPage } from './generate.ts'
import { detectors } from './index.ts'

const approvals = defineDetector({
  id: 'example',
  title: 'Example',
  catches: 'calls | without approval',
  misses: 'all others',
  kind: 'policy',
  version: 1,
  techniques: ['AML.T0053'],
  owasp: ['ASI02'],
  runbook: ['Look.'],
  on: ['tool_call'],
  needs: ['approval', ['tool.server', 'content.arguments'], 'policy.tools'],
  severities: ['low', 'high'],
  scope: 'none',
  stateVersion: 1,
  initial: () => ({}),
  check: () => [],
  learn: () => false,
})

describe('docs/detections.md', () => {
  test('is what the detectors say (run `node dist/detectors/generate.js` when this fails)', () => {
    expect(readFileSync('docs/detections.md', 'utf8')).toBe(detectionsPage())
  })

  test('tells of every detector', () => {
    for (const { id, catches } of detectors) {
      expect(detectionsPage()).toContain(`## ${id}\n`)
      expect(detectionsPage()).toContain(catches)
    }
  })

  test('says what feeds a detector: dialects that carry what it needs, and those where the agent must state it', () => {
    const page = detectionsPage([approvals])
    expect(page).toContain('| Needs | `approval`; `tool.server` or `content.arguments`; `policy.tools` |')
    expect(page).toMatch(/\| Fed by \| `claude-code`, .*\[.*`openinference`.*\] \|/)
    expect(page).not.toContain('`plain-client`, `')
    expect(page).toContain('| ATLAS | AML.T0053 AI Agent Tool Invocation |')
    expect(page).toContain('| Policy sections | `tools` |')
  })
})
