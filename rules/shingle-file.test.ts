import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readShingleFile, shingleFileText } from './shingle-file.ts'
import { SHINGLE_MAXIMUM, shingles } from './shingles.ts'

describe('a shingle file', () => {
  it('gives back the shingles that were written', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 0, max: SHINGLE_MAXIMUM })), (numbers) => {
        expect(readShingleFile(shingleFileText(new Set(numbers)))).toEqual({ shingles: new Set(numbers) })
      }),
    )
  })

  it('tells neither the words of the prompt nor their order', () => {
    const words = 'velvet harbour lantern orchid compass thunder meadow anchor'.split(' ')
    const text = shingleFileText(shingles(words.join(' ')))
    expect(words.filter((word) => text.includes(word))).toEqual([])
    expect(shingleFileText(new Set([...shingles(words.join(' '))].reverse()))).toBe(text)
  })

  it('may have comments, empty lines and line ends of any kind', () => {
    expect(readShingleFile('# one\r\n1\r\n\n  2 # two\n')).toEqual({ shingles: new Set([1, 2]) })
  })

  it.each(['x', '1 2', '-1', '1.5', '4294967296', '00000000001'])('is wrong where it says %s', (line) => {
    expect(readShingleFile(`1\n${line}\n2\n`)).toMatchObject({ wrongLine: 2 })
  })
})
