import { describe, expect, test } from 'vitest'
import { createMetrics, METRICS } from './metrics.ts'
import { OutcomeLedger } from './outcomes.ts'

describe('the metric catalogue', () => {
  test('names every metric by the conventions of Prometheus, with a sentence', () => {
    for (const [name, { type, unit, sentence }] of Object.entries(METRICS)) {
      expect(name).toMatch(/^telltale_[a-z_]+$/)
      expect(name.endsWith('_total')).toBe(type === 'counter')
      expect(type !== 'histogram' || name.endsWith(`_${unit}`)).toBe(true)
      expect(sentence).toMatch(/^[A-Z].*\.$/)
    }
  })

  test('is all in what Prometheus scrapes, even before anything happened', async () => {
    const text = await createMetrics().render()
    for (const [name, { sentence, type }] of Object.entries(METRICS)) {
      expect(text).toContain(`# HELP ${name} ${sentence}`)
      expect(text).toContain(`# TYPE ${name} ${type}`)
    }
  })
})

describe('metrics', () => {
  test('count, set and observe', async () => {
    const metrics = createMetrics()
    metrics.add('telltale_findings_total', { detector: 'egress' }, 2)
    metrics.add('telltale_findings_total', { detector: 'egress' })
    metrics.set('telltale_sink_down', { sink: 'siem' }, 1)
    metrics.observe('telltale_bus_append_seconds', { topic: 'fragments' }, 0.0004)
    const text = await metrics.render()
    expect(text).toContain('telltale_findings_total{detector="egress"} 3')
    expect(text).toContain('telltale_sink_down{sink="siem"} 1')
    expect(text).toContain('telltale_bus_append_seconds_bucket{le="0.0005",topic="fragments"} 1')
    expect(text).toContain('telltale_bus_append_seconds_bucket{le="0.00025",topic="fragments"} 0')
  })

  test('show the ledger as it is, however often they are asked', async () => {
    const ledger = new OutcomeLedger()
    const metrics = createMetrics({ ledger })
    ledger.received('traces', 5)
    ledger.count('collect', 'rejected:invalid-trace-id', 2)
    await metrics.render()
    const text = await metrics.render()
    expect(text).toContain('telltale_records_received_total{signal="traces"} 5')
    expect(text).toContain('telltale_outcomes_total{stage="collect",outcome="rejected:invalid-trace-id"} 2')
    expect(text).toContain('telltale_records_in_flight 3')
  })

  test('show how far each group is behind, over its partitions, and forget groups that are gone', async () => {
    const place = { group: 'detect', topic: 'events' as const }
    let lag = [
      { ...place, partition: 0, committed: 1, end: 4 },
      { ...place, partition: 1, committed: 0, end: 2 },
    ]
    const metrics = createMetrics({ lag: async () => lag, held: () => 7 })
    const text = await metrics.render()
    expect(text).toContain('telltale_bus_lag_records{group="detect",topic="events"} 5')
    expect(text).toContain('telltale_held_fragments 7')
    lag = []
    expect(await metrics.render()).not.toContain('group="detect"')
  })

  test('count the partitions that this process owns now', async () => {
    let owned = [
      { group: 'detect', topic: 'events' as const },
      { group: 'detect', topic: 'events' as const },
    ]
    const metrics = createMetrics({ owned: () => owned })
    expect(await metrics.render()).toContain('telltale_bus_partitions_owned{group="detect",topic="events"} 2')
    owned = []
    expect(await metrics.render()).not.toContain('group="detect"')
  })

  test('do not say how many records are in flight where these end in other processes', async () => {
    const ledger = new OutcomeLedger()
    ledger.received('traces', 5)
    const text = await createMetrics({ ledger, isWhole: false }).render()
    expect(text).toContain('telltale_records_received_total{signal="traces"} 5')
    expect(text).not.toContain('telltale_records_in_flight')
  })

  test('never have more label values than a bound, nor longer ones', async () => {
    const metrics = createMetrics()
    for (let index = 0; index < 1000; index += 1) {
      metrics.add('telltale_deliveries_total', { sink: `sink-${index}`, result: 'accepted' })
    }
    metrics.set('telltale_deliveries_pending', { sink: 'x'.repeat(1000) }, 1)
    const text = await metrics.render()
    expect(text.match(/^telltale_deliveries_total\{/gm)).toHaveLength(201)
    expect(text).toContain('telltale_deliveries_total{sink="other",result="accepted"} 800')
    expect(text).toContain(`telltale_deliveries_pending{sink="${'x'.repeat(100)}"} 1`)
  })

  test('tell the memory of the process', async () => {
    const text = await createMetrics().render()
    const bytes = (name: string) => Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1])
    expect(bytes('telltale_process_resident_bytes')).toBeGreaterThan(10_000_000)
    expect(bytes('telltale_process_anonymous_bytes')).toBeGreaterThan(10_000_000)
  })

  test('outside the catalogue do not type-check', () => {
    const metrics = createMetrics()
    const wrong = () => {
      // @ts-expect-error: no such metric
      metrics.add('telltale_unheard_of_total', {})
      // @ts-expect-error: a gauge is set, not added to
      metrics.add('telltale_held_fragments', {})
      // @ts-expect-error: no such label
      metrics.add('telltale_findings_total', { agent: 'a' })
      // @ts-expect-error: not a severity
      metrics.add('telltale_alerts_total', { severity: 'dire' })
    }
    expect(wrong).toThrow()
  })
})
