/** What no gRPC client sends. Each ends in its status or a hang-up, counted once, and the next good call is taken. */
import { once } from 'node:events'
import { connect as connectHttp2 } from 'node:http2'
import { connect } from 'node:net'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { startOtlpGrpc } from './grpc.ts'
import { callGrpc, frame, GOOD, raw, TRACES } from './grpc-client.contract.ts'
import {
  callHeaders,
  END_HEADERS,
  END_STREAM,
  type Ending,
  FRAME,
  framesOf,
  http2Frame,
  PREFACE,
  speakHttp2,
  uint32,
} from './http2-frames.contract.ts'
import { useDoor } from './ledger.contract.ts'

const MEBIBYTE = 1024 * 1024
const house = useDoor(startOtlpGrpc)

/** A good call is taken, and what came before it ended in these outcomes. */
async function expectOpen(address: string, outcomes: Readonly<Record<string, number>>): Promise<void> {
  await expect.poll(() => house.ledger.outcomes).toEqual(outcomes)
  expect(await callGrpc(address, GOOD)).toEqual(Buffer.alloc(0))
  expect(house.ledger.outcomes).toEqual({ ...outcomes, accepted: (outcomes.accepted ?? 0) + 1 })
}

describe('a call', () => {
  const TAKEN = { accepted: 1 }
  const UNREADABLE = { 'rejected:unreadable-request': 1 }
  const UNDECODABLE = { 'rejected:undecodable-request': 1 }
  const gzip = { 'grpc-encoding': 'gzip' }
  const half = gzipSync(GOOD).subarray(0, -9)
  const trailing = Buffer.concat([gzipSync(GOOD), Buffer.from('trailing')])
  const members = Buffer.concat([gzipSync(GOOD), gzipSync(GOOD)])
  /** The status, and what is counted. */
  const cases: [string, Buffer[], Record<string, string>, string, Record<string, number>][] = [
    ['a length prefix of 4 GiB', [frame(GOOD, 0, 0xffffffff)], {}, '8', UNREADABLE],
    ['a compressed flag without an encoding: it is read as it stands', [frame(GOOD, 1)], {}, '0', TAKEN],
    ['a compressed flag of 2: it is read as it stands', [frame(GOOD, 2)], gzip, '0', TAKEN],
    ['an encoding that is unknown', [frame(GOOD, 1)], { 'grpc-encoding': 'x' }, '12', UNREADABLE],
    ['another encoding than it has', [frame(gzipSync(GOOD), 1)], { 'grpc-encoding': 'deflate' }, '13', UNREADABLE],
    ['gzip that is none', [frame(GOOD, 1)], gzip, '13', UNREADABLE],
    ['gzip that is cut off', [frame(half, 1)], gzip, '13', UNREADABLE],
    ['gzip with trailing bytes', [frame(trailing, 1)], gzip, '13', UNREADABLE],
    ['gzip of several members', [frame(members, 1)], gzip, '0', { accepted: 2 }],
    ['gzip in gzip', [frame(gzipSync(gzipSync(GOOD)), 1)], gzip, '3', UNDECODABLE],
    ['no message', [], {}, '12', UNREADABLE],
    ['two messages', [frame(GOOD), frame(GOOD)], {}, '12', UNREADABLE],
    ['half a message', [frame(GOOD, 0, GOOD.length + 1)], {}, '12', UNREADABLE],
    ['a timeout of ages', [frame(GOOD)], { 'grpc-timeout': '99999999H' }, '0', TAKEN],
    ['a timeout that is none', [frame(GOOD)], { 'grpc-timeout': 'x' }, '13', UNREADABLE],
    ['another content type', [frame(GOOD)], { 'content-type': 'application/json' }, 'http 415', {}],
    ['another method', [], { ':method': 'GET' }, '12', UNREADABLE],
    ['another path', [frame(GOOD)], { ':path': '/' }, '12', {}],
    ['a header __proto__', [frame(GOOD)], { __proto__x: 'x', 'x-bin': '!!' }, '0', TAKEN],
  ]
  it.each(cases)('with %s is answered', async (_name, frames, headers, status, outcomes) => {
    const address = await house.open()
    expect(await raw(address, frames, headers)).toBe(status)
    await expectOpen(address, outcomes)
  })

  it('whose message comes byte by byte has no more time for that', async () => {
    const address = await house.open({ limits: { requestMs: 200 } })
    const bytes = [...frame(GOOD, 0, 1000)].map((byte) => http2Frame(FRAME.data, 0, 1, Uint8Array.of(byte)))
    await new Promise((resolve) => {
      const socket = connect(Number(new URL(address).port), '127.0.0.1')
      socket.write(Buffer.concat([PREFACE, http2Frame(FRAME.headers, END_HEADERS, 1, callHeaders())]))
      const dripping = setInterval(() => socket.write(bytes.shift() ?? ''), 10)
      let received = Buffer.alloc(0)
      socket.on('data', (chunk: Buffer) => {
        received = Buffer.concat([received, chunk])
        if (framesOf(received).some(({ type, stream }) => type === FRAME.headers && stream === 1)) {
          socket.destroy()
        }
      })
      socket.on('close', () => {
        clearInterval(dripping)
        resolve(undefined)
      })
    })
    await expectOpen(address, { 'rejected:incomplete-request': 1 })
  })

  it('that was ended for being slow is not taken when its end comes after all', async () => {
    const address = await house.open({ limits: { requestMs: 100 } })
    const session = connectHttp2(address)
    const stream = session.request({ ':method': 'POST', ':path': TRACES, 'content-type': 'application/grpc' })
    stream.on('error', () => {}).resume()
    stream.write(frame(GOOD))
    const [headers] = (await once(stream, 'response')) as [Record<string, string>]
    expect(headers['grpc-status']).toBe('4')
    stream.end()
    await new Promise((resolve) => {
      session.ping(resolve)
    })
    session.destroy()
    await expectOpen(address, { 'rejected:incomplete-request': 1 })
  })
})

