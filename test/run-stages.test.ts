import { expect, it } from 'vitest'
import { sinkStateOf } from '../run-stages.ts'

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
