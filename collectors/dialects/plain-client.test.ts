import { describe, expect, it } from 'vitest'
import { spanRecord } from '../../test/otlp-records.ts'
import type { AttributeValue } from '../otlp/records.ts'
import { plainClient } from './plain-client.ts'

const span = (attributes: Record<string, AttributeValue>, rest: Parameters<typeof spanRecord>[0] = {}) =>
  plainClient.span?.(spanRecord({ kind: 3, ...rest, attributes }))
const request = {
  'http.request.method': 'POST',
  'server.address': 'api.example.com',
  'server.port': 443,
  'url.scheme': 'https',
}

describe('an HTTP request', () => {
  it('is a transport of whatever is above it, else egress', () => {
    expect(span({ ...request, 'http.response.status_code': 200, 'http.request.body.size': 5000 })).toEqual({
      role: 'part',
      operation: 'egress',
      transport: true,
      destinations: [{ host: 'api.example.com', port: 443, scheme: 'https', method: 'POST', seen_in: 'network' }],
      volume: { bytes_out: 5000 },
      outcome: 'ok',
    })
  })

  it('ends as its status says', () => {
    const of = (status: number) => span({ ...request, 'http.response.status_code': status })?.outcome
    expect([204, 403, 404, 408, 429].map(of)).toEqual(['ok', 'denied', 'error', 'timeout', 'rate_limited'])
    expect(span({ ...request, 'error.type': 'ETIMEDOUT' }, { status: 2 })?.outcome).toBe('timeout')
  })

  it('never carries what its URL asks or who signs in', () => {
    const url = 'https://user:pass@api.example.com/v1?api_key=SECRET'
    expect(JSON.stringify(span({ ...request, 'url.full': url, 'url.query': '?api_key=SECRET' }))).not.toMatch(
      /SECRET|pass/,
    )
  })

  it('for a token is an event of its own, with what it asks for', () => {
    const url = 'https://login.example.com/oauth2/v2.0/token?scope=read+write&audience=crm&client_secret=SECRET'
    expect(span({ ...request, 'url.full': url })).toMatchObject({
      role: 'event',
      operation: 'token_request',
      token: { scopes_requested: ['read', 'write'], audience: 'crm' },
    })
  })

  it('for a token says what the attributes of an OAuth client say, sooner than its URL', () => {
    const url = 'https://login.example.com/oauth2/v2.0/token?scope=read&client_id=app-7'
    const oauth = { 'oauth.scope': 'read:* admin', 'oauth.granted_scopes': ['read:*'], 'oauth.expires_in': 3600 }
    expect(span({ ...request, 'url.full': url, ...oauth })).toMatchObject({
      token: { scopes_requested: ['read:*', 'admin'], scopes_granted: ['read:*'], lifetime_s: 3600, subject: 'app-7' },
    })
  })
})

describe('a database query', () => {
  it('reads datasets, and reaches the database', () => {
    const draft = span({
      'db.system.name': 'postgresql',
      'db.namespace': 'crm',
      'db.query.text': 'SELECT * FROM customers',
      'db.response.returned_rows': 3,
      'server.address': 'db',
      'server.port': 5432,
    })
    expect(draft).toMatchObject({
      role: 'part',
      operation: 'retrieval',
      content: { arguments: 'SELECT * FROM customers' },
      dataset_scope: [{ id: 'postgresql/crm/customers' }],
      destinations: [{ host: 'db', port: 5432, scheme: 'postgresql' }],
      volume: { rows: 3 },
    })
    expect(draft?.transport).toBeUndefined()
  })

  it('is more than a connection', () => {
    expect(span({ 'db.system.name': 'postgresql', 'server.address': 'db' })).toEqual({ role: 'context' })
  })
})

describe('RPC and messages', () => {
  it('are transports', () => {
    expect(span({ 'rpc.system': 'grpc', 'server.address': 'svc', 'rpc.grpc.status_code': 4 })).toMatchObject({
      transport: true,
      destinations: [{ host: 'svc', scheme: 'grpc' }],
      outcome: 'timeout',
    })
    expect(span({ 'messaging.system': 'kafka', 'messaging.destination.name': 'orders' }, { kind: 4 })).toMatchObject({
      transport: true,
      dataset_scope: [{ id: 'orders' }],
    })
  })

  it('may ask for credentials', () => {
    expect(span({ 'rpc.system': 'aws-api', 'rpc.method': 'AssumeRole' })?.operation).toBe('token_request')
  })
})

describe('spans of servers and of nothing in particular', () => {
  it('are not ours', () => {
    expect(span(request, { kind: 2 })).toBeUndefined()
    expect(span({ 'server.address': 'x' })).toBeUndefined()
  })
})
