import { afterEach, describe, expect, it } from 'vitest'
import { callCalls, callRequest } from '../../test/one-call.ts'
import type { Collector } from '../collector.ts'
import { startOtlpGrpc } from './grpc.ts'
import { startOtlpHttp } from './http.ts'
import { InFlight } from './in-flight.ts'
import { Ledger } from './ledger.contract.ts'

let door: Collector | undefined
afterEach(() => door?.close())

describe('what is in flight', () => {
  it('is bounded, but one that is alone always fits', () => {
    const inFlight = new InFlight(100)
    const large = inFlight.claim()
    expect([inFlight.admits(1000), large.add(1000)]).toEqual([true, true])
    const small = inFlight.claim()
    expect([inFlight.admits(1), small.add(1)]).toEqual([false, false])
    large.release()
    expect([inFlight.admits(1), small.add(1)]).toEqual([true, true])
  })

  it('goes on to its end when those behind the doors fall back, but nothing more comes in', () => {
    let isBehind = false
    const inFlight = new InFlight(100, () => isBehind)
    const claim = inFlight.claim()
    expect(claim.add(10)).toBe(true)
    isBehind = true
    expect([inFlight.admits(1), claim.add(10)]).toEqual([false, true])
  })

  it('is told to senders over HTTP as 503 with Retry-After, before their body is read, until it is over', async () => {
    const ledger = new Ledger()
    let isBehind = true
    door = await startOtlpHttp({ ...ledger.doorOptions, inFlight: new InFlight(1000, () => isBehind) })
    const post = () =>
      fetch(`${door?.address}/v1/traces`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{"resourceSpans":[]}',
      })
    const refused = await post()
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1'])
    isBehind = false
    expect((await post()).status).toBe(200)
  })

  it('is told to senders over gRPC, too', async () => {
    let isBehind = true
    door = await startOtlpGrpc({ ...new Ledger().doorOptions, inFlight: new InFlight(10_000, () => isBehind) })
    const unavailable = 14
    expect(await callCalls(door.address, callRequest())).toBe(unavailable)
    isBehind = false
    expect(await callCalls(door.address, callRequest())).toBe(0)
  })
})
