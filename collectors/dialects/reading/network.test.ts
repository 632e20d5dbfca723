import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { destinationOf, isTokenRequest } from './network.ts'

const map = (attributes: Record<string, string | number>) => new Map(Object.entries(attributes))

describe('the endpoint of a client span', () => {
  it('is read from stable names, without query or credentials', () => {
    expect(
      destinationOf(
        map({
          'url.full': 'https://u:p@api.example.com:8443/v1?api_key=SECRET',
          'server.address': 'api.example.com',
          'server.port': 8443,
          'http.request.method': 'post',
        }),
      ),
    ).toEqual({ host: 'api.example.com', port: 8443, scheme: 'https', method: 'post', seen_in: 'network' })
  })

  it('is what a URL parser reads, also where the URL is not parsed', () => {
    const host = fc.oneof(
      fc.domain(),
      fc.stringMatching(/^[a-z0-9.-]{1,12}$/),
      fc.ipV4Extended(),
      fc.constantFrom('0x7f.1', 'a.0xab', 'xn--a.example', 'EXAMPLE.com', 'a..b', '.', 'localhost', 'b%61d.example'),
    )
    const url = fc
      .tuple(
        fc.constantFrom('http', 'https', 'HTTP', 'ws'),
        host,
        fc.constantFrom('', '/', '/a?b#c', '?q', '#f', ':81/', '\\\\x', ' '),
      )
      .map(([scheme, name, rest]) => `${scheme}://${name}${rest}`)
    const reached = { hosts: 0, none: 0 }
    fc.assert(
      fc.property(url, (text) => {
        const parsed = URL.canParse(text) ? new URL(text) : undefined
        const found = destinationOf(map({ 'url.full': text }))
        // In the letters of the URL, so that a key in it is still known for one when it is masked.
        expect(found === undefined || text.includes(found.host) || found.host === parsed?.hostname).toBe(true)
        expect([found?.host.toLowerCase(), found?.scheme]).toEqual([parsed?.hostname, parsed?.protocol.slice(0, -1)])
        reached[parsed === undefined ? 'none' : 'hosts'] += 1
      }),
      { numRuns: 500 },
    )
    expect(reached.hosts).toBeGreaterThan(100)
    expect(reached.none).toBeGreaterThan(10)
  })

  it('is read from a URL alone, and from old names', () => {
    expect(destinationOf(map({ 'http.url': 'http://old.example.com:81/x', 'http.method': 'GET' }))).toEqual({
      host: 'old.example.com',
      port: 81,
      scheme: 'http',
      method: 'GET',
      seen_in: 'network',
    })
    expect(destinationOf(map({ 'http.host': 'Old.example.com:82', 'http.scheme': 'HTTP' }))).toEqual({
      host: 'Old.example.com',
      port: 82,
      scheme: 'HTTP',
      seen_in: 'network',
    })
    expect(destinationOf(map({ 'net.peer.name': 'db', 'net.peer.port': '5432' }), 'postgresql')).toMatchObject({
      host: 'db',
      port: 5432,
      scheme: 'postgresql',
    })
  })

  it('is absent when nothing names it', () => {
    expect(destinationOf(map({ 'url.full': 'not a url', 'server.port': 1 }))).toBeUndefined()
  })
})

describe('a token request', () => {
  it.each([
    [{ 'url.full': 'https://login.example.com/oauth2/v2.0/token' }],
    [{ 'url.full': 'https://idp.example.com/oauth/token?x=1' }],
    [{ 'url.path': '/realms/acme/protocol/openid-connect/token' }],
    [{ 'url.path': '/computeMetadata/v1/instance/service-accounts/default/token' }],
    [{ 'http.target': '/metadata/identity/oauth2/token?resource=x' }],
    [{ 'rpc.method': 'AssumeRoleWithWebIdentity' }],
    [{ 'server.address': 'sts.eu-west-1.amazonaws.com', 'http.request.method': 'POST' }],
    [{ 'server.address': 'STS.eu-west-1.AmazonAWS.com', 'http.request.method': 'POST' }],
    [{ 'url.full': 'https://OAuth2.GoogleApis.com/x', 'http.request.method': 'POST' }],
  ])('is known by %j', (attributes) => {
    expect(isTokenRequest(map(attributes as Record<string, string>), 'POST')).toBe(true)
  })

  it.each([
    [{ 'url.full': 'https://api.example.com/v1/tokens' }],
    [{ 'url.full': 'https://api.example.com/oauth2/authorize' }],
    [{ 'url.path': '/count/token' }],
  ])('is not %j', (attributes) => {
    expect(isTokenRequest(map(attributes as Record<string, string>), 'POST')).toBe(false)
  })
})
