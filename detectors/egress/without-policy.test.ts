import { describe, expect, it } from 'vitest'
import type { Destination } from '../../schema/telemetry.ts'
import { event, examplePolicy } from '../arbitrary.ts'
import { egress } from '../egress.ts'

function judge(host: string, policy?: string, more: Partial<Destination> = {}) {
  const call = event({ operation: 'egress', destinations: [{ host, seen_in: 'network', ...more }] })
  return egress.check(call, egress.initial(), { policy: policy === undefined ? undefined : examplePolicy(policy) })
}

describe('egress of an agent without a policy', () => {
  it.each([
    ['x1.webhook.site', 'medium'],
    ['pastebin.com', 'medium'],
    ['transfer.sh', 'medium'],
    ['abc123.ngrok-free.app', 'medium'],
    ['abc.onion.ws', 'medium'],
    ['home.duckdns.org', 'low'],
    ['bafy.ipfs.dweb.link', 'low'],
    ['169.254.169.254', 'medium'],
    ['8.8.4.4', 'low'],
  ])('knows %s for carrying data out', (host, severity) => {
    expect(judge(host)).toMatchObject([{ severity }])
  })

  it.each(['api.example.com', 'github.com', 'localhost', '10.1.2.3', 'mypastebinder.example.com', 'a b'])(
    'is silent about %s',
    (host) => {
      expect(judge(host)).toEqual([])
    },
  )

  it('leaves the word to an egress policy, and is silent under one that is off', () => {
    expect(judge('pastebin.com', 'egress: { allow: [pastebin.com] }')).toEqual([])
    expect(judge('pastebin.com', 'egress: { allow: [example.com] }')).toMatchObject([{ severity: 'high' }])
    expect(judge('pastebin.com', 'mode: off\negress: { allow: [example.com] }')).toEqual([])
    expect(judge('pastebin.com', 'tools: { allow: [x] }')).toHaveLength(1)
  })

  it.each(['egress: { ports: [443] }', 'egress: { methods: [GET, POST] }', 'egress: { deny: [files.example.com] }'])(
    'goes on under a policy that lists no hosts: %s',
    (section) => {
      expect(judge('pastebin.com', section, { port: 443, method: 'POST' })).toMatchObject([
        {
          severity: 'medium',
          reason: expect.stringContaining('its policy does not list where it may send data'),
          silence: "policies/example.yml: list in egress.allow where the agent may send data ('*': anywhere)",
        },
      ])
      expect(judge('api.example.com', section, { port: 443, method: 'POST' })).toEqual([])
    },
  )

  it('gives way to what such a policy refuses, and to one that allows every host', () => {
    expect(judge('pastebin.com', 'egress: { ports: [443] }', { port: 22 })).toMatchObject([
      { evidence: { rule: 'port' } },
    ])
    expect(judge('pastebin.com', "egress: { allow: ['*'], ports: [443] }", { port: 443 })).toEqual([])
  })

  it('says one thing of one domain, with what would silence it', () => {
    const hosts = ['a.webhook.site', 'b.webhook.site'].map((host) => ({ host }))
    const found = egress.check(event({ destinations: hosts }), egress.initial(), { policy: undefined })
    expect(found).toHaveLength(1)
    expect(found[0]).toMatchObject({
      silence: expect.stringContaining('egress.allow'),
      evidence: { seen_in: 'argument' },
    })
  })
})
