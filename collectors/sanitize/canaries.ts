/** Made-up secrets and personal data of every kind, for tests that look for them where they must not be. */

import { checksumOf } from './key-checks.ts'

/** What random keys look like. */
export const ALPHANUMERIC = 'a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0u1V2w3X4y5Z6a7B8c9D0e1F2g3H4i5J6k7L8'
const HEX = '0123456789abcdef'.repeat(8)
/** Parts are joined at run time, so that no scanner takes this file for a leak. */
export const key = (prefix: string, length: number, alphabet = ALPHANUMERIC) => prefix + alphabet.slice(0, length)

/** As GitHub and npm make them: the random part, and its checksum. */
const checked = (prefix: string) => `${key(prefix, 30)}${checksumOf(key('', 30))}`
const JOSE = Buffer.from('{"alg":"HS256","typ":"JWT"}').toString('base64url')

/** A secret or piece of personal data of every kind, by the name of its placeholder. */
export const SENSITIVE: readonly (readonly [kind: string, secret: string])[] = [
  ['aws-access-key', key('AKIA', 16, 'J5QK7N2VXR4TDWZE')],
  ['gcp-api-key', key('AIza', 35)],
  ['gcp-oauth-token', key('ya29.', 40)],
  ['github-token', checked('ghp_')],
  ['github-token', key('github_pat_', 60)],
  ['gitlab-token', key('glpat-', 20)],
  ['slack-token', key('xoxb-', 24, '123456789012-abcdefghijkl')],
  ['stripe-key', key('sk_live_', 24)],
  ['openai-key', key('sk-proj-', 48)],
  ['openai-key', key('sk-', 48)],
  ['anthropic-key', key('sk-ant-api03-', 60)],
  ['model-vendor-key', key('hf_', 34)],
  ['npm-token', checked('npm_')],
  ['pypi-token', key('pypi-', 60)],
  ['sendgrid-key', `${key('SG.', 22)}.${key('', 43)}`],
  ['twilio-key', key('SK', 32, HEX)],
  ['vault-token', key('hvs.', 24)],
  ['telegram-token', key('123456789:', 35)],
  ['jwt', `${JOSE}.${key('eyJ', 40)}.${key('', 43)}`],
  ['email', 'jane.doe+test@mail.example.com'],
  ['email', 'jörg@müller.example'],
  ['phone', '+49 151 23456789'],
  ['phone', '(415) 555-0132'],
  ['phone', '415-555-0132'],
  ['payment-card', '4111 1111 1111 1111'],
  ['payment-card', '5500000000000004'],
  ['payment-card', '3782-822463-10005'],
  ['iban', 'DE89 3704 0044 0532 0130 00'],
  ['iban', 'GB29NWBK60161331926819'],
  ['us-ssn', '536-90-4399'],
  ['us-ssn', '912-70-1234'],
  ['us-ssn', '000-00-0000'],
]
