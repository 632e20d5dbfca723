import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { OUTCOMES, OutcomeLedger, outcomeFacts } from './outcomes.ts'

describe('the outcome catalogue', () => {
  test('says of every outcome what it means, in a sentence', () => {
    for (const outcomes of Object.values(OUTCOMES)) {
      for (const { sentence } of Object.values(outcomes)) {
        expect(sentence).toMatch(/^[A-Z].{20,}\.$/)
      }
    }
  })

  test('knows families by their reason, and nothing inherited', () => {
    expect(outcomeFacts('collect', 'rejected:invalid-trace-id')?.counts).toBe('input')
    expect(outcomeFacts('assemble', 'event:early')?.sentence).toContain('before its deadline')
    expect(outcomeFacts('assemble', 'rejected')).toBe(OUTCOMES.assemble['rejected:*'])
    expect(outcomeFacts('assemble', 'vanished')).toBeUndefined()
    expect(outcomeFacts('constructor', 'name')).toBeUndefined()
    expect(outcomeFacts('assemble', 'toString')).toBeUndefined()
  })
})

describe('the ledger', () => {
  test('balances records over collect and assemble: what has no end yet is in flight', () => {
    const ledger = new OutcomeLedger()
    ledger.received('traces', 10)
    ledger.received('logs', 5)
    ledger.count('collect', 'rejected:invalid-trace-id', 2)
    ledger.add(
      'assemble',
      new Map([
        ['event', 4],
        ['merged', 3],
        ['tick', 9],
        ['synthesized', 1],
      ]),
    )
    expect(ledger.records).toEqual({ received: 15, ended: 9, inFlight: 6 })
  })

  test('balances events between assemble and detect', () => {
    const ledger = new OutcomeLedger()
    ledger.add(
      'assemble',
      new Map([
        ['event', 4],
        ['event:early', 1],
        ['merged', 3],
        ['synthesized', 2],
        ['amended', 1],
      ]),
    )
    ledger.add(
      'detect',
      new Map([
        ['judged', 5],
        ['repeated', 1],
      ]),
    )
    expect(ledger.events).toEqual({ received: 8, ended: 6, inFlight: 2 })
  })

  test('balances over a restart when told what was in flight', () => {
    const ledger = new OutcomeLedger()
    ledger.carryOver({ records: 3, events: 2 })
    ledger.add('assemble', new Map([['event', 3]]))
    ledger.add('detect', new Map([['judged', 5]]))
    expect(ledger.records.inFlight).toBe(0)
    expect(ledger.events.inFlight).toBe(0)
  })

  test('shows an end that was counted twice as less than nothing in flight', () => {
    const ledger = new OutcomeLedger()
    ledger.received('traces', 1)
    ledger.count('collect', 'rejected:invalid-trace-id', 1)
    ledger.count('collect', 'rejected:invalid-trace-id', 1)
    expect(ledger.records.inFlight).toBe(-1)
  })

  test('counts what the catalogue does not know, and says so', () => {
    const ledger = new OutcomeLedger()
    ledger.received('traces', 2)
    ledger.count('assemble', 'vanished', 1)
    ledger.count('nowhere', 'judged', 1)
    expect([...ledger.unknown]).toEqual(['assemble vanished', 'nowhere judged'])
    expect(ledger.outcomes.get('assemble')).toEqual(new Map([['unknown', 1]]))
    expect(ledger.records.inFlight).toBe(1)
  })

  test('keeps a bounded number of names whatever it is given, and still balances', () => {
    fc.assert(
      fc.property(fc.array(fc.string(), { minLength: 150, maxLength: 300 }), (reasons) => {
        const ledger = new OutcomeLedger()
        ledger.received('traces', reasons.length)
        for (const reason of reasons) {
          ledger.count('collect', `rejected:${reason}`, 1)
          ledger.count('detect', reason, 1)
        }
        expect(ledger.records.inFlight).toBe(0)
        for (const outcomes of ledger.outcomes.values()) {
          expect(outcomes.size).toBeLessThanOrEqual(102)
          expect([...outcomes.keys()].every((name) => /^[a-z]+(:[a-z0-9][a-z0-9._-]*)?$/.test(name))).toBe(true)
        }
      }),
      { numRuns: 50 },
    )
  })
})
