/** That the bus is let in, and is told clearly when it is not. */
import { randomUUID } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { Misconfigured, Unavailable } from '../../../schema/errors.ts'
import { type Brokers, startBrokers } from '../../../test/kafka/brokers.ts'
import { type Security, unsignedToken } from '../../../test/kafka/security.ts'
import { drain, record, text } from '../consuming.contract.ts'
import { type KafkaBusOptions, openKafkaBus } from '../kafka.ts'
import type { KafkaSasl } from './settings.ts'

const { version } = inject('kafka')
const CLIENT = { clientId: 'telltale', clientSecret: 's3cret:with/colon' }

let brokers: Brokers
let tokens: Server
let tokenUrl: string

beforeAll(async () => {
  brokers = await startBrokers({ version, listeners: 'sasl_ssl' })
  tokens = createServer((request, response) => {
    const [id, secret] = Buffer.from(request.headers.authorization?.split(' ')[1] ?? '', 'base64')
      .toString()
      .split(':')
      .map(decodeURIComponent)
    const isKnown = id === CLIENT.clientId && secret === CLIENT.clientSecret
    response.writeHead(isKnown ? 200 : 401, { 'content-type': 'application/json' })
    response.end(JSON.stringify(isKnown ? { access_token: unsignedToken('telltale') } : { error: 'invalid_client' }))
  })
  await new Promise<void>((resolve) => tokens.listen(0, '127.0.0.1', resolve))
  tokenUrl = `http://127.0.0.1:${(tokens.address() as AddressInfo).port}/token`
})

afterAll(async () => {
  await brokers?.stop()
  tokens?.close()
})

const user = () => brokers.security as Security

function optionsWith(sasl: KafkaSasl | undefined, tls: KafkaBusOptions['tls'] = { ca: user().ca }): KafkaBusOptions {
  return {
    brokers: brokers.bootstrap,
    topicPrefix: `${randomUUID()}.`,
    partitions: 1,
    ...(tls === undefined ? {} : { tls }),
    ...(sasl === undefined ? {} : { sasl }),
  }
}

describe(`the bus on Kafka ${version}, over TLS`, () => {
  test.each(['plain', 'scram-sha-256', 'scram-sha-512'] as const)('is let in by %s, and works', async (mechanism) => {
    const { username, password } = user()
    await works(optionsWith({ mechanism, username, password }))
  })

  test('is let in by a token of the endpoint', async () => {
    await works(optionsWith({ mechanism: 'oauthbearer', tokenUrl, ...CLIENT }))
  })

  test.each(['plain', 'scram-sha-256', 'scram-sha-512'] as const)(
    'is told to check its credentials when %s refuses them',
    async (mechanism) => {
      const { username } = user()
      const opening = openKafkaBus(optionsWith({ mechanism, username, password: 'wrong' }))
      await expect(opening).rejects.toThrow(Misconfigured)
      await expect(opening).rejects.toThrow(/bus\.kafka\.sasl: Kafka refuses us.*check mechanism and credentials/s)
    },
  )

  test('says when the token endpoint gives none', async () => {
    const sasl = { mechanism: 'oauthbearer', tokenUrl, clientId: 'telltale', clientSecret: 'wrong' } as const
    const opening = openKafkaBus(optionsWith(sasl))
    await expect(opening).rejects.toThrow(Unavailable)
    await expect(opening).rejects.toThrow(/token endpoint 127\.0\.0\.1:\d+ answers 401 and gives no token/)
  })

  test('says that it does not trust the certificate', async () => {
    const { username, password } = user()
    const opening = openKafkaBus(optionsWith({ mechanism: 'plain', username, password }, true))
    await expect(opening).rejects.toThrow(/self-signed certificate/)
  })
})

async function works(options: KafkaBusOptions): Promise<void> {
  const bus = await openKafkaBus(options)
  try {
    await bus.append('events', [record('a', 'one')])
    const read = await drain(bus, { group: 'g', topic: 'events' }, 1)
    expect(read.map(({ value }) => text(value))).toEqual(['one'])
  } finally {
    await bus.close()
  }
}
