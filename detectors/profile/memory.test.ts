import { expect, it } from 'vitest'
import { isLittleEndian, memoryOf } from './memory.ts'

it('shows the same bytes as numbers of each width, lowest byte first', () => {
  const memory = memoryOf(new ArrayBuffer(8))
  memory.f32[1] = 1.5
  expect(isLittleEndian).toBe(true)
  expect([...memory.u8]).toEqual([0, 0, 0, 0, 0, 0, 0xc0, 0x3f])
  expect(memory.u32[1]).toBe(0x3fc00000)
  memory.u16[0] = 0x0201
  expect(memory.u8[0]).toBe(1)
})
