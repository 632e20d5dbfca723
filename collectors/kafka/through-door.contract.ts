/** For tests: what the door of OTLP/HTTP makes of bodies, to hold what is read from topics against. */
import { expect } from 'vitest'
import type { Fragment } from '../../schema/fragment.ts'
import { setUp } from '../../test/intake-saying.ts'
import { startOtlpHttp } from '../otlp/http.ts'
import { post } from '../otlp/http-client.contract.ts'
import { INPUT } from './running-collector.contract.ts'

export type Encoding = 'otlp_proto' | 'otlp_json'

/** What is sent: a request at a door, a message on a topic. */
export interface Body {
  readonly signal: 'traces' | 'logs'
  readonly bytes: Uint8Array
}

/** What became of it. */
export interface Taken {
  readonly fragments: readonly Fragment[]
  readonly ends: Readonly<Record<string, number>>
  readonly received: Readonly<Record<string, number>>
}

/** Sends all of them, one after the other, and expects them to be accepted. */
export async function throughDoor(bodies: readonly Body[], encoding: Encoding): Promise<Taken> {
  const { intake, published, counted } = setUp()
  const received: Record<string, number> = {}
  const door = await startOtlpHttp({
    host: '127.0.0.1',
    port: 0,
    intake,
    authenticate: () => ({ tenantId: INPUT.tenant }),
    count: (outcome, records) => counted.set(outcome, (counted.get(outcome) ?? 0) + records),
    received: (signal, records) => {
      received[signal] = (received[signal] ?? 0) + records
    },
  })
  const type = { 'content-type': encoding === 'otlp_proto' ? 'application/x-protobuf' : 'application/json' }
  for (const { signal, bytes } of bodies) {
    expect(await post(door.address, Buffer.from(bytes), type, `/v1/${signal}`)).toMatchObject({ status: 200 })
  }
  await door.close()
  return { fragments: published, ends: Object.fromEntries(counted), received }
}
