import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { Misconfigured, Rejected, Unavailable } from '../../schema/errors.ts'
import { exampleNotice } from '../../test/example-alert.ts'
import type { LookupAll } from './sink.ts'
import { sign } from './webhook/signature.ts'
import { BODY_LIMIT, parseRetryAfter, type WebhookConfig, webhook, webhookBody } from './webhook.ts'

const SECRET = 'whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE='
const OTHER = 'whsec_YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXphYmNkZWY='
const forever = new AbortController().signal
const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) {
    close()
  }
})

async function receiver(listener: RequestListener, onConnection?: (socket: Socket) => void): Promise<string> {
  const server = createServer(listener)
  if (onConnection !== undefined) {
    server.on('connection', onConnection)
  }
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  closers.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`
}

function open(changes: Partial<WebhookConfig>, lookup?: LookupAll) {
  const config = { type: 'webhook' as const, name: 'siem', url: '', secret: SECRET, allow: ['127.0.0.0/8'], ...changes }
  const sink = webhook.open(config, {
    version: '1.2.3',
    dataDirectory: '.',
    ...(lookup === undefined ? {} : { lookup }),
  })
  closers.push(() => void sink.close?.())
  return sink
}
async function failure(changes: Partial<WebhookConfig>, lookup?: LookupAll): Promise<unknown> {
  try {
    await open(changes, lookup).write(exampleNotice(), forever)
    return undefined
  } catch (error) {
    return error
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) {
    chunks.push(chunk as Buffer)
  }
  return Buffer.concat(chunks).toString('utf8')
}

describe('signature', () => {
  it('agrees with the test vector of Standard Webhooks', () => {
    const secret = Buffer.from('MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'base64')
    expect(sign([secret], 'msg_p5jXN8AQM9LWM0D4loKWxJek', 1614265330, '{"test": 2432232314}')).toBe(
      'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    )
  })
})

describe('webhook request', () => {
  it('carries id, time and one signature for each secret over the very bytes', async () => {
    const seen: { headers: IncomingMessage['headers']; body: string }[] = []
    const url = await receiver(async (request, response) => {
      seen.push({ headers: request.headers, body: await bodyOf(request) })
      response.writeHead(200).end('ok')
    })
    const sink = open({ url, previous_secret: OTHER })
    await sink.write(exampleNotice(), forever)
    await sink.write(exampleNotice(), forever)
    const [first, second] = seen
    expect(first?.headers['content-type']).toBe('application/json')
    expect(first?.headers['user-agent']).toBe('Telltale/1.2.3')
    expect(first?.headers['webhook-id']).toBe(exampleNotice().notice_id)
    const secrets = [SECRET, OTHER].map((text) => Buffer.from(text.slice('whsec_'.length), 'base64'))
    const timestampS = Number(first?.headers['webhook-timestamp'])
    expect(Math.abs(timestampS - Date.now() / 1000)).toBeLessThan(60)
    expect(first?.headers['webhook-signature']).toBe(
      sign(secrets, exampleNotice().notice_id, timestampS, first?.body ?? ''),
    )
    expect(second?.body).toBe(first?.body)
    expect(JSON.parse(first?.body ?? '')).toMatchObject({
      type: 'alert.created',
      timestamp: new Date(exampleNotice().alert.time_ms).toISOString(),
      data: { alert_id: exampleNotice().alert.alert_id },
    })
  })

  it('stays below 20 kB by leaving findings and long evidence out, and says so', () => {
    const [finding] = exampleNotice().alert.findings
    if (finding === undefined) {
      throw new Error('the example has a finding')
    }
    const evidence = Object.fromEntries(
      Array.from({ length: 24 }, (_, n) => [`untrusted_${'a'.repeat(n + 1)}`, 'x'.repeat(2000)]),
    )
    const body = webhookBody(
      exampleNotice(1, { findings: Array.from({ length: 20 }, () => ({ ...finding, evidence })) }),
    )
    expect(Buffer.byteLength(body)).toBeLessThanOrEqual(BODY_LIMIT)
    expect(JSON.parse(body).data.findings_omitted).toBe(19)
  })
})

describe('webhook answers', () => {
  const answers: [number, 'ok' | typeof Unavailable | typeof Rejected][] = [
    [200, 'ok'],
    [202, 'ok'],
    [204, 'ok'],
    [301, Unavailable],
    [302, Unavailable],
    [400, Rejected],
    [401, Unavailable],
    [403, Unavailable],
    [404, Unavailable],
    [408, Unavailable],
    [410, Rejected],
    [413, Rejected],
    [422, Rejected],
    [429, Unavailable],
    [500, Unavailable],
    [502, Unavailable],
    [503, Unavailable],
    [504, Unavailable],
  ]
  it.each(answers)('%i', async (status, meaning) => {
    const url = await receiver((_request, response) => {
      response.writeHead(status, { location: 'http://127.0.0.1:1/elsewhere' }).end()
    })
    const error = await failure({ url })
    if (meaning === 'ok') {
      expect(error).toBeUndefined()
    } else {
      expect(error).toBeInstanceOf(meaning)
    }
  })

  it('never follows a redirect', async () => {
    const paths: (string | undefined)[] = []
    const url = await receiver((request, response) => {
      paths.push(request.url)
      response.writeHead(307, { location: '/secret' }).end()
    })
    expect(await failure({ url })).toBeInstanceOf(Unavailable)
    expect(paths).toEqual(['/hook'])
  })

  it('hears Retry-After', async () => {
    const url = await receiver((_request, response) => void response.writeHead(429, { 'retry-after': '17' }).end())
    expect(await failure({ url })).toMatchObject({ retryAfterMs: 17_000 })
  })

  it.each([
    ['17', 17_000],
    ['Thu, 01 Jan 1970 00:00:30 GMT', 20_000],
    ['Thu, 01 Jan 1970 00:00:01 GMT', 0],
    ['-5', 0],
    ['999999999', 86_400_000],
    ['soon', 0],
    ['1e99', 0],
  ])('reads Retry-After %s', (value, ms) => {
    expect(parseRetryAfter(value, 10_000)).toBe(ms)
  })

  it('does not read an endless answer to its end', async () => {
    const url = await receiver((_request, response) => {
      response.writeHead(200)
      const pour = () => {
        while (response.write(Buffer.alloc(65_536))) {}
        response.once('drain', pour)
      }
      pour()
    })
    expect(await failure({ url })).toBeUndefined()
  })

  it.each<[string, RequestListener]>([
    ['no answer at all', (request) => void request.socket.destroy()],
    ['a connection reset', (request) => void request.socket.resetAndDestroy()],
    ['half a status line', (request) => void request.socket.end('HTTP/1.1 20')],
    ['something that is not HTTP', (request) => void request.socket.end('SSH-2.0-OpenSSH_9.9\r\n')],
    ['half a body', (request) => void request.socket.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nok')],
  ])('calls %s unavailable', async (_name, listener) => {
    expect(await failure({ url: await receiver(listener) })).toBeInstanceOf(Unavailable)
  })

  it('gives up when it is told to stop while the receiver hangs', async () => {
    const url = await receiver(() => undefined)
    const stop = new AbortController()
    const writing = open({ url }).write(exampleNotice(), stop.signal)
    setTimeout(() => stop.abort(), 50)
    await expect(writing).rejects.toThrow()
  })

  it('calls a refused connection unavailable', async () => {
    expect(await failure({ url: 'http://127.0.0.1:1/hook' })).toBeInstanceOf(Unavailable)
  })
})

describe('webhook targets', () => {
  const resolvesTo =
    (...addresses: string[]): LookupAll =>
    async () =>
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
  const refused = { name: 'Unavailable', message: expect.stringMatching(/^refused: /) }

  it.each([
    'https://127.0.0.1/',
    'https://0/',
    'https://0.0.0.0/',
    'https://127.1/',
    'https://2130706433/',
    'https://0x7f.1/',
    'https://0177.0.0.1/',
    'https://[::1]/',
    'https://[::]/',
    'https://[::ffff:127.0.0.1]/',
    'https://[::ffff:7f00:1]/',
    'https://[64:ff9b::7f00:1]/',
    'https://[2002:7f00:1::]/',
    'https://[2001:0:7f00:1::]/',
    'https://[fe80::1]/',
    'https://[fc00::1]/',
    'https://[ff02::1]/',
    'https://169.254.169.254/latest/meta-data/',
    'https://10.0.0.1/',
    'https://172.16.0.1/',
    'https://192.168.1.1/',
    'https://100.64.0.1/',
    'https://198.18.0.1/',
    'https://224.0.0.1/',
    'https://255.255.255.255/',
    'https://\uff11\uff12\uff17.0.0.1/',
    'https://127\u30020\u30020\u30021/',
  ])('refuses %s, at start and, where other networks are allowed, at every attempt', async (url) => {
    expect(await failure({ url, allow: [] })).toBeInstanceOf(Misconfigured)
    expect(await failure({ url, allow: ['203.0.113.0/24'] })).toMatchObject(refused)
  })

  it.each([
    ['a name that resolves to loopback', ['127.0.0.1']],
    ['a name with a public and a private address', ['93.184.216.34', '10.0.0.7']],
    ['a name with a public IPv4 and a private IPv6 address', ['93.184.216.34', 'fd00::1']],
    ['a name that resolves to cloud metadata', ['169.254.169.254']],
    ['a name without addresses', []],
  ])('refuses %s', async (_name, addresses) => {
    expect(await failure({ url: 'https://hooks.example.com/', allow: [] }, resolvesTo(...addresses))).toMatchObject(
      refused,
    )
  })

  it.each(['http://hooks.example.com/', 'https://hooks.example.com:22/', 'https://hooks.example.com:9092/'])(
    'refuses %s although its address is public',
    async (url) => {
      const allow = ['10.0.0.0/8']
      expect(await failure({ url, allow }, resolvesTo('93.184.216.34'))).toMatchObject(refused)
    },
  )

  it('connects to the address it checked, whatever the name says a moment later', async () => {
    let asked = 0
    const url = (await receiver((_request, response) => void response.writeHead(204).end())).replace(
      '127.0.0.1',
      'siem.test',
    )
    const rebinding: LookupAll = async () => {
      asked += 1
      return [{ address: asked === 1 ? '127.0.0.1' : '10.9.9.9', family: 4 }]
    }
    expect(await failure({ url }, rebinding)).toBeUndefined()
    expect(asked).toBe(1)
  })

  it('does not wait for a name server when it is told to stop', async () => {
    const stop = new AbortController()
    const writing = open({ url: 'https://hooks.example.com/' }, () => new Promise(() => undefined)).write(
      exampleNotice(),
      stop.signal,
    )
    setTimeout(() => stop.abort(), 20)
    await expect(writing).rejects.toBeInstanceOf(Unavailable)
  })

  it('calls a name that does not resolve unavailable', async () => {
    const error = await failure({ url: 'https://hooks.example.com/' }, () => Promise.reject(new Error('ENOTFOUND')))
    expect(error).toBeInstanceOf(Unavailable)
  })

  it.each([
    { url: 'ftp://example.com/' },
    { url: 'file:///etc/passwd' },
    { url: 'gopher://example.com/' },
    { url: 'not a url' },
    { url: 'http://hooks.example.com/', allow: [] },
    { url: 'https://user:pass@example.com/' },
    { url: 'https://example.com/', secret: 'short' },
    { url: 'https://example.com/', secret: 'whsec_!!!' },
    { url: 'https://example.com/', allow: ['10.0.0.0/99'] },
  ])('is misconfigured with %o', (changes) => {
    expect(() => open(changes)).toThrow(Misconfigured)
  })
})
