import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { AgentSelector } from '../schema/policy/selector.ts'
import type { Agent } from '../schema/telemetry.ts'
import { compileGlob } from './glob.ts'
import { mostSpecific, rivals } from './select.ts'

const text = fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 1, maxLength: 4 })
const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '*'), minLength: 1, maxLength: 4 })
const labels = (value: fc.Arbitrary<string>) =>
  fc.dictionary(fc.constantFrom('x', 'y', 'z'), value, { minKeys: 1, maxKeys: 3 })
const selector: fc.Arbitrary<AgentSelector> = fc.record(
  { id: pattern, owner: pattern, version: pattern, labels: labels(pattern) },
  { requiredKeys: [] },
)
const agent: fc.Arbitrary<Agent> = fc.record(
  { id: text, owner: text, version: text, labels: labels(text) },
  { requiredKeys: ['id'] },
)
const FIELDS = ['id', 'owner', 'version'] as const

function selects(one: AgentSelector, agent: Agent): boolean {
  return (
    FIELDS.every((field) => {
      const value = agent[field]
      return one[field] === undefined || (value !== undefined && compileGlob(one[field])(value))
    }) &&
    Object.entries(one.labels ?? {}).every(([name, glob]) => {
      const value = agent.labels?.[name]
      return value !== undefined && compileGlob(glob)(value)
    })
  )
}

/** Exact before glob before absent, longer glob before shorter, `id` first, labels last: as one comparable text. */
function rank(one: AgentSelector): string {
  const values = Object.values(one.labels ?? {})
  const globs = values.filter((value) => value.includes('*'))
  const fixed = globs.join('').replaceAll('*', '').length
  return rankOfFields(one) + values.length + (values.length - globs.length) + String(fixed).padStart(2, '0')
}

function rankOfFields(one: AgentSelector): string {
  return FIELDS.map((field) => {
    const value = one[field]
    if (value === undefined) {
      return '000'
    }
    return value.includes('*') ? `1${String(value.replaceAll('*', '').length).padStart(2, '0')}` : '200'
  }).join('')
}

describe('mostSpecific', () => {
  it('agrees with trying every selector in order', () => {
    let found = 0
    fc.assert(
      fc.property(fc.array(selector, { maxLength: 12 }), fc.array(agent, { maxLength: 8 }), (selectors, agents) => {
        const { of: find } = mostSpecific(selectors.map((each) => ({ selector: each, value: each })))
        for (const each of agents) {
          const best = selectors
            .filter((one) => selects(one, each))
            .sort((one, other) => (rank(one) < rank(other) ? 1 : -1))[0]
          const answer = find(each, 0)
          found += answer === undefined ? 0 : 1
          expect(answer === undefined ? undefined : rank(answer)).toBe(best === undefined ? undefined : rank(best))
          expect(answer === undefined || selects(answer, each)).toBe(true)
        }
      }),
      { numRuns: 3000, seed: 2 },
    )
    expect(found).toBeGreaterThan(300)
  })

  it('says of an agent that is known in part only what holds whatever the rest is', () => {
    let sure = 0
    let unsure = 0
    const ids = fc.constantFrom('a', 'a*', '*', 'b')
    const few: fc.Arbitrary<AgentSelector> = fc.oneof(
      fc.record({ id: ids }),
      fc.record({ id: ids, owner: fc.constantFrom('a', 'b*') }),
      fc.record({ id: ids, labels: fc.record({ x: fc.constantFrom('a', 'b') }) }),
    )
    const some = fc.record(
      { id: fc.constant('-'), owner: fc.constantFrom('a', 'b'), labels: fc.record({ x: fc.constantFrom('a', 'b') }) },
      { requiredKeys: ['id'] },
    )
    const past = fc.property(
      fc.array(few, { maxLength: 5 }),
      fc.constantFrom('a', 'ab'),
      fc.array(some, { maxLength: 8 }),
      (selectors, id, rests) => {
        const { of, ofKnown } = mostSpecific(selectors.map((each) => ({ selector: each, value: each })))
        const answer = ofKnown({ id }, 0)
        const wholes = rests.map((rest) => of({ ...rest, id }, 0))
        sure += answer === undefined ? 0 : 1
        unsure += wholes.some((whole) => whole !== of({ id }, 0)) ? 1 : 0
        expect(answer === undefined || wholes.every((whole) => whole === answer)).toBe(true)
      },
    )
    fc.assert(past, { numRuns: 1000, seed: 2 })
    expect(Math.min(sure, unsure)).toBeGreaterThan(100)
  })

  it('knows a value that holds whatever the rest is, until it ends', () => {
    const entries = [
      { selector: { id: 'planner' }, value: 10 },
      { selector: { id: '*', labels: { tier: 'gold' } }, value: 2 },
      { selector: { id: '*' }, value: 1 },
    ]
    const { ofKnown } = mostSpecific(entries, (value) => (value === 10 ? 5 : undefined))
    expect([ofKnown({ id: 'planner' }, 4), ofKnown({ id: 'planner' }, 5), ofKnown({ id: 'other' }, 0)]).toEqual([
      10,
      undefined,
      undefined,
    ])
    expect(ofKnown({ id: 'planner', labels: { tier: 'iron' } }, 5)).toBe(1)
  })
})

describe('rivals', () => {
  it('are exactly the selectors that some agent is under with equal right', () => {
    const texts = ['a', 'b'].flatMap((one) => [
      one,
      ...['a', 'b'].flatMap((two) => [one + two, `${one + two}a`, `${one + two}b`]),
    ])
    let met = 0
    const small = fc.record(
      {
        id: fc.string({ unit: fc.constantFrom('a', 'b', '*'), minLength: 1, maxLength: 2 }),
        owner: pattern,
        labels: fc.dictionary(fc.constantFrom('x', 'y'), fc.constantFrom('a', 'b', 'a*'), { minKeys: 1, maxKeys: 2 }),
      },
      { requiredKeys: ['id'] },
    )
    fc.assert(
      fc.property(fc.array(small, { maxLength: 8 }), (selectors) => {
        const pairs = rivals(selectors, (each) => each)
        const later = selectors.flatMap((one, index) => {
          const earlier = selectors
            .slice(0, index)
            .find((other) => rank(one) === rank(other) && everyFieldMeets(one, other, texts))
          return earlier === undefined ? [] : [[one, earlier]]
        })
        met += later.length
        expect(pairs).toEqual(later)
      }),
      { numRuns: 3000, seed: 2 },
    )
    expect(met).toBeGreaterThan(50)
  })
})

/** Fields and labels are independent, so two selectors meet when each of their fields does. Short texts are enough for short globs. */
function everyFieldMeets(one: AgentSelector, other: AgentSelector, texts: readonly string[]): boolean {
  const longer = [...texts, ...texts.flatMap((start) => texts.map((end) => start + end))]
  const meet = (left = '*', right = '*') => longer.some((each) => compileGlob(left)(each) && compileGlob(right)(each))
  return (
    FIELDS.every((field) => meet(one[field], other[field])) &&
    ['x', 'y'].every((label) => meet(one.labels?.[label], other.labels?.[label]))
  )
}
