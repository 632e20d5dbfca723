import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { OBSERVED_MS, one, setUp } from '../test/intake-saying.ts'
import { arbitraryRecord, spanRecord } from '../test/otlp-records.ts'
import type { AttributeValue, OtlpRecord } from './otlp/records.ts'
import { ALPHANUMERIC, SENSITIVE } from './sanitize/canaries.ts'

/** A copy of a record in which every text has `secret` in it. */
function plant(record: OtlpRecord, secret: string): OtlpRecord {
  const text = (value: string) =>
    value.startsWith('{') ? `${value.slice(0, -1)},"x":"${secret} y"}` : `${value}\n${secret}\ty`
  const inside = (value: AttributeValue): AttributeValue => {
    if (typeof value === 'string') {
      return text(value)
    }
    if (value instanceof Map) {
      return new Map([...value].map(([key, member]) => [key, inside(member)]))
    }
    return Array.isArray(value) ? value.map(inside) : value
  }
  const all = (attributes: OtlpRecord['attributes']) =>
    new Map([...attributes].map(([key, value]) => [key, ANCHORS.has(key) ? value : inside(value)]))
  const shared = {
    ...record,
    attributes: all(record.attributes),
    resource: { attributes: all(record.resource.attributes) },
  }
  return shared.signal === 'log'
    ? { ...shared, body: inside(shared.body) }
    : {
        ...shared,
        name: text(shared.name),
        statusMessage: text(shared.statusMessage),
        events: shared.events.map((event) => ({ ...event, attributes: all(event.attributes) })),
      }
}

/** By these a dialect knows its records. */
const ANCHORS = new Set([
  'event.name',
  'gen_ai.operation.name',
  'openinference.span.kind',
  'traceloop.span.kind',
  'langsmith.span.kind',
  'ai.operationId',
  'mcp.method.name',
  'span.type',
  'rpc.system',
  'db.system.name',
  'http.request.method',
])

/** What identity is made of stays; of secrets nothing does. */
const PERSONAL = new Set(['email', 'phone', 'payment-card', 'iban', 'us-ssn'])
const SECRETS = SENSITIVE.filter(([kind]) => !PERSONAL.has(kind))

describe('no secret placed in any text of a record', () => {
  test('gets into a fragment', () => {
    const dialects = new Set<string>()
    fc.assert(
      fc.property(arbitraryRecord, fc.constantFrom(...SECRETS), (record, [, secret]) => {
        const { intake } = setUp()
        for (const fragment of intake.fragments([plant(record, secret)], 'acme', OBSERVED_MS)) {
          dialects.add(fragment.dialect)
          // In no case either: a key that was made small before it was looked for is still a key.
          expect(JSON.stringify(fragment).toLowerCase()).not.toContain(secret.toLowerCase())
        }
      }),
      { numRuns: 2000 },
    )
    expect(dialects.size).toBeGreaterThan(8)
  })

  test('gets out by way of a call: arguments, result, session, tool, error', () => {
    for (const [kind, secret] of SENSITIVE) {
      const record = spanRecord({
        status: 2,
        message: `failed with ${secret}`,
        attributes: {
          'gen_ai.operation.name': 'execute_tool',
          'gen_ai.tool.name': PERSONAL.has(kind) ? 'send' : `send ${secret}`,
          'gen_ai.tool.call.arguments': JSON.stringify({
            body: `Hi\n${secret}`,
            nested: JSON.stringify({ a: secret }),
          }),
          'gen_ai.tool.call.result': `ok\n${secret}\n`,
          'gen_ai.conversation.id': PERSONAL.has(kind) ? 's' : `s ${secret}`,
          'custom.note': `see ${secret}.`,
          'exception.message': secret,
        },
      })
      const fragment = setUp().intake.fragments([record], 'acme', OBSERVED_MS)[0]
      expect(fragment?.content?.arguments).toContain(`[masked:${kind}]`)
      expect(fragment?.content?.result).toContain(`[masked:${kind}]`)
      expect(fragment?.attributes?.['custom.note']).toBe(`see [masked:${kind}].`)
      expect(JSON.stringify(fragment)).not.toContain(secret)
    }
  })

  test('a session named by a token stays itself', () => {
    const [a, b] = [0, 1].map(
      (i) => one({ role: 'event', session_id: `ghp_${ALPHANUMERIC.slice(i, i + 36)}` }).session_id,
    )
    expect(a).toMatch(/^\[masked:github-token\]#[0-9a-f]{16}$/)
    expect(a).not.toBe(b)
    expect(one({ role: 'event', session_id: 'x password=hunter2' }).session_id).toBe('x password=[masked:password]')
  })

  test('who acted stays, with an e-mail address for an id', () => {
    const principal = { kind: 'human', id: 'jane@example.com' } as const
    expect(one({ role: 'event', principal }).principal).toEqual(principal)
  })

  test('who called stays, but for a key in a name', () => {
    const key = `ghp_${ALPHANUMERIC.slice(0, 36)}`
    const callers = ['codex', `codex/${key}`].map((id) => ({ kind: 'agent', id }) as const)
    const { callers: kept } = one({ role: 'event', callers })
    expect(kept?.map(({ id }) => id)).toEqual(['codex', expect.stringMatching(/^codex\/\[masked:github-token\]#/)])
  })
})
