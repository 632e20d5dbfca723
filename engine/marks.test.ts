import { describe, expect, it } from 'vitest'
import { lethalTrifecta } from '../detectors/lethal-trifecta.ts'
import { markers } from '../detectors/marks/index.ts'
import type { Marker } from '../detectors/marks/mark.ts'
import type { Finding } from '../schema/finding.ts'
import { idOf } from '../schema/ids.ts'
import type { Mark } from '../schema/mark.ts'
import type { Telemetry } from '../schema/telemetry.ts'
import { validateFinding, validateMark } from '../schema/validate.ts'
import { exampleEvent } from '../test/example-event.ts'
import { detectStage } from './detect.ts'
import { decode, eventRecord } from './records.ts'

const SECOND_MS = 1000
const policies = { policies: [], governing: () => undefined, governingKnown: () => undefined }
const open = () => detectStage({ detectors: [], markers, policies, validate: () => undefined }).open(0, [])

let made = 0
const call = (name: string, changes: Partial<Telemetry> = {}): Telemetry => {
  made += 1
  const event = exampleEvent()
  return { ...event, event_id: idOf('call', made), tool: { name }, destinations: [], dataset_scope: [], ...changes }
}

function marks(events: readonly Telemetry[], partition = open()): Mark[] {
  const records = events.map((event, offset) => ({ ...eventRecord(event), offset }))
  return partition.apply(records).outputs.flatMap(({ records: out }) => out.map(({ value }) => decode<Mark>(value)))
}
const kinds = (events: readonly Telemetry[]) => marks(events).map(({ kind }) => kind)

describe('marks of a session', () => {
  it('are valid, and the same for the same events', () => {
    const events = [call('read_email'), call('send_email')]
    const first = marks(events)
    expect(first.map(validateMark)).toEqual([undefined, undefined, undefined])
    expect(marks(events)).toEqual(first)
  })

  it('are made once for each kind, source and name in one part of a session', () => {
    expect(kinds([call('web_fetch'), call('web_fetch'), call('web_search')])).toEqual([
      'untrusted-content',
      'untrusted-content',
    ])
    expect(kinds([call('web_fetch'), call('web_fetch', { session_id: 'another' })])).toHaveLength(2)
    expect(kinds([call('web_fetch'), call('web_fetch', { agent: { id: 'another' } })])).toHaveLength(2)
  })

  it('are made again for what is sent after something new was read, and after a second', () => {
    const sent = 'outward'
    expect(kinds([call('send_email'), call('post_message'), call('send_email')])).toEqual([sent, sent])
    expect(kinds([call('send_email'), call('web_fetch'), call('send_email')])).toEqual([
      sent,
      'untrusted-content',
      sent,
    ])
    const later = call('send_email', { time_ms: exampleEvent().time_ms + SECOND_MS })
    expect(kinds([call('send_email'), later])).toEqual([sent, sent])
  })

  it('show what one agent sends after another read, though it sent the like shortly before', () => {
    const at = (seconds: number, agent: string, name: string) =>
      call(name, { agent: { id: agent }, time_ms: exampleEvent().time_ms + seconds * SECOND_MS })
    const mailer = [at(0, 'mailer', 'send_email'), at(30, 'mailer', 'send_email')]
    const reader = [at(10, 'reader', 'web_fetch'), at(15, 'reader', 'crm.get_customer')]
    // Each agent is judged where its events are, and their marks meet in no order.
    const seen = [...marks(mailer), ...marks(reader)]
    const state = lethalTrifecta.initial()
    const told = seen.flatMap((mark) => lethalTrifecta.observe(mark, state) ?? [])
    expect(told.map(({ about }) => about.event_id)).toEqual([mailer[1]?.event_id])
  })

  it('are made by the others, and that one failed is told, when a marker throws', () => {
    const failures: string[] = []
    const failing: Marker = {
      kind: 'private-data',
      lastsMs: SECOND_MS,
      mark: () => {
        throw new Error('bug')
      },
    }
    const stage = detectStage({
      ...{ detectors: [], markers: [failing, ...markers], policies, validate: () => undefined },
      onDetectorFailure: (id) => failures.push(id),
    })
    const made: readonly (Mark | Finding)[] = marks([call('send_email')], stage.open(0, []))
    const [failed, mark] = made as [Finding, Mark]
    expect(failures).toEqual(['marks/private-data'])
    expect(failed).toMatchObject({ detector: 'detector-failed', evidence: { failed_detector: 'marks/private-data' } })
    expect(validateFinding(failed)).toBeUndefined()
    expect(mark.kind).toBe('outward')
  })

  it('leave the state as it was when nothing is news', () => {
    const partition = open()
    marks([call('web_fetch')], partition)
    partition.changes()
    marks([call('web_fetch'), call('calculator')], partition)
    expect(partition.changes().filter(({ key }) => key.startsWith('session/'))).toEqual([])
  })
})
