import { describe, expect, it } from 'vitest'
import { Misconfigured } from '../schema/errors.ts'
import { authorizer, isLoopback, makeKey, refuseOpenBind, SCOPES } from './keys.ts'

const entry = (scope: (typeof SCOPES)[number], tenant = 'default') => {
  const { key, sha256 } = makeKey(scope)
  return { key, entry: { name: scope, scope, sha256, tenant } }
}

describe('makeKey', () => {
  it('makes a key that can be told apart at a glance and is never the same', () => {
    expect(makeKey('ingest').key).toMatch(/^tt_ingest_[A-Za-z0-9_-]{43}$/)
    expect(makeKey('read').key).not.toBe(makeKey('read').key)
  })
})

describe('authorizer', () => {
  it('lets everybody in, as the given tenant, when no key is configured', () => {
    expect(authorizer([], 'default')(undefined, 'admin')).toEqual({ tenantId: 'default' })
  })

  it.each([
    ['ingest', ['ingest']],
    ['read', ['read']],
    ['admin', ['ingest', 'read', 'admin']],
  ] as const)('lets a key of scope %s do %j and nothing else', (scope, may) => {
    const { key, entry: configured } = entry(scope, 'tenant-7')
    const authorize = authorizer([configured], 'default')
    for (const need of SCOPES) {
      const expected = may.some((each) => each === need) ? { tenantId: 'tenant-7' } : 'forbidden'
      expect(authorize(`Bearer ${key}`, need)).toEqual(expected)
    }
  })

  it.each([
    undefined,
    '',
    'Bearer',
    'Bearer ',
    'Basic dXNlcjpwYXNz',
    'Bearer wrong',
    `Bearer ${makeKey('admin').key}`,
    `Bearer ${'x'.repeat(100_000)}`,
  ])('turns away %s', (authorization) => {
    expect(authorizer([entry('admin').entry], 'default')(authorization, 'read')).toBe('unauthenticated')
  })

  it('knows two keys of one client during a rotation', () => {
    const [old, young] = [entry('ingest'), entry('ingest')]
    const authorize = authorizer([old.entry, young.entry], 'default')
    expect(authorize(`bearer ${old.key}`, 'ingest')).toEqual({ tenantId: 'default' })
    expect(authorize(`bearer ${young.key}`, 'ingest')).toEqual({ tenantId: 'default' })
  })
})

describe('refuseOpenBind', () => {
  it.each(['0.0.0.0', '::', '10.0.0.4', 'telltale.example.com', '127.example.com', ''])(
    'refuses %s without a key',
    (host) => {
      expect(() => refuseOpenBind(host, [], false)).toThrow(Misconfigured)
      expect(() => refuseOpenBind(host, [], true)).not.toThrow()
      expect(() => refuseOpenBind(host, [entry('read').entry], false)).not.toThrow()
    },
  )

  it.each(['127.0.0.1', '127.8.8.8', 'localhost', '::1', '[::1]'])('allows %s', (host) => {
    expect(isLoopback(host)).toBe(true)
    expect(() => refuseOpenBind(host, [], false)).not.toThrow()
  })
})
