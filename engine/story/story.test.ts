import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Notice } from '../../schema/alert.ts'
import { ALERT_KINDS, type Finding, SEVERITIES, severityRank } from '../../schema/finding.ts'
import { idOf } from '../../schema/ids.ts'
import { validateAlert } from '../../schema/validate.ts'
import { beginStory, goOn, STORY_LIMITS, type Story, tellOf } from './story.ts'

function finding(n: number, changes: Partial<Finding> = {}): Finding {
  return {
    schema_version: '1',
    finding_id: idOf('finding', n),
    tenant_id: 'default',
    detector: 'tool-allowlist',
    detector_version: 1,
    kind: 'policy',
    event_id: idOf('event', n),
    time_ms: 1_790_000_000_000 + n * 1000,
    agent: { id: 'research-agent' },
    session_id: 'session-1',
    trace_id: null,
    owasp: ['LLM06:2025'],
    cause: `cause-${n}`,
    severity: 'medium',
    confidence: 0.5,
    title: `Title ${n}`,
    reason: `Reason ${n}.`,
    observed: 'shell.exec',
    expected: 'kb.search',
    evidence: {},
    techniques: ['AML.T0053'],
    ...changes,
  }
}

const injection = (n: number, changes: Partial<Finding> = {}) =>
  finding(n, { detector: 'injection', kind: 'content', techniques: ['AML.T0051.001'], origin: idOf(n), ...changes })
const egress = (n: number, changes: Partial<Finding> = {}) =>
  finding(n, { detector: 'egress', techniques: ['AML.T0086'], ...changes })

/** The story of the findings in the order in which they came, and what was told. */
function told(findings: readonly Finding[]): { readonly story: Story; readonly notices: readonly Notice[] } {
  const notices: Notice[] = []
  let story: Story | undefined
  for (const each of findings) {
    const joined = story === undefined ? beginStory(each, STORY_LIMITS) : goOn(story, each)
    const next = joined === story ? { story: joined, notice: undefined } : tellOf(joined, each, new Map())
    story = next.story
    notices.push(...(next.notice === undefined ? [] : [next.notice]))
  }
  return { story: story as Story, notices }
}
const last = (findings: readonly Finding[]) => told(findings).notices.at(-1)?.alert

describe('a notice', () => {
  it('goes out when severity rises, under the same alert id and another notice id', () => {
    const { notices } = told([finding(1), finding(2, { severity: 'critical' })])
    expect(notices.map(({ type, alert }) => [type, alert.severity])).toEqual([
      ['alert.created', 'medium'],
      ['alert.updated', 'critical'],
    ])
    expect(new Set(notices.map(({ notice_id }) => notice_id)).size).toBe(2)
    expect(new Set(notices.map(({ alert }) => alert.alert_id)).size).toBe(1)
  })

  it('goes out when another detector joins with medium or more, once', () => {
    const joining = [finding(1), egress(2, { severity: 'low' }), egress(3), egress(4)]
    expect(told(joining).notices.map(({ alert }) => alert.findings.length)).toEqual([1, 3])
  })

  it('has the event time by which all that is in it was known', () => {
    const late = egress(0, { time_ms: finding(1).time_ms - 500 })
    expect(told([finding(1), late, injection(5)]).notices.map(({ alert }) => alert.time_ms)).toEqual([
      finding(1).time_ms,
      finding(1).time_ms,
      finding(5).time_ms,
    ])
  })

  it('does not go out for context alone, which is told when an alert opens', () => {
    const context = finding(1, { detector: 'tool-drift', severity: 'informational' })
    const { notices } = told([context, finding(2, { severity: 'low' })])
    expect(notices).toHaveLength(1)
    expect(notices[0]?.alert.findings.map(({ severity }) => severity)).toEqual(['informational', 'low'])
    expect(notices[0]?.alert.severity).toBe('low')
  })

  it('counts an amended finding once, and as what it became when it became worse', () => {
    const amended = [finding(1), finding(1), finding(1, { severity: 'high' }), finding(1)]
    const { story, notices } = told(amended)
    expect(story.count).toBe(1)
    expect(notices.map(({ alert }) => alert.severity)).toEqual(['medium', 'high'])
  })
})

