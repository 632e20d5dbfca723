import { describe, expect, test } from 'vitest'
import { endsLikeSecret, isSecretName, meaningOf } from './secret-names.ts'

const SECRET =
  `password PASSWORD passwd DB_PASSWORD dbPassword user-pwd DB_PASS passphrase passcode secret client_secret
  clientSecret CLIENT_SECRETS api_key apiKey X-Api-Key apikeys token access_token refreshToken GITHUB_TOKEN credential
  credentials aws_secret_access_key private_key AccountKey SharedAccessKey authorization Proxy-Authorization
  connectionString connection_string cvv cvc2 ssn otp totp sas _auth bearer jwt dsn pw license_key masterKey
  app.settings.password`.split(/\s+/)
const PLAIN = `max_tokens token_count next_page_token eos_token inputToken input_tokens key id name password_changed_at
  tokenizer secretary keyboard primary_key foreign_key partition_key monkey has_password reset_password kansas bypass
  compass author authority pass user`.split(/\s+/)

describe('isSecretName', () => {
  test.each(SECRET)('%s is', (name) => {
    expect(isSecretName(name)).toBe(true)
  })

  test.each(PLAIN)('%s is not', (name) => {
    expect(isSecretName(name)).toBe(false)
  })
})

test('some names mean a secret only where they stand', () => {
  expect(meaningOf('pass')).toBe('pass')
  expect(meaningOf('Key')).toBe('key')
  expect(meaningOf('X-Amz-Signature')).toBe('query')
  expect(meaningOf('Set-Cookie')).toBe('cookie')
})

test('no name that means something is passed over for its ending', () => {
  const names = [...SECRET, 'pass', 'key', 'sig', 'signature', 'code', 'auth', 'hmac', 'sign', 'cookie', 'Cookie2']
  for (const name of [...names, 'X-Amz-Credential', 'X-Goog-Signature']) {
    expect([name, endsLikeSecret(name.charCodeAt(name.length - 2), name.charCodeAt(name.length - 1))]).toEqual([
      name,
      true,
    ])
  }
})
