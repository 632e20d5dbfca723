import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { QUOTED_NAME_LIMIT, quoteName } from './quote-name.ts'

describe('quoteName', () => {
  it('leaves ordinary tool and host names readable', () => {
    expect(quoteName('crm.read')).toBe("'crm.read'")
    expect(quoteName('mcp__files__read-all')).toBe("'mcp__files__read-all'")
    expect(quoteName('github/create_issue')).toBe("'github/create_issue'")
    expect(quoteName('api.example.com:8443')).toBe("'api.example.com:8443'")
  })

  it.each([
    ['markup', '<img src=x onerror=alert(1)>'],
    ['a chat mention', '<!channel> @everyone'],
    ['a link', 'http://evil.example/x'],
    ['markdown', '[click](javascript:x) **bold** `code`'],
    ['a format string', '%n%s %{jndi:ldap:x}'],
    ['line breaks', 'a\r\nseverity: low\u2028b'],
    ['a closing quote', "x' and more"],
    ['a terminal escape', '\u001b[2Jgone'],
    ['a direction override', 'safe\u202Egpj.exe'],
  ])('writes %s harmlessly', (_what, name) => {
    const inner = quoteName(name).slice(1, -1)
    expect(inner).toMatch(/^(?:[A-Za-z0-9 _.:/-]|\\u\{[0-9a-f]+\})*$/)
    expect(inner).not.toContain('//')
  })

  it('tells a look-alike from the real name', () => {
    expect(quoteName('sh\u0435ll')).toBe("'sh\\u{435}ll'")
  })

  it('cuts long names and says so', () => {
    expect(quoteName('x'.repeat(512))).toBe(`'${'x'.repeat(57)}...'`)
    expect(quoteName('x'.repeat(QUOTED_NAME_LIMIT))).not.toContain('...')
  })

  it('gives printable ASCII within the limit for any string, lone surrogates included', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), fc.boolean(), (name, lone) => {
        const quoted = quoteName(lone ? `${name}\ud800` : name)
        expect(quoted).toMatch(/^'[\x20-\x7e]*'$/)
        expect(quoted.length).toBeLessThanOrEqual(QUOTED_NAME_LIMIT + 2)
      }),
    )
  })

  it('keeps different short names different', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 7 }), fc.string({ maxLength: 7 }), (one, other) => {
        expect(quoteName(one) === quoteName(other)).toBe(one === other)
      }),
    )
  })
})
