import { describe, expect, it } from 'vitest'
import { compilePolicies } from './compile.ts'
import { expiryNotices, readExpiry } from './expiry.ts'

describe('when a policy expires', () => {
  it.each([
    ['2027-03-01', '2027-03-01T00:00:00Z'],
    ['2028-02-29', '2028-02-29T00:00:00Z'],
    ['2027-03-01T12:30Z', '2027-03-01T12:30:00Z'],
    ['2027-03-01T12:30:15+02:00', '2027-03-01T10:30:15Z'],
  ])('%s is %s', (text, time) => {
    expect(readExpiry(text)).toBe(Date.parse(time))
  })

  it.each(['2027-02-29', '2027-02-30', '2027-13-01', '2027-03-01T25:00Z'])('%s is no time', (text) => {
    expect(readExpiry(text)).toBeUndefined()
  })

  it('is told when it has happened or will within seven days, the earliest first', () => {
    const ending = (id: string, expires: string) => `version: 1\nid: ${id}\nagent: { id: ${id} }\n${expires}\n`
    const { policies } = compilePolicies([
      {
        path: 'p.yml',
        name: 'policies/p.yml',
        text: [
          ending('soon', 'expires: 2027-03-08'),
          ending('later', 'expires: 2027-03-09'),
          ending('over', 'expires: 2027-03-01'),
          ending('never', ''),
        ].join('---\n'),
      },
    ])
    expect(expiryNotices(policies, Date.UTC(2027, 2, 1))).toEqual([
      { id: 'over', isOver: true, message: "policy 'over' (policies/p.yml:14) governs no more: it expired 2027-03-01" },
      { id: 'soon', isOver: false, message: "policy 'soon' (policies/p.yml:4) expires 2027-03-08" },
    ])
  })
})
