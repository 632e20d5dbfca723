/** A stage for tests of the loop. */
import type { BusRecord, StoredRecord } from './bus/bus.ts'
import type { Stage } from './stage.ts'

/**
 * Counts the events of each key, in state, and says each count: `key=3`. Two of its inputs are special: `poison` is
 * refused, `bug` makes it throw.
 */
export function countingStage(): Stage {
  return {
    id: 'count',
    input: 'events',
    open: (_partition, state) => {
      const counts = new Map([...state].map(({ key, value }) => [key, Number(text(value))]))
      const changed = new Set<string>()
      return {
        apply: (records) => {
          const findings: BusRecord[] = []
          const poison: { record: StoredRecord; reason: string }[] = []
          for (const record of records) {
            if (text(record.value) === 'bug') {
              throw new TypeError('this stage has a bug')
            }
            if (text(record.value) === 'poison') {
              poison.push({ record, reason: 'not-countable' })
              continue
            }
            const count = (counts.get(record.key) ?? 0) + 1
            counts.set(record.key, count)
            changed.add(record.key)
            findings.push(said(record.key, `${record.key}=${count}`))
          }
          return {
            outputs: [{ topic: 'findings', records: findings }],
            outcomes: new Map([['judged', findings.length]]),
            poison,
          }
        },
        changes: () => {
          const entries = [...changed].map((key) => ({ key, value: Buffer.from(`${counts.get(key)}`) }))
          changed.clear()
          return entries
        },
      }
    },
  }
}

/** A record that the stage counts; with `poison` or `bug` as its value it is special. */
export function said(key: string, value: string): BusRecord {
  return { key, value: Buffer.from(value) }
}

/** What a record's bytes say. */
export function text(value: Uint8Array): string {
  return Buffer.from(value).toString()
}
