/** Several requests of one connection, and connections that Node lets go of: no answer is taken for another's. */
import { connect } from 'node:net'
import { describe, expect, it } from 'vitest'
import { startOtlpHttp } from './http.ts'
import { exchange, GOOD, GOOD_JSON, head, post } from './http-client.contract.ts'
import { useDoor } from './ledger.contract.ts'

const house = useDoor(startOtlpHttp)
const JSON_TYPE = 'content-type: application/json'
const CHUNKED = 'transfer-encoding: chunked'
const REQUEST = head([JSON_TYPE, `content-length: ${GOOD_JSON.length}`]) + GOOD_JSON
const CONNECT = 'CONNECT x:80 HTTP/1.1\r\nhost: x\r\n\r\n'
const METHOD = { 'rejected:unknown-method': 1 }
const MALFORMED = { 'rejected:malformed-http': 1 }
const INCOMPLETE = { 'rejected:incomplete-request': 1 }

/** The status of every answer, in their order. */
const statuses = (answers: string) => [...answers.matchAll(/HTTP\/1\.1 (\d+) /g)].map(([, status]) => Number(status))

describe('the end of a connection waits for the answers that are owed', () => {
  it.each<[string, string, Record<string, number>, number[]]>([
    ['bytes that are no HTTP', '\0\0', MALFORMED, [400]],
    ['CONNECT', CONNECT, METHOD, [405]],
    ['CONNECT, and what it would have sent through', `${CONNECT}${'x'.repeat(100_000)}`, METHOD, [405]],
    ['a request of a broken chunk', `${head([JSON_TYPE, CHUNKED])}zz\r\n`, INCOMPLETE, [400]],
    [
      'a request that asks first and is told to go on, of a broken chunk',
      `${head([JSON_TYPE, CHUNKED, 'expect: 100-continue'])}zz\r\n`,
      INCOMPLETE,
      [100, 400],
    ],
    [
      'a request that was refused, of a broken chunk',
      `${head([CHUNKED], '/')}zz\r\n`,
      { 'rejected:unknown-path': 1 },
      [404],
    ],
  ])('%s', async (_name, bytes, outcomes, answered) => {
    const gate = house.ledger.gate()
    const address = await house.open({ intake: house.ledger.intakeThat(() => gate.opened) })
    const answers = exchange(address, [REQUEST + REQUEST + bytes])
    await expect.poll(() => gate.waiting).toBe(2)
    // A request whose body is not there is counted when its connection is closed.
    await expect.poll(() => house.ledger.outcomes).toEqual(outcomes === INCOMPLETE ? {} : outcomes)
    gate.open()
    expect(statuses(await answers)).toEqual([200, 200, ...answered])
    await expect.poll(() => house.ledger.outcomes).toEqual({ accepted: 2, ...outcomes })
  })

  it('and says nothing more when one of them was to be the last', async () => {
    const gate = house.ledger.gate()
    const address = await house.open({ intake: house.ledger.intakeThat(() => gate.opened) })
    const last = head([JSON_TYPE, `content-length: ${GOOD_JSON.length}`, 'connection: close']) + GOOD_JSON
    const answers = exchange(address, [`${last}\0\0`])
    await expect.poll(() => gate.waiting).toBe(1)
    await expect.poll(() => house.ledger.outcomes).toEqual(MALFORMED)
    gate.open()
    expect(statuses(await answers)).toEqual([200])
    await expect.poll(() => house.ledger.outcomes).toEqual({ accepted: 1, ...MALFORMED })
  })

  it('but not for longer than a closing door waits', async () => {
    const gate = house.ledger.gate()
    const intake = house.ledger.intakeThat(() => gate.opened)
    const address = await house.open({ intake, limits: { closeMs: 50 } })
    const answers = exchange(address, [REQUEST + CONNECT])
    await expect.poll(() => gate.waiting).toBe(1)
    await expect.poll(() => house.ledger.outcomes).toEqual(METHOD)
    await house.close()
    expect(await answers).toBe('')
    gate.open()
    await expect.poll(() => house.ledger.outcomes).toEqual({ accepted: 1, ...METHOD })
  })
})

describe('a connection that asks for CONNECT', () => {
  it('hears the answer although it first says everything that was to go through', async () => {
    const address = await house.open()
    const answer = await new Promise<string>((resolve) => {
      const socket = connect({ port: Number(new URL(address).port), host: '127.0.0.1', allowHalfOpen: true })
      let heard = ''
      socket.pause()
      socket.on('data', (chunk) => {
        heard += chunk.toString('latin1')
      })
      socket.on('error', () => {})
      socket.on('close', () => resolve(heard))
      socket.write(CONNECT)
      socket.end(Buffer.alloc(16 * 1024 * 1024), () => socket.resume())
    })
    expect(statuses(answer)).toEqual([405])
    expect(house.ledger.outcomes).toEqual(METHOD)
  })
})

describe('a connection that is reset', () => {
  const UPGRADE = head(['content-length: 9', 'connection: upgrade', 'upgrade: websocket'], '/')
  const cases: readonly (readonly [what: string, bytes: string, outcomes: Record<string, number>])[] = [
    ['after CONNECT', CONNECT, { 'rejected:unknown-method': 100 }],
    ['after a request and CONNECT', REQUEST + CONNECT, { accepted: 100, 'rejected:unknown-method': 100 }],
    ['after an upgrade', UPGRADE, { 'rejected:unknown-path': 100 }],
    ['after bytes that are no HTTP', '\0\0', { 'rejected:malformed-http': 100 }],
    ['in a body that was refused', `${head([CHUNKED], '/')}1\r\n`, { 'rejected:unknown-path': 100 }],
    [
      'before the body that was asked for',
      head([JSON_TYPE, 'content-length: 9', 'expect: 100-continue']),
      { 'rejected:incomplete-request': 100 },
    ],
  ]

  it.each(cases)('%s harms nobody, however often', async (_name, bytes, outcomes) => {
    const address = await house.open()
    const uncaught: unknown[] = []
    const note = (error: unknown) => uncaught.push(error)
    process.on('uncaughtExceptionMonitor', note)
    for (let round = 0; round < 50; round += 1) {
      await Promise.all([resetAfter(address, bytes, 'sent'), resetAfter(address, bytes, 'heard')])
    }
    await expect.poll(() => house.ledger.outcomes).toEqual(outcomes)
    expect(await post(address, GOOD)).toMatchObject({ status: 200 })
    process.off('uncaughtExceptionMonitor', note)
    expect(uncaught).toEqual([])
  })

  /** Sends bytes and breaks the connection, at once or with the first byte of an answer. */
  function resetAfter(address: string, bytes: string, when: 'sent' | 'heard'): Promise<void> {
    return new Promise((resolve) => {
      const socket = connect(Number(new URL(address).port), '127.0.0.1')
      socket.on('error', () => {})
      socket.on('close', () => resolve())
      socket.on('data', () => socket.resetAndDestroy())
      socket.write(bytes, () => (when === 'sent' ? socket.resetAndDestroy() : undefined))
    })
  }
})
