import { hash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ALPHANUMERIC, key, SENSITIVE } from './canaries.ts'
import { mask, maskSecrets } from './mask.ts'

const PRIVATE_KEY = `-----BEGIN RSA ${'PRIVATE'} KEY-----\nMIIE${`${ALPHANUMERIC.slice(0, 60)}\n`.repeat(4)}-----END RSA ${'PRIVATE'} KEY-----`

describe('mask replaces', () => {
  test.each(SENSITIVE)('%s: %s, wherever it stands', (kind, secret) => {
    const shown = `[masked:${kind}]`
    expect(mask(secret)).toBe(secret.match(/^\d+$/) ? `"${shown}"` : shown)
    expect(mask(`Use ${secret}, please.`)).toBe(`Use ${shown}, please.`)
    expect(mask(`(${secret})`)).toBe(`(${shown})`)
    expect(mask(`first\n${secret}\nlast`)).toBe(`first\n${shown}\nlast`)
    expect(mask(JSON.stringify({ text: `first\n${secret}\nlast` }))).toBe(
      JSON.stringify({ text: `first\n${shown}\nlast` }),
    )
    const nested = JSON.stringify({ body: JSON.stringify({ text: `a\t${secret}` }) })
    expect(mask(nested)).toBe(JSON.stringify({ body: JSON.stringify({ text: `a\t${shown}` }) }))
  })

  test('a private key, with line breaks plain or escaped, and when its end is missing', () => {
    expect(mask(`key:\n${PRIVATE_KEY}\nthanks`)).toBe('key:\n[masked:private-key]\nthanks')
    expect(mask(JSON.stringify({ pem: PRIVATE_KEY, user: 'x' }))).toBe('{"pem":"[masked:private-key]","user":"x"}')
    expect(mask(JSON.stringify({ pem: PRIVATE_KEY.slice(0, 150) }))).toBe('{"pem":"[masked:private-key]"}')
  })

  test.each([
    ['password=hunter2', 'password=[masked:password]'],
    ['password: hunter2, user: bob', 'password: [masked:password], user: bob'],
    ['PASSWORD = "correct horse"', 'PASSWORD = "[masked:password]"'],
    ["db_password='it is'; user='bob'", "db_password='[masked:password]'; user='bob'"],
    ['{"password":"a\\"b\\\\","user":"bob"}', '{"password":"[masked:password]","user":"bob"}'],
    [
      '{"q":"{\\"password\\":\\"a b\\",\\"user\\":\\"bob\\"}"}',
      '{"q":"{\\"password\\":\\"[masked:password]\\",\\"user\\":\\"bob\\"}"}',
    ],
    ['{"password": 12345, "user": 7}', '{"password": "[masked:password]", "user": 7}'],
    ['{"cmd":"export API_KEY=abc\\nls"}', '{"cmd":"export API_KEY=[masked:secret]\\nls"}'],
    ['apiKey: abcdef', 'apiKey: [masked:secret]'],
    ['API key: abcdef', 'API key: [masked:secret]'],
    ['aws_secret_access_key = wJalr/XUtn+FEMI', 'aws_secret_access_key = [masked:secret]'],
    ['//registry.example.com/:_authToken=abc', '//registry.example.com/:_authToken=[masked:secret]'],
    ['os.environ["DB_PASSWORD"] = "x1"', 'os.environ["DB_PASSWORD"] = "[masked:password]"'],
    ['Authorization: Bearer abc.def', 'Authorization: Bearer [masked:secret]'],
    [
      "curl -H 'Authorization: Basic dTpw' https://x.example",
      "curl -H 'Authorization: Basic [masked:secret]' https://x.example",
    ],
    ['{"Authorization": "Token abc"}', '{"Authorization": "Token [masked:secret]"}'],
    ['say Bearer abcdefghijklmnop+/123==', 'say Bearer [masked:credentials]'],
    ['Cookie: sid=1; csrf=2\nHost: x', 'Cookie: [masked:cookie]\nHost: x'],
    ['tool --password hunter2 --verbose', 'tool --password [masked:secret] --verbose'],
    ['tool --client-secret-key hunter2', 'tool --client-secret-key [masked:secret]'],
    ['curl -u bob:hunter2 https://x.example', 'curl -u bob:[masked:password] https://x.example'],
    ['https://x.example/a?b=1&api_key=SECRET&c=2', 'https://x.example/a?b=1&api_key=[masked:secret]&c=2'],
    ['https://x.example/a?sig=abc%2F&se=2', 'https://x.example/a?sig=[masked:secret]&se=2'],
    ['https://x.example/?X-Amz-Signature=0a1b', 'https://x.example/?X-Amz-Signature=[masked:secret]'],
    ['postgres://app:s3cr3t@db.example/x', 'postgres://[masked:userinfo]@db.example/x'],
    ['redis://:s3c@r3t@db:6379', 'redis://[masked:userinfo]@db:6379'],
    ['AccountName=a;AccountKey=abc==;EndpointSuffix=x', 'AccountName=a;AccountKey=[masked:secret];EndpointSuffix=x'],
    ['<password>hunter2</password>', '<password>[masked:secret]</password>'],
    ['password\\u003dhunter2', 'password=[masked:password]'],
    ['mail=jane%40example.com&x=1', 'mail=[masked:email]&x=1'],
    ['{"card":4111111111111111}', '{"card":"[masked:payment-card]"}'],
    ['{"a":"x 4111111111111111"}', '{"a":"x [masked:payment-card]"}'],
    [
      'https://hooks.slack.com/services/T00000000/B00000000/abcdefghijklmnopqrstuvwx',
      'https://hooks.slack.com/services/T00000000/B00000000/[masked:slack-webhook]',
    ],
  ])('%s', (text, masked) => {
    expect(mask(text)).toBe(masked)
  })
})

