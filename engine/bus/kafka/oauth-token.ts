/** Tokens for brokers that want OAuth 2.0, by the client credentials grant (RFC 6749, section 4.4). */
import { Unavailable } from '../../../schema/errors.ts'
import type { KafkaSasl } from './settings.ts'

type OauthSasl = Extract<KafkaSasl, { readonly mechanism: 'oauthbearer' }>

const TIMEOUT_MS = 10_000

/**
 * Asks the token endpoint for a token; kafkajs calls it for every connection and before a session ends.
 *
 * @throws Unavailable when the endpoint does not give one.
 */
export async function oauthToken({ tokenUrl, clientId, clientSecret, scope }: OauthSasl): Promise<string> {
  const credentials = [clientId, clientSecret].map(encodeURIComponent).join(':')
  const body = new URLSearchParams({ grant_type: 'client_credentials', ...(scope === undefined ? {} : { scope }) })
  const authorization = `Basic ${Buffer.from(credentials).toString('base64')}`
  const where = `the token endpoint ${new URL(tokenUrl).host}`
  try {
    const answer = await fetch(tokenUrl, {
      method: 'POST',
      headers: { authorization, accept: 'application/json' },
      body,
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    const { access_token: token } = (await answer.json()) as { readonly access_token?: unknown }
    if (!answer.ok || typeof token !== 'string') {
      throw new Unavailable(`${where} answers ${answer.status} and gives no token`)
    }
    return token
  } catch (error) {
    throw error instanceof Unavailable ? error : new Unavailable(`${where} does not answer`, { cause: error })
  }
}
