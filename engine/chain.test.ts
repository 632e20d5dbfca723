import { describe, expect, it } from 'vitest'
import { chain } from './chain.ts'
import type { Stage } from './stage.ts'

/** Passes every record on, in capitals; holds those that say so until a tick comes. */
const shout: Stage = {
  id: 'shout',
  input: 'fragments',
  open: () => {
    const held: string[] = []
    const out = (words: readonly string[]) => [
      {
        topic: 'events' as const,
        records: words.map((word) => ({ key: word, value: Buffer.from(word.toUpperCase()) })),
      },
    ]
    return {
      apply: (records) => {
        const words = records.map(({ value }) => Buffer.from(value).toString())
        if (words.includes('tick')) {
          return { outputs: out(held.splice(0)), outcomes: new Map([['tick', 1]]), poison: [] }
        }
        held.push(...words.filter((word) => word.startsWith('hold')))
        const passed = words.filter((word) => !word.startsWith('hold') && word !== 'bad')
        const poison = records
          .filter(({ value }) => Buffer.from(value).toString() === 'bad')
          .map((record) => ({ record, reason: 'bad' }))
        return { outputs: out(passed), outcomes: new Map([['passed', passed.length]]), poison }
      },
      changes: () => [],
      tick: () => ({ key: 'tick', value: Buffer.from('tick') }),
    }
  },
}

const record = (word: string) => ({ key: word, value: Buffer.from(word) })

describe('chain', () => {
  it('runs records through every stage below their topic, in order, and shows them on the way', () => {
    const seen: string[] = []
    const pipeline = chain({
      stages: [shout],
      onRecord: (topic, each) => {
        seen.push(`${topic} ${Buffer.from(each.value)}`)
        return each
      },
    })
    pipeline.push('fragments', [record('a'), record('b')])
    expect(seen).toEqual(['fragments a', 'fragments b', 'events A', 'events B'])
  })

  it('lets go at the end of what waited for time', () => {
    const seen: string[] = []
    const pipeline = chain({
      stages: [shout],
      onRecord: (topic, each) => {
        if (topic === 'events') {
          seen.push(String(Buffer.from(each.value)))
        }
        return each
      },
    })
    pipeline.push('fragments', [record('hold-1'), record('a')])
    expect(seen).toEqual(['A'])
    pipeline.end()
    expect(seen).toEqual(['A', 'HOLD-1'])
  })

  it('counts outcomes, and poison as rejected with its reason', () => {
    const told: string[] = []
    const pipeline = chain({ stages: [shout], onPoison: (stage, _record, reason) => told.push(`${stage} ${reason}`) })
    pipeline.push('fragments', [record('a'), record('bad'), record('b')])
    expect(pipeline.outcomes.get('shout')).toEqual(
      new Map([
        ['passed', 2],
        ['rejected:bad', 1],
      ]),
    )
    expect(told).toEqual(['shout bad'])
  })
})
