import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { EgressPolicy } from '../schema/policy/egress.ts'
import type { Destination } from '../schema/telemetry.ts'
import { compileEgress } from './egress.ts'
import type { Verdict } from './verdict.ts'

function judge(policy: EgressPolicy, destination: Destination | string): Verdict {
  const lineOf = (path: readonly (string | number)[]) => (path.length === 1 ? 20 : 21 + Number(path[1]))
  const { judge, problems } = compileEgress(policy, 'policies/a.yml', lineOf)
  expect(problems).toEqual([])
  return judge(typeof destination === 'string' ? { host: destination } : destination)
}

function allows(policy: EgressPolicy, destination: Destination | string): boolean {
  return judge(policy, destination).allowed
}

describe('names', () => {
  const policy = { allow: ['api.partner.example', '*.example.com'] }

  it.each([
    ['api.partner.example', true],
    ['API.Partner.Example.', true],
    ['partner.example', false],
    ['x.api.partner.example', false],
    ['a.example.com', true],
    ['a.b.c.example.com', true],
    ['a.example.com.', true],
    ['example.com', false],
    ['evil-example.com', false],
    ['evilexample.com', false],
    ['a.example.com.evil.test', false],
    ['a.ex\u0430mple.com', false],
    ['a.example\uff0ecom', true],
    ['a.example.com@evil.test', false],
    ['evil.test/.example.com', false],
    ['', false],
  ])('%s: %s', (host, expected) => {
    expect(allows(policy, host)).toBe(expected)
  })

  it('in another script are written either way', () => {
    expect(allows({ allow: ['*.b\u00fccher.example'] }, 'api.xn--bcher-kva.example')).toBe(true)
    expect(allows({ allow: ['*.xn--bcher-kva.example'] }, 'api.B\u00dcCHER.example')).toBe(true)
  })

  it('may be any with a star, what cannot be read excepted', () => {
    expect(allows({ allow: ['*'] }, 'anything.test')).toBe(true)
    expect(allows({ allow: ['*'] }, '203.0.113.9')).toBe(true)
    expect(judge({ allow: ['*'] }, 'a b')).toMatchObject({ allowed: false, because: 'unreadable' })
  })
})

describe('an entry with ports and methods', () => {
  const policy: EgressPolicy = {
    allow: [
      { host: '*.example.com', ports: [443, 8443], methods: ['GET'] },
      { host: 'files.example.com', ports: [22] },
    ],
  }
  const reach = (host: string, port?: number, method?: string): Destination => ({
    host,
    ...(port === undefined ? {} : { port }),
    ...(method === undefined ? {} : { method }),
  })

  it.each<[string, Destination, boolean]>([
    ['both as listed', reach('a.example.com', 8443, 'GET'), true],
    ['in another case', reach('a.example.com', 443, 'get'), true],
    ['neither known', reach('a.example.com'), true],
    ['another port', reach('a.example.com', 22, 'GET'), false],
    ['another method', reach('a.example.com', 443, 'POST'), false],
    ['what is no method', reach('a.example.com', 443, 'G\u0415T'), false],
    ['the port of the second entry', reach('files.example.com', 22, 'PUT'), true],
    ['the port of the first with the method of the second', reach('files.example.com', 443, 'PUT'), false],
  ])('%s', (_what, destination, expected) => {
    expect(allows(policy, destination)).toBe(expected)
  })

  it('says whether the port or the method is what it does not allow, and what would', () => {
    expect(judge(policy, reach('a.example.com', 22))).toMatchObject({
      because: 'port',
      policy: { line: 21, allow_with: "add 'a.example.com:22' to egress.allow" },
    })
    expect(judge(policy, reach('a.example.com', 443, 'POST'))).toEqual({
      allowed: false,
      because: 'method',
      expected: '*.example.com (ports 443, 8443; GET), files.example.com (port 22)',
      policy: {
        file: 'policies/a.yml',
        line: 21,
        allow_with: "add { host: 'a.example.com', methods: [POST] } to egress.allow",
      },
    })
  })

  it('is held to the methods of the section where it names none', () => {
    const section: EgressPolicy = { allow: ['a.test', { host: 'b.test', methods: ['PUT'] }], methods: ['GET', 'HEAD'] }
    expect(allows(section, reach('a.test', 443, 'HEAD'))).toBe(true)
    expect(judge(section, reach('a.test', 443, 'PUT'))).toMatchObject({
      because: 'method',
      expected: 'a.test, b.test (PUT) by GET, HEAD',
      policy: { line: 20 },
    })
    expect(allows(section, reach('b.test', 443, 'PUT'))).toBe(true)
    expect(allows(section, reach('b.test', 443, 'GET'))).toBe(false)
    expect(allows({ methods: ['GET'] }, reach('c.test', 443, 'POST'))).toBe(false)
  })

  it('denies these alone', () => {
    const denying: EgressPolicy = {
      deny: [
        { host: 'a.test', ports: [22] },
        { host: 'b.test', methods: ['DELETE'] },
      ],
    }
    expect(judge(denying, reach('a.test', 22))).toMatchObject({ because: 'denied' })
    expect(allows(denying, reach('a.test', 443))).toBe(true)
    expect(judge(denying, reach('b.test', 443, 'DELETE'))).toMatchObject({ because: 'denied' })
    expect(allows(denying, reach('b.test', 443, 'GET'))).toBe(true)
  })
})

