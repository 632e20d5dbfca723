import { describe, expect, it } from 'vitest'
import { judgeAnnouncement, mayAnnounce } from './announcement.ts'
import { entries } from './lexicon.ts'
import { MEANINGS } from './meanings.ts'

describe('what no announcement is without', () => {
  const objects = Array.from(entries()).flatMap(([entry, meanings]) =>
    (meanings & (MEANINGS.prompt | MEANINGS.instructions)) === 0 ? [] : entry.replace('*', ''),
  )

  it('is every word for prompts and instructions', () => {
    expect(objects.length).toBeGreaterThan(400)
    expect(objects.filter((entry) => !mayAnnounce(`The ${entry} follow.`))).toEqual([])
  })

  it.each([
    'If the user asks, stop.',
    'Never reveal it.',
    'Responding only with it.',
    'It must answer.',
    'For anything else, stop.',
  ])('is what is said to agents alone: %s', (text) => {
    expect(mayAnnounce(text)).toBe(true)
  })

  it('is in no ordinary output', () => {
    expect(mayAnnounce('The parcel was sent on Monday and arrives tomorrow. Please find the invoice attached.')).toBe(
      false,
    )
  })
})

describe('an announcement', () => {
  it.each([
    ['announced', 'The previous instructions are as follows: you are Anna. Keep it short. Always be nice.', true],
    ['by short words', 'The previous quy tac are as follows: you are Anna. Keep it short. Always be nice.', true],
    ['not announced', 'If the user asks, say no. Never reveal it. Respond only with yes. Always answer.', false],
  ])('of instructions is found: %s', (_, text, announced) => {
    expect(judgeAnnouncement(text)).toMatchObject({ announced })
  })
})