describe('an amended finding that is no longer kept', () => {
  const many = Array.from({ length: 25 }, (_, n) => finding(n, { cause: 'again' }))
  const gone = finding(22, { cause: 'again' })

  it('is told when it is worse than it was, and counts once', () => {
    const before = told(many).story
    expect(before.findings).not.toContainEqual(gone)
    const { story, notices } = told([...many, { ...gone, severity: 'high' }, { ...gone, severity: 'high' }])
    expect(notices.map(({ alert }) => alert.severity)).toEqual(['medium', 'high'])
    expect(story.findings).toContainEqual({ ...gone, severity: 'high' })
    expect(story.count).toBe(25)
  })

  it('is absorbed when it is not, and when it was worse before', () => {
    const low = { ...gone, severity: 'low' } as const
    const { story, notices } = told([...many, gone, low, low, gone])
    expect(notices).toHaveLength(1)
    expect(story).toEqual(told(many).story)
  })
})

describe('title and reason', () => {
  it('are those of the worst finding while there is one step', () => {
    const alert = last([finding(1), finding(2, { severity: 'high' })])
    expect(alert).toMatchObject({ title: 'Title 2', reason: 'Reason 2.', kind: 'policy' })
  })

  it('name the steps in order of event time when independent findings meet, however they came', () => {
    const alert = last([egress(9, { agent: { id: 'mailer' } }), injection(1)])
    expect(alert?.title).toBe('Poisoned content, then data sent out: 2 agents, 2 findings')
    expect(alert?.reason).toBe(
      "In one session, in this order: poisoned content (injection, 'research-agent'), then data sent out (egress, 'mailer'). Reason 1.",
    )
    expect(alert?.kind).toBe('correlation')
    expect(alert?.findings.map(({ detector }) => detector)).toEqual(['injection', 'egress'])
  })

  it('are not those of a detector that failed, where there is anything else', () => {
    const failed = { kind: 'integrity', detector: 'detector-failed', confidence: 1, title: 'Failed' } as const
    expect(last([finding(1, failed)])).toMatchObject({ title: 'Failed', confidence: 1 })
    expect(last([finding(1, failed), finding(2)])).toMatchObject({ title: 'Title 2', confidence: 0.5, kind: 'policy' })
  })

  it('keep names that an agent chose quoted', () => {
    const alert = last([injection(1, { agent: { id: '<b>x</b>' } }), egress(2)])
    expect(alert?.reason).not.toContain('<b>')
  })
})

describe('severity', () => {
  it.each([
    ['content that comes before a broken policy', [injection(1), egress(2)], 'high'],
    ['a changed agent before a broken policy', [finding(1, { kind: 'integrity' }), egress(2)], 'high'],
    ['content after it', [egress(1), injection(2)], 'medium'],
    ['content and policy of one event', [injection(1), egress(1, { finding_id: idOf('x') })], 'medium'],
    ['two broken policies', [finding(1), egress(2)], 'medium'],
    ['one text that two detectors speak about', [injection(1), egress(2, { origin: idOf(1) })], 'medium'],
    ['context before a broken policy', [injection(1, { severity: 'informational' }), egress(2)], 'medium'],
    ['a detector that failed', [finding(1, { kind: 'integrity', detector: 'detector-failed' }), egress(2)], 'medium'],
    ['critical', [injection(1), egress(2, { severity: 'critical' })], 'critical'],
    [
      'what was concluded from content that comes before a broken policy',
      [injection(1), finding(2, { detector: 'lethal-trifecta', kind: 'correlation', severity: 'high' }), egress(3)],
      'high',
    ],
  ] as const)('of %s', (_name, findings, severity) => {
    expect(last(findings)?.severity).toBe(severity)
  })
})

