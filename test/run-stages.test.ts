import { expect, it } from 'vitest'
import { CORRELATE_PARTITIONED } from '../engine/correlate.ts'
import { DETECT_PARTITIONED } from '../engine/detect.ts'
import { findingOf } from '../engine/finding-of.ts'
import { eventRecord, findingRecord } from '../engine/records.ts'
import { compilePolicies } from '../rules/compile.ts'
import { sinkStateOf } from '../run-stages.ts'
import type { FindingDraft } from '../schema/finding.ts'
import { idOf } from '../schema/ids.ts'
import { pureStages } from '../wire.ts'
import { exampleEvent } from './example-event.ts'

const DRAFT: FindingDraft = {
  ...{ cause: 'c', severity: 'medium', confidence: 0.5, title: 'A title', reason: 'A reason.', evidence: {} },
  ...{ observed: 'this', expected: 'that', techniques: [] },
}

it('a stage remembers a quarter of one of many partitions', () => {
  const policies = compilePolicies([])
  const [, detect, correlate] = pureStages({ policies, isPartitioned: true })
  const isOver = (stage: typeof detect, records: readonly { key: string; value: Uint8Array }[]) => {
    const partition = stage.open(0, [])
    partition.apply(records.map((record, offset) => ({ ...record, offset })))
    return partition.changes().some(({ key, value }) => !key.startsWith('seen/') && value === undefined)
  }
  const agents = Array.from({ length: DETECT_PARTITIONED.maxAgents + 1 }, (_, n) =>
    eventRecord(exampleEvent({ agent: { id: `agent-${n}` }, event_id: idOf(n) })),
  )
  const findings = Array.from({ length: CORRELATE_PARTITIONED.maxStories + 1 }, (_, n) =>
    findingRecord(
      findingOf(DRAFT, { id: 'x', version: 1, kind: 'policy', owasp: [] }, exampleEvent({ session_id: `${n}` })),
    ),
  )
  expect([isOver(detect, agents), isOver(correlate, findings)]).toEqual([true, true])
})

it('a sink is down when it is for one of its partitions, and what waits for it is what waits in all', () => {
  expect(sinkStateOf()).toEqual({ isDown: false, pending: 0 })
  const up = { isDown: false, pending: 3 }
  const down = { isDown: true, pending: 4 }
  expect(sinkStateOf(new Map([[0, up]]))).toEqual(up)
  expect(
    sinkStateOf(
      new Map([
        [0, up],
        [5, down],
      ]),
    ),
  ).toEqual({ isDown: true, pending: 7 })
})