describe('a connection', () => {
  it.each([
    ['HTTP/1', 'POST /v1/traces HTTP/1.1\r\nhost: x\r\n\r\n'],
    ['the page of another server', 'HTTP/1.1 404 Not Found\r\ncontent-length: 9\r\n\r\nnot found'],
    ['a TLS greeting', '\x16\x03\x01\x02\x00'],
    ['zeros', '\0'.repeat(100)],
  ])('that speaks %s is hung up on', async (_name, text) => {
    const address = await house.open()
    const { ending } = await speakHttp2(address, Buffer.from(text, 'latin1'))
    expect(ending).toMatch(/hung up|goodbye/)
    await expectOpen(address, {})
  })

  const many = (count: number, make: (stream: number) => Buffer) =>
    Buffer.concat(Array.from({ length: count }, (_, index) => make(2 * index + 1)))
  const times = (count: number, bytes: Buffer) => Buffer.concat(new Array<Buffer>(count).fill(bytes))
  const opened = (stream: number) => http2Frame(FRAME.headers, END_HEADERS, stream, callHeaders())
  const whole = (stream: number, headers?: Record<string, string>) =>
    Buffer.concat([
      http2Frame(FRAME.headers, END_HEADERS, stream, callHeaders(headers)),
      http2Frame(FRAME.data, END_STREAM, stream, frame(GOOD)),
    ])
  const begun = http2Frame(FRAME.headers, 0, 1, callHeaders())
  const wider = http2Frame(FRAME.windowUpdate, 0, 0, uint32(0x7fffffff))
  const floods: [string, Buffer, Ending, Record<string, number>][] = [
    ['a call without te: trailers: it is taken', whole(1, {}), 'echo', { accepted: 1 }],
    ['settings', times(100_000, http2Frame(FRAME.settings, 0, 0)), 'goodbye', {}],
    ['pings', times(100_000, http2Frame(FRAME.ping, 0, 0, Buffer.alloc(8))), 'goodbye', {}],
    [
      'continuations of its headers',
      Buffer.concat([begun, times(100_000, http2Frame(FRAME.continuation, 0, 1, Buffer.from([0, 1, 0x78, 1, 0x79])))]),
      'goodbye',
      {},
    ],
    [
      'continuations that hold nothing',
      Buffer.concat([begun, times(100_000, http2Frame(FRAME.continuation, 0, 1))]),
      'goodbye',
      {},
    ],
    ['a window that overflows', times(2, wider), 'goodbye', {}],
    ['a window that does not grow', http2Frame(FRAME.windowUpdate, 0, 0, uint32(0)), 'goodbye', {}],
    // Those beyond a hundred at one time are never looked at: HTTP/2 says so itself, and clients send them again.
    ['1,000 calls at once', many(1000, whole), 'echo', { accepted: 100 }],
    [
      '1,000 calls that never go on',
      many(1000, opened),
      'echo',
      { 'refused:unavailable': 68, 'rejected:unreadable-request': 32 },
    ],
  ]
  it.each(floods)('of %s', async (_name, bytes, expected, outcomes) => {
    const address = await house.open()
    const before = process.memoryUsage().rss
    const { ending } = await speakHttp2(address, Buffer.concat([PREFACE, bytes]))
    expect(ending).toBe(expected)
    await expectOpen(address, outcomes)
    // And of a client that reads nothing while it sends, so that what it is owed must wait somewhere.
    const deaf = await speakHttp2(address, Buffer.concat([PREFACE, bytes]), { deaf: true })
    expect(deaf.ending).toBe(expected)
    expect(process.memoryUsage().rss - before).toBeLessThan(100 * MEBIBYTE)
    expect(await callGrpc(address, GOOD)).toEqual(Buffer.alloc(0))
  })

  it.each([
    ['says nothing', Buffer.from('P')],
    ['makes no calls', PREFACE],
    [
      'was bidden goodbye',
      Buffer.concat([
        PREFACE,
        many(2000, (id) => Buffer.concat([opened(id), http2Frame(FRAME.reset, 0, id, uint32(8))])),
      ]),
    ],
  ])('that %s and does not hang up is cut off', async (_name, bytes) => {
    const address = await house.open({ limits: { idleMs: 50 } })
    await new Promise((resolve) => {
      const socket = connect({ port: Number(new URL(address).port), host: '127.0.0.1', allowHalfOpen: true })
      socket.on('error', () => {}).resume()
      socket.on('end', () => {
        // Only who still sends learns that nobody is there.
        const dripping = setInterval(() => socket.write('\0'), 10)
        socket.on('close', () => {
          clearInterval(dripping)
          resolve(undefined)
        })
      })
      socket.write(bytes)
    })
    expect(await callGrpc(address, GOOD)).toEqual(Buffer.alloc(0))
  })

  it('of calls that are taken back as soon as they were made is bidden goodbye', async () => {
    const address = await house.open()
    const before = process.memoryUsage().rss
    const takenBack = many(20_000, (stream) =>
      Buffer.concat([opened(stream), http2Frame(FRAME.reset, 0, stream, uint32(8))]),
    )
    const { ending } = await speakHttp2(address, Buffer.concat([PREFACE, takenBack]))
    expect(ending).toBe('goodbye')
    expect(process.memoryUsage().rss - before).toBeLessThan(100 * MEBIBYTE)
    expect(await callGrpc(address, GOOD)).toEqual(Buffer.alloc(0))
    expect(Object.keys(house.ledger.outcomes).sort()).toEqual(['accepted', 'rejected:unreadable-request'])
    expect(house.ledger.outcomes['rejected:unreadable-request']).toBeLessThan(2000)
  })
})
