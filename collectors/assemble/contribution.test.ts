import { describe, expect, it } from 'vitest'
import { Contribution } from './contribution.ts'
import { span } from './example-fragments.ts'
import { JsonWriter } from './json-writer.ts'

function written(contribution: Contribution, rests = false): string {
  const writer = new JsonWriter()
  contribution.write(writer, rests)
  return Buffer.from(writer.take()).toString('utf8')
}

describe('a contribution', () => {
  const fragment = span('t', { operation: 'tool_call', content: { arguments: '{"für":"Ω"}' } })

  it('says the same after it has rested, and writes the same', () => {
    for (const encoded of [undefined, Buffer.from(JSON.stringify(fragment))]) {
      const contribution = new Contribution(3, fragment, encoded)
      const before = written(contribution)
      contribution.rest()
      contribution.rest()
      expect(written(contribution)).toBe(before)
      expect(contribution.fragment).toEqual(fragment)
      expect(contribution.ranked(4)).toMatchObject({ rank: 4, fragment })
    }
  })

  it('shares no memory with what it was given once it rests', () => {
    const encoded = Buffer.from(JSON.stringify(fragment))
    const contribution = new Contribution(0, fragment, encoded)
    contribution.rest()
    encoded.fill(0)
    expect(contribution.fragment).toEqual(fragment)
  })

  it('that waits lets go of the bytes it was given once they are written', () => {
    const encoded = Buffer.from('{"as":"given"}')
    const contribution = new Contribution(0, fragment, encoded)
    expect(written(contribution)).toBe('{"as":"given"}')
    expect(written(contribution)).toBe(JSON.stringify(fragment))
  })

  it('rests once it is written, when it is told to', () => {
    const encoded = Buffer.from(JSON.stringify(fragment))
    const contribution = new Contribution(0, fragment, encoded)
    expect(written(contribution, true)).toBe(JSON.stringify(fragment))
    encoded.fill(0)
    expect(contribution.fragment).not.toBe(fragment)
    expect(contribution.fragment).toEqual(fragment)
  })

  it('goes back to rest when many others were asked after it', () => {
    const resting = Array.from({ length: 1000 }, (_, index) => {
      const contribution = new Contribution(0, { ...fragment, fragment_id: `f${index}` })
      contribution.rest()
      return contribution
    })
    const [first] = resting as [Contribution]
    const asked = first.fragment
    expect(first.fragment).toBe(asked)
    for (const { fragment: other } of resting) {
      expect(other.role).toBe('event')
    }
    expect(first.fragment).not.toBe(asked)
    expect(first.fragment).toEqual(asked)
  })
})
