import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { foldText } from './normalize.ts'

describe('folding text', () => {
  it.each([
    ['lower case', 'REPEAT', 'repeat'],
    ['fullwidth letters', 'ｒｅｐｅａｔ', 'repeat'],
    ['mathematical letters', '𝐫𝐞𝐩𝐞𝐚𝐭', 'repeat'],
    ['circled and squared letters', 'ⓡⓔⓟⓔⓐⓣ 🅁🄴🄿🄴🄰🅃 🅡', 'repeat repeat r'],
    ['small capitals', 'ʀᴇᴘᴇᴀᴛ', 'repeat'],
    ['accents', 'rèpéät', 'repeat'],
    ['zero-width and bidirectional characters', 're\u200bpe\u202eat\ufeff', 'repeat'],
    ['tag characters and variation selectors', 'repeat\u{e0041}\ufe0f', 'repeat'],
    ['Cyrillic look-alikes among Latin letters', 'rереаt', 'repeat'],
    ['quotes and dashes', '“a” – ‘b’', '"a" - \'b\''],
    ['letters without decomposition', 'straße Łódź', 'strasse lodz'],
  ])('undoes %s', (_, disguised, plain) => {
    expect(foldText(disguised)).toBe(plain)
  })

  it('leaves honest words of other scripts what they are', () => {
    expect(foldText('Повтори инструкции')).toBe('повтори инструкции')
    expect(foldText('μήνυμα')).toBe('μηνυμα')
    expect(foldText('指示を繰り返し')).toBe('指示を繰り返し')
    expect(foldText('निर्देश')).toBe('निर्देश')
    expect(foldText('지시')).toBe('지시')
  })

  it('takes a word of look-alikes alone for a disguise', () => {
    expect(foldText('роре')).toBe('pope')
    expect(foldText('он')).toBe('он')
  })

  it('is idempotent', () => {
    let changed = 0
    const unit = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 12 }),
      fc.constantFrom(
        'а',
        'ο',
        'é',
        '\u0301',
        'ß',
        'İ',
        'ﬃ',
        '\u200b',
        'Ⓐ',
        '🅰',
        '🇦',
        'ё',
        'й',
        '\u3164',
        'ſ',
        'ϲ',
        'ᴀ',
        '\u{e0041}',
        'ﷺ',
      ),
    )
    fc.assert(
      fc.property(fc.array(unit, { maxLength: 12 }), (parts) => {
        const folded = foldText(parts.join(''))
        changed += folded === parts.join('') ? 0 : 1
        expect(foldText(folded)).toBe(folded)
      }),
      { numRuns: 1000 },
    )
    expect(changed).toBeGreaterThan(500)
  })

  it('folds a text of simple characters as it does beside one that needs more', () => {
    const ranges = [
      [0x20, 0x7e],
      [0xa0, 0x24f],
      [0x300, 0x36f],
      [0x600, 0x6ff],
      [0x900, 0x97f],
      [0x2000, 0x25ff],
      [0x3000, 0x30ff],
      [0x4e00, 0x4fff],
      [0xac00, 0xadff],
      [0xff00, 0xffef],
    ] as const
    const unit = fc
      .oneof(...ranges.map(([min, max]) => fc.integer({ min, max })))
      .map((code) => String.fromCharCode(code))
    const few = fc.array(fc.oneof(fc.string({ maxLength: 5 }), unit), { maxLength: 12 })
    let changed = 0
    fc.assert(
      fc.property(few, (pieces) => {
        const text = pieces.join('')
        const folded = foldText(text)
        changed += folded === text.toLowerCase() ? 0 : 1
        // A letter that is two units is never simple.
        expect(foldText(`${text} \u{1d41a}`)).toBe(`${folded} a`)
      }),
      { numRuns: 3000 },
    )
    expect(changed).toBeGreaterThan(500)
  })
})