describe('a key that fails its check', () => {
  const unverified = [
    ['github-token', key('ghp_', 36)],
    ['npm-token', key('npm_', 36)],
    ['jwt', `${key('eyJ', 20)}.${key('eyJ', 40)}.${key('', 43)}`],
    ['aws-access-key', 'AKIAIOSFODNN7EXAMPLE'],
    ['openai-key', `sk-${'x'.repeat(40)}`],
    ['anthropic-key', 'sk-ant-your-key-goes-here'],
    ['private-key', PRIVATE_KEY.replace('MIIE', 'abcd')],
  ] as const

  test.each(unverified)('is masked all the same, and said to be none: %s', (kind, secret) => {
    expect(mask(secret)).toBe(`[masked:${kind}-unverified]`)
    expect(mask(mask(secret))).toBe(mask(secret))
  })

  test('is a key like any other in a name', () => {
    expect(maskSecrets(key('ghp_', 36)).text).toBe('[masked:github-token]')
  })
})

describe('a decoy', () => {
  const decoys = (...secrets: readonly string[]) => new Set(secrets.map((secret) => hash('sha256', secret, 'hex')))
  const maskOf = (secret: string) => `[masked:decoy-${hash('sha256', secret, 'hex').slice(0, 16)}]`
  const [token, password] = [key('ghp_', 36), 'heron-seven']

  test('is named by its mask, whatever form it has', () => {
    const known = decoys(token, password)
    expect(mask(`use ${token}`, known)).toBe(`use ${maskOf(token)}`)
    expect(mask(`password=${password}`, known)).toBe(`password=${maskOf(password)}`)
    expect(mask(`ftp://bob:${password}@files.example.com`, known)).toBe(`ftp://${maskOf(password)}@files.example.com`)
    expect(mask(mask(`use ${token}`, known), known)).toBe(`use ${maskOf(token)}`)
  })

  test('is the only secret that its mask tells anything of', () => {
    expect(mask('password=hunter2', decoys(token))).toBe('password=[masked:password]')
  })
})

describe('mask leaves', () => {
  test.each([
    'The quick brown fox jumps over the lazy dog.',
    'git clone git@github.com:acme/app.git',
    'npm i @scope/pkg@1.2.3 left-pad@latest',
    '4390ee16e9d91d2aad35240f57e36f0a 53c4103e-4e8c-476f-9b21-56a3bb04eb8d',
    '2024-06-20 16:34:54.189371 took 1795287594572 ms, 1795287594572000000 ns, 0.6011234567890123',
    'sha256-47DEQpj8HBSa-TImW-5JCeuQeRkm5NMpJWZG3hSuFU',
    'this_is_a_rather_long_identifier_in_snake_case and-a-rather-long-one-in-kebab-case',
    '10.0.0.1:8080 [2001:db8::1] 255.255.255.255',
    '{"max_tokens":1000,"next_page_token":"abc","token":null,"password":{"type":"string"}}',
    'password: string; const token: string | undefined; pass: 12, fail: 1',
    'PWD=/home/app OLDPWD=/root PASSWORD=$PASSWORD TOKEN=%TOKEN%',
    'order 4111111111111112 of 1234567812345678',
    '|---|---:|:---|------------------|',
    'x = a[i] == b ? c : d; std::string s; y := z; k => v',
    'curl -u 1000 https://example.com:8443/@user/x',
  ])('%s', (text) => {
    expect(mask(text)).toBe(text)
  })
})