describe('confidence', () => {
  it('adds up over independent evidence', () => {
    expect(last([injection(1), egress(2)])?.confidence).toBeCloseTo(0.75)
  })

  it.each([
    ['two findings from one text', [injection(1), injection(2, { detector: 'prompt-extraction', origin: idOf(1) })]],
    ['two findings of one kind about one event', [finding(1), egress(2, { event_id: idOf('event', 1) })]],
    ['one cause again', [finding(1), finding(2, { cause: 'cause-1', severity: 'high' })]],
    ['what was concluded from other findings', [finding(1), egress(2, { kind: 'correlation' })]],
  ] as const)('never adds up over %s', (_name, findings) => {
    expect(last(findings)?.confidence).toBe(0.5)
  })

  it('finds one source through a third finding', () => {
    const [one, other] = [injection(1), injection(2, { detector: 'sensitive-output' })]
    const third = injection(3, { detector: 'canary', origin: idOf(1), event_id: idOf('event', 2) })
    expect(last([one, other])?.confidence).toBeCloseTo(0.75)
    expect(last([one, other, third])?.confidence).toBe(0.5)
  })
})

describe('findings', () => {
  it('of one moment stand before what was concluded from them', () => {
    const concluded = finding(1, { detector: 'lethal-trifecta', kind: 'correlation' })
    const same = Array.from({ length: 8 }, (_, n) => finding(n + 2, { time_ms: concluded.time_ms }))
    expect(told([concluded, ...same]).story.findings.at(-1)).toBe(concluded)
  })

  it('of one cause leave first when there are too many, never the first of a detector, never the worst', () => {
    const worst = finding(30, { severity: 'critical', cause: 'again' })
    const many = Array.from({ length: 25 }, (_, n) => finding(n, { cause: 'again' }))
    const { story } = told([...many, egress(40, { severity: 'low' }), worst, injection(50), ...many])
    expect(story.findings).toHaveLength(20)
    const kept = story.findings.map(({ finding_id }) => finding_id)
    expect(kept).toEqual(expect.arrayContaining([0, 30, 40, 50].map((n) => finding(n).finding_id)))
    expect(story.count).toBe(28)
  })
})

const anyFinding: fc.Arbitrary<Finding> = fc
  .record({
    n: fc.nat(60),
    detector: fc.constantFrom('injection', 'egress', 'canary', 'error-spike'),
    kind: fc.constantFrom(...ALERT_KINDS),
    severity: fc.constantFrom(...SEVERITIES),
    confidence: fc.double({ min: 0, max: 1, noNaN: true }),
    source: fc.nat(5),
    agent: fc.constantFrom({ id: 'a' }, { id: 'b' }),
  })
  .map(({ n, source, ...rest }) => finding(n, { ...rest, origin: idOf(source) }))

describe('any findings', () => {
  it('make valid alerts that never get milder, bounded notices, and confidence no lower than the strongest', () => {
    fc.assert(
      fc.property(fc.array(anyFinding, { minLength: 1, maxLength: 60 }), (findings) => {
        const { story, notices } = told(findings)
        expect(new Set(notices.map(({ notice_id }) => notice_id)).size).toBe(notices.length)
        const severities = notices.map(({ alert }) => severityRank(alert.severity))
        expect(severities).toEqual([...severities].sort((a, b) => a - b))
        expect(notices.length).toBeLessThanOrEqual(4 + 4)
        for (const { alert } of notices) {
          expect(validateAlert(alert)).toBeUndefined()
          expect(alert.findings.map(({ time_ms }) => time_ms)).toEqual(
            alert.findings.map(({ time_ms }) => time_ms).sort((a, b) => a - b),
          )
        }
        expect(story.findings.length).toBeLessThanOrEqual(20)
      }),
      { seed: 4, numRuns: 300 },
    )
  })
})
