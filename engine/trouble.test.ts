import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Trouble } from './trouble.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

function told() {
  const said: (string | undefined)[] = []
  return { said, trouble: new Trouble((message) => said.push(message)) }
}

describe('trouble', () => {
  it('is said once for each thing, however often it is told, and that it is over', () => {
    const { said, trouble } = told()
    for (let attempt = 0; attempt < 100; attempt += 1) {
      trouble.tell('nobody answers')
      trouble.tell('nobody leads the group')
    }
    trouble.over()
    trouble.over()
    expect(said).toEqual(['nobody answers', 'nobody leads the group', undefined])
  })

  it('is over when nothing was told for a while, and said again when it returns', () => {
    const { said, trouble } = told()
    trouble.tell('nobody answers')
    vi.advanceTimersByTime(44_000)
    trouble.tell('nobody answers')
    vi.advanceTimersByTime(44_000)
    expect(said).toEqual(['nobody answers'])
    vi.advanceTimersByTime(1000)
    expect(said).toEqual(['nobody answers', undefined])
    trouble.tell('nobody answers')
    expect(said).toEqual(['nobody answers', undefined, 'nobody answers'])
    trouble.over()
  })

  it('says a hundred different things, and remembers no more, however long it lasts', () => {
    const { said, trouble } = told()
    for (let waiting = 0; waiting < 10_000; waiting += 1) {
      trouble.tell(`${waiting} bytes wait for Kafka already`)
    }
    expect(said).toHaveLength(100)
    trouble.over()
    expect(said).toHaveLength(101)
  })
})