describe('addresses', () => {
  const policy = { allow: ['10.0.0.0/8', '203.0.113.7', '2001:db8::/32', '0.0.0.0/32'] }

  it.each([
    ['10.255.0.1', true],
    ['11.0.0.1', false],
    ['0xa.1', true],
    ['167772161', true],
    ['::ffff:10.0.0.1', true],
    ['64:ff9b::a00:1', false],
    ['203.0.113.7', true],
    ['203.0.113.8', false],
    ['2001:db8:ffff::1', true],
    ['[2001:db8::1]', true],
    ['2001:db8::1%eth0', true],
    ['2001:db9::1', false],
    ['0', true],
    ['0.0.0.1', false],
  ])('%s: %s', (host, expected) => {
    expect(allows(policy, host)).toBe(expected)
  })

  it('denied are denied through translators and tunnels too', () => {
    const denying = { deny: ['169.254.169.254', '10.0.0.0/8'] }
    for (const host of ['0xa9fea9fe', '::ffff:a9fe:a9fe', '64:ff9b::a9fe:a9fe', '2002:a9fe:a9fe::', '10.1.2.3']) {
      expect(judge(denying, host)).toMatchObject({ allowed: false, because: 'denied' })
    }
    expect(allows(denying, '8.8.8.8')).toBe(true)
  })

  it('agree with arithmetic for every network and address', () => {
    const number = fc.integer({ min: 0, max: 0xffffffff })
    let inside = 0
    fc.assert(
      fc.property(
        number,
        fc.integer({ min: 0, max: 32 }),
        number,
        fc.integer({ min: 0, max: 32 }),
        (base, bits, flip, keep) => {
          const size = 2 ** (32 - bits)
          const network = Math.floor(base / size) * size
          const near = (base ^ (keep === 32 ? 0 : flip >>> keep)) >>> 0
          const expected = near >= network && near < network + size
          inside += expected ? 1 : 0
          expect(allows({ allow: [`${dotted(network)}/${bits}`] }, dotted(near))).toBe(expected)
        },
      ),
      { numRuns: 500, seed: 3 },
    )
    expect(inside).toBeGreaterThan(100)
    expect(inside).toBeLessThan(450)
  })
})

describe('ports', () => {
  const policy = { allow: ['api.example.com', 'db.example.com:5432', '[2001:db8::1]:8443'], ports: [443] }

  it.each<[Destination, boolean]>([
    [{ host: 'api.example.com', port: 443 }, true],
    [{ host: 'api.example.com', port: 8080 }, false],
    [{ host: 'api.example.com', scheme: 'https' }, true],
    [{ host: 'api.example.com', scheme: 'HTTP' }, false],
    [{ host: 'api.example.com', scheme: 'ssh' }, false],
    [{ host: 'api.example.com' }, true],
    [{ host: 'api.example.com:22' }, false],
    [{ host: 'api.example.com:443', port: 443 }, true],
    [{ host: 'api.example.com:22', port: 443 }, false],
    [{ host: 'db.example.com', port: 5432 }, true],
    [{ host: 'db.example.com', port: 443 }, false],
    [{ host: '2001:db8::1', port: 8443 }, true],
    [{ host: '2001:db8::1', port: 443 }, false],
  ])('%j: %s', (destination, expected) => {
    expect(allows(policy, destination)).toBe(expected)
  })

  it('stand alone, and can be denied everywhere', () => {
    expect(allows({ ports: [443] }, { host: 'x.test', port: 443 })).toBe(true)
    expect(allows({ ports: [443] }, { host: 'x.test', port: 80 })).toBe(false)
    expect(allows({ deny: ['*:25'] }, { host: 'x.test', port: 25 })).toBe(false)
    expect(allows({ deny: ['*:25'] }, { host: 'x.test', port: 26 })).toBe(true)
    expect(allows({ deny: ['*:25'] }, { host: 'x.test' })).toBe(true)
  })
})

describe('the answer', () => {
  const policy = { allow: ['*.example.com'], deny: ['files.example.com'], ports: [443] }
  it.each<[string, Destination, object]>([
    [
      'for a host that is not listed',
      { host: 'EVIL.test.', port: 443 },
      {
        because: 'not-listed',
        policy: { file: 'policies/a.yml', line: 20, allow_with: "add 'evil.test' to egress.allow" },
      },
    ],
    [
      'for a denied host',
      { host: 'files.example.com' },
      {
        because: 'denied',
        policy: { file: 'policies/a.yml', line: 21, allow_with: "remove 'files.example.com' from egress.deny" },
      },
    ],
    [
      'for a port',
      { host: 'a.example.com', port: 8080 },
      {
        because: 'port',
        policy: { file: 'policies/a.yml', line: 20, allow_with: "add 'a.example.com:8080' to egress.allow" },
      },
    ],
    [
      'for what cannot be read',
      { host: 'a b' },
      { because: 'unreadable', policy: { file: 'policies/a.yml', line: 20 } },
    ],
  ])('%s names line and remedy', (_what, destination, expected) => {
    expect(judge(policy, destination)).toEqual({
      allowed: false,
      expected: '*.example.com on port 443; never files.example.com',
      ...expected,
    })
  })

  it('comes for any destination, and the same when asked again', () => {
    const { judge } = compileEgress(policy, 'f', () => undefined)
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 60 }),
        fc.option(fc.integer({ min: 0, max: 65535 }), { nil: undefined }),
        (host, port) => {
          const destination = { host, ...(port === undefined ? {} : { port }) }
          expect(judge(destination)).toEqual(judge(destination))
        },
      ),
    )
  })
})

function dotted(value: number): string {
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.')
}