describe('maskSecrets', () => {
  test('keeps personal data: identity is what names are for', () => {
    expect(maskSecrets('jane@example.com').text).toBe('jane@example.com')
    expect(maskSecrets('+49 151 23456789').text).toBe('+49 151 23456789')
  })

  test('tells a generated key from a password', () => {
    expect(maskSecrets(`session ${key('ghp_', 36)}`).guessable).toBe(false)
    expect(maskSecrets('session password=hunter2').guessable).toBe(true)
  })
})

/** Text in which secrets, separators, quotes and escapes meet in every way. */
const fragment = fc.oneof(
  fc.constantFrom(...SENSITIVE.map(([, secret]) => secret)),
  fc.constantFrom(
    'password',
    'token',
    'api_key',
    'Authorization',
    'Bearer ',
    'Cookie',
    '=',
    ':',
    ': ',
    ' = ',
    '"',
    "'",
    '\\',
    '\\"',
    '\\n',
    '\\u0041',
    '\\u003d',
    '{',
    '}',
    '[',
    ']',
    ',',
    ';',
    '&',
    '?',
    '<',
    '>',
    '@',
    '%40',
    '://',
    '/',
    ' ',
    '\n',
    '--',
    '-u ',
    '+',
    '(',
    '[masked:email]',
    '[masked:',
    'x',
    '1',
    '-',
    '.',
    'git',
    'é',
    '😀',
    '\ud800',
    '-----BEGIN PRIVATE KEY-----',
    '-----END PRIVATE KEY-----',
    'PRIVATE KEY',
  ),
  fc.string({ maxLength: 6 }),
)
const hostile = fc.array(fragment, { maxLength: 24 }).map((parts) => parts.join(''))

const jsonValue = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    hostile,
    hostile.map((text) => JSON.stringify({ text })),
    fc.constantFrom(4111111111111111, 5500000000000004, 12345, -1.5e300, true, null),
    fc.double({ noNaN: true }),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.oneof(fc.constantFrom('password', 'token', 'to', 'card', 'x'), hostile), tie('value'), {
      maxKeys: 4,
    }),
  ),
})).value

describe('mask, on arbitrary text', () => {
  test('is idempotent', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const once = mask(text)
        expect(mask(once)).toBe(once)
      }),
      { numRuns: 2000 },
    )
  })

  test('keeps JSON valid', () => {
    let masked = 0
    fc.assert(
      fc.property(jsonValue, fc.constantFrom(undefined, 2), (value, indent) => {
        const text = JSON.stringify(value, undefined, indent)
        const result = mask(text)
        masked += result === text ? 0 : 1
        expect(() => JSON.parse(result)).not.toThrow()
        expect(mask(result)).toBe(result)
      }),
      { numRuns: 2000 },
    )
    expect(masked).toBeGreaterThan(500)
  })

  test('lets no secret through that stands between delimiters', () => {
    const delimiter = fc.constantFrom(' ', '\n', '\t', ', ', '"', "'", '(', ')', '; ', '|', '<', '>', ' = ')
    fc.assert(
      fc.property(
        fc.array(fc.tuple(delimiter, fc.constantFrom(...SENSITIVE), delimiter), { maxLength: 6 }),
        (parts) => {
          const text = parts.map(([before, [, secret], after]) => `${before}${secret}${after}`).join('und')
          const result = mask(text)
          for (const [, [, secret]] of parts) {
            expect(result).not.toContain(secret)
          }
        },
      ),
      { numRuns: 1000 },
    )
  })
})

// Quadratic time would take minutes here, and the time limit of a test is seconds.
describe('mask, on 64 kB made to be slow', () => {
  test.each([
    'a',
    '@',
    'a@',
    'a.',
    '@a.',
    '://a@',
    '=',
    'password=',
    'password="',
    "password='",
    'password=\\"',
    'token: ',
    '\\',
    '\\u0041',
    'eyJ',
    '-eyJ',
    'eyJaaaaaaaaaaaaaaaaaa.',
    '.',
    '1',
    '1 ',
    '4111 ',
    '4',
    '+1',
    '(1',
    '1-',
    '-',
    '-u ',
    '--token ',
    'A',
    'DE89',
    'DE89 3704 ',
    'Bearer ',
    'bearer aaaaaaaaaaaaaaaa',
    'PRIVATE KEY',
    '-----BEGIN PRIVATE KEY-----',
    '<password>',
    '[masked:',
    '[masked:x]',
    '"',
    '{"a":',
    'sk-',
    'sk-aaaaaaaaaaaaaaaaaaa ',
    'AKIA',
    '?key=',
    'Cookie: a',
    ' ',
    '\u00e9@',
    '%40',
    'git@a.b',
    ':',
    'x:1',
    'secret:1111',
    'secret=\'a"',
  ])('%j repeated ends', (unit) => {
    const text = unit.repeat(Math.ceil(262_144 / unit.length))
    expect(typeof mask(text)).toBe('string')
  })
})
