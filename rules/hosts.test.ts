import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { embeddedV4, type Host, hostNature, readHost } from './hosts.ts'

function host(text: string): Host {
  const read = readHost(text)
  if (read === undefined) {
    throw new Error(`unreadable: ${text}`)
  }
  return read.host
}

describe('readHost', () => {
  it.each([
    ['127.0.0.1', '127.0.0.1'],
    ['127.1', '127.0.0.1'],
    ['2130706433', '127.0.0.1'],
    ['0x7f000001', '127.0.0.1'],
    ['0x7f.1', '127.0.0.1'],
    ['0177.0.0.1', '127.0.0.1'],
    ['127.0.0.1.', '127.0.0.1'],
    ['0', '0.0.0.0'],
    ['\uff11\uff12\uff17.0.0.1', '127.0.0.1'],
    ['\u2460\u2461\u2466.0.0.1', '127.0.0.1'],
    ['127\u30020\u30020\u30021', '127.0.0.1'],
    ['::ffff:127.0.0.1', '127.0.0.1'],
    ['[::ffff:7f00:1]', '127.0.0.1'],
    ['::1', '::1'],
    ['[0:0:0:0:0:0:0:1]', '::1'],
    ['2001:DB8::0001', '2001:db8::1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['[fe80::1%25eth0]', 'fe80::1'],
    ['Example.COM', 'example.com'],
    ['example.com.', 'example.com'],
    ['b\u00fccher.example', 'xn--bcher-kva.example'],
    ['xn--bcher-kva.example', 'xn--bcher-kva.example'],
    ['ex\u00e4mple.com', 'xn--exmple-cua.com'],
    ['example\uff0ecom', 'example.com'],
    ['\uff45xample.com', 'example.com'],
    ['exam\u00adple.com', 'example.com'],
    ['ex%61mple.com', 'example.com'],
    ['localhost', 'localhost'],
    ['_dmarc.example.com', '_dmarc.example.com'],
  ])('reads %s as %s', (text, name) => {
    expect(host(text).name).toBe(name)
  })

  it('tells a look-alike from the real name', () => {
    expect(host('ex\u0430mple.com').name).toMatch(/^xn--/)
  })

  it.each([
    ['a user in front', 'api.example.com@evil.example'],
    ['a path', 'evil.example/api.example.com'],
    ['a backslash', 'evil.example\\.example.com'],
    ['a fragment', 'evil.example#.example.com'],
    ['a query', 'evil.example?.example.com'],
    ['an encoded slash', 'evil.example%2f.example.com'],
    ['an encoded user', 'api.example.com%40evil.example'],
    ['a line break', 'evil\n.example.com'],
    ['a NUL', 'evil\u0000.example.com'],
    ['a blank', 'evil example.com'],
    ['a no-break space', 'evil\u00a0example.com'],
    ['an empty label', 'example..com'],
    ['two trailing dots', 'example.com..'],
    ['a leading dot', '.example.com'],
    ['nothing', ''],
    ['a dot', '.'],
    ['a shell substitution', '$(id).example.com'],
    ['a template', '{{host}}.example.com'],
    ['an address out of range', '256.1.1.1'],
    ['an address with five parts', '1.2.3.4.5'],
    ['a name that ends in a number', 'example.1'],
    ['impossible punycode', 'xn--a.example'],
    ['an impossible IPv6 address', '1::2::3'],
    ['an unclosed bracket', '[::1'],
    ['a zone with structure', 'fe80::1%eth0/../x'],
    ['a port out of range', 'example.com:70000'],
    ['a socket path', '/var/run/docker.sock'],
    ['a label of 64', `${'a'.repeat(64)}.example.com`],
    ['more than a name can hold', `${'a.'.repeat(130)}example.com`],
    ['a lone surrogate', 'a\ud800.example.com'],
  ])('refuses %s', (_what, text) => {
    expect(readHost(text)).toBeUndefined()
  })

  it('takes the port from behind the host', () => {
    expect(readHost('api.example.com:8443')?.port).toBe(8443)
    expect(readHost('[2001:db8::1]:443')?.port).toBe(443)
    expect(readHost('2001:db8::1')?.port).toBeUndefined()
    expect(readHost('example.com:80')?.port).toBe(80)
  })

  it('never throws, and reads what it has read as the same', () => {
    const pieces = fc.constantFrom(
      'a',
      '1',
      '.',
      '%',
      ':',
      '[',
      ']',
      '0x',
      'xn--',
      '@',
      '-',
      '\u3002',
      '\u00fc',
      '::',
      'ffff',
    )
    const texts = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc.array(pieces, { maxLength: 10 }).map((parts) => parts.join('')),
      fc.ipV4Extended(),
      fc.ipV6(),
      fc.domain(),
    )
    let read = 0
    fc.assert(
      fc.property(texts, (text) => {
        const first = readHost(text)
        if (first !== undefined) {
          read += 1
          expect(first.host.name).toMatch(/^[a-z0-9._:-]+$/)
          expect(readHost(first.host.name)?.host).toEqual(first.host)
        }
      }),
      { numRuns: 2000, seed: 7 },
    )
    expect(read).toBeGreaterThan(300)
  })

  it('agrees with the URL parser on every way to write an IPv4 address', () => {
    fc.assert(
      fc.property(fc.ipV4Extended(), (text) => {
        expect(host(text).name).toBe(new URL(`http://${text}/`).hostname)
      }),
    )
  })
})

describe('embeddedV4', () => {
  it.each([
    ['64:ff9b::7f00:1', '127.0.0.1'],
    ['2002:7f00:1::', '127.0.0.1'],
    ['::127.0.0.1', '127.0.0.1'],
    ['::1', undefined],
    ['2001:db8::7f00:1', undefined],
    ['127.0.0.1', undefined],
  ])('%s holds %s', (text, inner) => {
    expect(embeddedV4(host(text))?.name).toBe(inner)
  })
})

describe('hostNature', () => {
  const nature = (text: string) =>
    Object.entries(hostNature(host(text)))
      .filter(([, is]) => is)
      .map(([word]) => word)

  it.each([
    ['api.example.com', []],
    ['localhost', ['internal']],
    ['db.localhost', ['internal']],
    ['203.0.113.7', ['literal', 'internal']],
    ['8.8.8.8', ['literal']],
    ['10.0.0.1', ['literal', 'internal']],
    ['0', ['literal', 'internal']],
    ['169.254.169.254', ['literal', 'metadata', 'internal']],
    ['0xa9fea9fe', ['literal', 'metadata', 'internal']],
    ['[::ffff:169.254.169.254]', ['literal', 'metadata', 'internal']],
    ['64:ff9b::a9fe:a9fe', ['literal', 'metadata', 'internal']],
    ['fd00:ec2::254', ['literal', 'metadata', 'internal']],
    ['168.63.129.16', ['literal', 'metadata']],
    ['metadata.google.internal.', ['metadata']],
    ['2606:4700::1111', ['literal']],
    ['64:ff9b::808:808', ['literal']],
    ['fe80::1%eth0', ['literal', 'internal']],
  ])('%s is %j', (text, expected) => {
    expect(nature(text)).toEqual(expected)
  })
})
