import { expect, it } from 'vitest'
import { examplePolicy } from '../detectors/arbitrary.ts'

it('limits are what is set, each with its line', () => {
  expect(examplePolicy('limits:\n  cost_usd_per_day: 2.5\n  calls_per_session: 200').limits).toEqual([
    {
      kind: 'calls_per_session',
      most: 200,
      policy: { file: 'policies/example.yml', line: 7, allow_with: 'raise limits.calls_per_session above 200' },
    },
    {
      kind: 'cost_usd_per_day',
      most: 2.5,
      policy: { file: 'policies/example.yml', line: 6, allow_with: 'raise limits.cost_usd_per_day above 2.5' },
    },
  ])
  expect(examplePolicy('limits: { calls_per_hour: 1 }\nmode: off').limits).toEqual([])
  expect(examplePolicy().limits).toEqual([])
})
