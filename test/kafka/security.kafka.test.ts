import { Kafka, logLevel, type SASLOptions } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { type Brokers, startBrokers } from './brokers.ts'
import { type Listeners, type Security, unsignedToken } from './security.ts'

const { version } = inject('kafka')

let brokers: Brokers

function startsWith(listeners: Listeners): void {
  beforeAll(async () => {
    brokers = await startBrokers({ version, listeners })
  })
  afterAll(() => brokers?.stop())
}

describe('brokers that speak TLS', () => {
  startsWith('ssl')

  test('let in who trusts their certificate', async () => {
    await expect(ask({})).resolves.toBe(1)
  })

  test('are not trusted by others', async () => {
    await expect(ask({ ca: [] })).rejects.toThrow(/self-signed certificate/)
  })
})

describe('brokers that speak SASL over TLS', () => {
  startsWith('sasl_ssl')

  test.each(['plain', 'scram-sha-256', 'scram-sha-512'] as const)(
    'let in by %s who knows the password',
    async (mechanism) => {
      const user = brokers.security as Security
      await expect(ask({ sasl: { mechanism, ...user } as SASLOptions })).resolves.toBe(1)
      const wrong = ask({ sasl: { mechanism, ...user, password: 'wrong' } as SASLOptions })
      await expect(wrong).rejects.toThrow(/authentication failed|invalid credentials/i)
    },
  )

  test('let in by oauthbearer who has a token', async () => {
    await expect(ask({ sasl: bearer(unsignedToken('someone')) })).resolves.toBe(1)
    // kafkajs takes the broker's refusal for a success, and finds out when the connection is closed.
    await expect(ask({ sasl: bearer('no.token.') })).rejects.toThrow(/No brokers in the broker pool/)
  })
})

function bearer(value: string): SASLOptions {
  return { mechanism: 'oauthbearer', oauthBearerProvider: async () => ({ value }) }
}

/** How many brokers the cluster has, as seen by a client with these credentials. */
async function ask({
  sasl,
  ca = brokers.security?.ca ?? [],
}: {
  sasl?: SASLOptions
  ca?: string | []
}): Promise<number> {
  const admin = new Kafka({
    brokers: [...brokers.bootstrap],
    logLevel: logLevel.NOTHING,
    retry: { retries: 0 },
    ssl: { ca },
    ...(sasl && { sasl }),
  }).admin()
  try {
    await admin.connect()
    return (await admin.describeCluster()).brokers.length
  } finally {
    await admin.disconnect()
  }
}
