/** The configuration file as its author meets it: what is taken, and what is said about the rest. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { makeKey } from '../api/keys.ts'
import { type Config, examineConfig, loadConfig } from '../config.ts'
import { SHIPPED_POLICIES } from '../package-files.ts'
import { checkConfig } from '../preflight.ts'
import { describeProblem, Misconfigured } from '../schema/errors.ts'

const invalid = 'test/config/invalid'
const directory = mkdtempSync(join(tmpdir(), 'telltale-config-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const KNOWN_HASH = '64 hex characters, as `telltale key` prints them'
const TOP_LEVEL =
  'known keys: data, policies, tenant, insecure, listen, keys, assemble, limits, retention, bus, spool, store, collectors, sinks'
const LISTEN = 'known keys: host, otlp_http_port, otlp_grpc_port, api_port'

/** By file: everything that is said about it, as `line:column: message (suggestion)`. */
const expected: Record<string, readonly string[]> = {
  'alias-bomb.yml': ['1:1: Excessive alias count indicates a resource exhaustion attack'],
  'bad-collectors.yml': [
    "3:13: collectors.kafka[0].name: 'Gateway' is not allowed here (lower-case letters, digits and -)",
    '4:16: collectors.kafka[0].brokers: must not be empty',
    '5:15: collectors.kafka[0].topics: must say something (one of: traces, logs)',
    "6:17: collectors.kafka[0].encoding: 'otlp' is not a value of it (allowed: otlp_proto, otlp_json)",
    "9:17: collectors.kafka[1].topics: unknown key 'metrics' (known keys: traces, logs)",
    "9:48: collectors.kafka[1].topics.traces: 'otlp spans' is not allowed here (letters, digits, ., _ and -, at most 249)",
    "10:12: collectors.kafka[1].tls: 'key_file' is missing, which 'cert_file' needs",
    "11:7: collectors.kafka[2]: must be a map of keys and values, not 'kafka-1:9092'",
  ],
  'bad-kafka.yml': [
    "3:15: bus.kafka.brokers[0]: 'kafka-1' is not allowed here (host:port)",
    "3:24: bus.kafka.brokers[1]: 'https://kafka-2:9092' is not allowed here (host:port)",
    "4:19: bus.kafka.topic_prefix: 'tell tale' is not allowed here (letters, digits and . _ -)",
    '5:17: bus.kafka.partitions: must be >= 1',
    "6:18: bus.kafka.compression: 'snappy' is not a value of it (allowed: none, gzip)",
    '7:25: bus.kafka.session_timeout_ms: must be >= 1000',
    '8:21: bus.kafka.tls.ca_file: must be text, not 7 (write it in quotes)',
    "8:24: bus.kafka.tls: unknown key 'cert' (known keys: ca_file, cert_file, key_file, server_name)",
    "10:14: spool.max_bytes: must be a whole number, not '2 GiB'",
  ],
  'bad-keys.yml': [
    `4:13: keys[0].sha256: '***' is not allowed here (${KNOWN_HASH})`,
    `7:13: keys[1].sha256: '***' is not allowed here (${KNOWN_HASH})`,
    `10:13: keys[2].sha256: '***' is not allowed here (${KNOWN_HASH})`,
    "11:5: keys[3]: 'name' is missing",
    "11:12: keys[3].scope: 'root' is not a value of it (allowed: ingest, read, admin)",
  ],
  'bad-limits.yml': [
    '2:18: limits.request_bytes: must be >= 1024',
    "3:21: limits.compressed_bytes: must be a whole number, not '4 MiB'",
    '4:20: limits.in_flight_bytes: must be <= 17179869184',
  ],
  // Each mechanism is told what it takes itself, and nothing about the others.
  'bad-sasl.yml': [
    "4:10: bus.kafka.tls: must be true, false or a map of keys and values, not 'yes'",
    "5:11: bus.kafka.sasl: 'password' is missing",
    "5:51: bus.kafka.sasl: unknown key 'token_url' (known keys: mechanism, username, password)",
    "11:13: collectors.kafka[0].sasl: 'client_secret' is missing",
    "11:50: collectors.kafka[0].sasl.token_url: '***' is not allowed here (https://host/path)",
    "15:26: collectors.kafka[1].sasl.mechanism: 'gssapi' is not a value of it (allowed: plain, scram-sha-256, scram-sha-512, oauthbearer)",
  ],
  'bad-tenants.yml': [
    "1:9: tenant: 'acme\u001fsession-1' is not allowed here (no control characters)",
    "6:13: keys[0].tenant: 'acme\u007f' is not allowed here (no control characters)",
  ],
  'bad-ports.yml': [
    '2:19: listen.otlp_http_port: must be <= 65535',
    '3:19: listen.otlp_grpc_port: must be >= 0',
    "4:13: listen.api_port: must be a whole number, not '8080'",
  ],
  'cyclic-alias.yml': ['1:1: nests more than 32 levels'],
  'duplicate-keys.yml': ['4:1: Map keys must be unique'],
  'environment.yml': [
    '3:13: the environment variable TEST_UNSET is not set',
    '4:13: the environment variable TEST_EMPTY is empty',
    '9:13: the environment variable TEST_UNSET is not set',
    '9:13: the environment variable TEST_EMPTY is empty',
  ],
  'function-tag.yml': ['1:7: Unresolved tag: tag:yaml.org,2002:js/function'],
  'half-written.yml': ['6:28: Missing closing "quote'],
  'merge-prototype.yml': [
    `1:1: unknown key '__proto__' (${TOP_LEVEL})`,
    `4:3: listen: unknown key '<<' (${LISTEN})`,
    `5:3: listen: unknown key 'constructor' (${LISTEN})`,
  ],
  'no-certificates.yml': [
    `4:21: bus.kafka.tls.ca_file: cannot be read: ENOENT: no such file or directory, open '${resolve(invalid, 'absent.pem')}'`,
    `4:44: bus.kafka.tls.cert_file: ${resolve(invalid, 'no-certificates.yml')} holds no certificate in PEM`,
    `4:75: bus.kafka.tls.key_file: ${resolve(invalid, 'no-certificates.yml')} holds no private key in PEM`,
    '13:23: collectors.kafka[0].tls.ca_file: /dev/null holds no certificate in PEM',
    `7:12: store.ca_file: ${resolve(invalid, 'no-certificates.yml')} holds no certificate in PEM`,
  ],
  'not-a-map.yml': ['1:1: must be a map of keys and values, not a list'],
  'one-port-twice.yml': ['3:13: listen.api_port: port 4000 is that of another door, too'],
  'open-to-all.yml': [
    '2:9: listen.host: 0.0.0.0 can be reached from other machines, and no key is configured ' +
      '(add a key (telltale key ingest), listen on 127.0.0.1, or say --insecure)',
  ],
  'several.yml': [
    '2:9: tenant: must not be empty',
    "4:3: listen: unknown key 'api_prot' (did you mean 'api_port'?)",
    '5:9: the environment variable TEST_UNSET is not set',
    "8:12: keys[0].scope: 'write' is not a value of it (allowed: ingest, read, admin)",
    `9:13: keys[0].sha256: '***' is not allowed here (${KNOWN_HASH})`,
  ],
  'sink-cannot-work.yml': [
    "9:11: sinks[1]: another sink is called 'siem', too",
    "2:5: sink 'siem': url must be an https URL",
    "2:5: sink 'siem': allow: '10.0.0.0/33' is not a network (CIDR)",
    "2:5: sink 'siem': secret must be whsec_ and base64 of 24 to 64 bytes",
    "2:5: sink 'siem': ca_file cannot be used: ENOENT: no such file or directory, open '/nonexistent/ca.pem'",
  ],
  // Each sink is told what its own type takes, and nothing about the other types.
  'sink-options.yml': [
    "2:5: sinks[0]: 'secret' is missing",
    "3:11: sinks[0].name: 'SIEM' is not allowed here (lower-case letters, digits and -)",
    "5:5: sinks[0]: unknown key 'secrets' (did you mean 'secret'?)",
    "6:5: sinks[1]: 'file' is missing",
    "8:5: sinks[1]: unknown key 'path' (known keys: type, name, file)",
  ],
  'shared-topic.yml': [
    "7:7: collectors.kafka[4].group: input 'gateway' reads topic logs of these brokers in group 'telltale-collect', too: each would get a part (leave the topic out of one, or give one another group: then both read all of it)",
  ],
  'sink-type.yml': [
    "2:11: sinks[0].type: 'webhok' is not a value of it (did you mean 'webhook'?)",
    "5:5: sinks[1]: 'type' is missing",
    "6:5: sinks[2]: must be a map of keys and values, not 'webhook'",
  ],
  'store.yml': [
    "2:8: store.url: 'clickhouse:8123' is not allowed here (https://host:port, nothing else)",
    "3:13: store.database: 'telltale; DROP' is not allowed here",
  ],
  'store-without-server.yml': [
    "2:3: store: 'url' is missing, which 'reader_username' needs",
    "2:3: store: 'reader_password' is missing, which 'reader_username' needs",
    "2:3: store: 'url' is missing, which 'cluster' needs",
  ],
  'twin-collectors.yml': [
    "4:15: collectors.kafka[1].name: another input is named 'gateway' (give each input a name of its own)",
  ],
  'twin-keys.yml': ['8:13: keys[1]: this is the hash of another key, too'],
  'two-documents.yml': ['3:1: only one document may stand here'],
  'unknown-key.yml': [
    "1:1: unknown key 'listn' (did you mean 'listen'?)",
    "4:3: retention: unknown key 'store_day' (did you mean 'store_days'?)",
    "5:3: retention: unknown key 'colour' (known keys: content, store_days, log_days, log_bytes)",
  ],
  'wrong-types.yml': [
    '1:7: data: must be text, not 7 (write it in quotes)',
    "2:11: insecure: must be true or false, not 'yes'",
    '3:9: listen: must be a map of keys and values, not 8080',
    "4:7: keys: must be a list, not 'none'",
    "6:12: assemble.hold_ms: must be a whole number, not 'soon'",
    '7:13: assemble.max_held: must be a whole number, not NaN',
    '9:3: limits: must be a map of keys and values, not a list',
    "11:12: retention.content: 'mask' is not a value of it (did you mean 'masked'?)",
    '12:15: retention.store_days: must be >= 1',
  ],
}

/** Everything that is said about a file before anything starts. */
async function saidAbout(file: string, environment: NodeJS.ProcessEnv = {}): Promise<readonly string[]> {
  try {
    await checkConfig(loadConfig(file, environment))
    return []
  } catch (error) {
    if (!(error instanceof Misconfigured)) {
      throw error
    }
    return error.problems.map(describeProblem)
  }
}

/** What the file says where a value of the environment is wanted. */
const reference = (name: string) => ['$', '{', name, '}'].join('')

function written(text: string): string {
  const file = join(directory, 'telltale.yml')
  writeFileSync(file, text)
  return file
}

describe('a configuration that is wrong', () => {
  it.each(readdirSync(invalid))('is refused with every place and reason: %s', async (name) => {
    const said = await saidAbout(join(invalid, name), { TEST_EMPTY: '' })
    expect(said).toEqual((expected[name] ?? []).map((text) => `${join(invalid, name)}:${text}`))
    expect(said).not.toEqual([])
  })

  it('is refused when it is too large, however it is read', async () => {
    const large = written(`# ${'x'.repeat(2 * 1024 * 1024)}\n`)
    expect(await saidAbout(large)).toEqual([`${large}: has more than 1048576 bytes`])
    expect(await saidAbout('/dev/zero')).toEqual(['/dev/zero: has more than 1048576 bytes'])
  })

  it('is refused when it is no file, no text, or not there though it was named', async () => {
    const absent = join(directory, 'absent.yml')
    expect(await saidAbout(absent)).toEqual([
      `${absent}: cannot be read: ENOENT: no such file or directory, open '${absent}'`,
    ])
    expect(await saidAbout(directory)).toEqual([
      `${directory}: cannot be read: EISDIR: illegal operation on a directory, read`,
    ])
    const binary = join(directory, 'binary.yml')
    writeFileSync(binary, Buffer.from([0x64, 0x3a, 0xff, 0xfe]))
    expect(await saidAbout(binary)).toEqual([`${binary}: is not UTF-8 text`])
  })

  it('is refused, not run into, when it nests without end', async () => {
    for (const text of ['['.repeat(10_000), '- '.repeat(10_000), '{a: '.repeat(10_000)]) {
      const [problem] = await saidAbout(written(text))
      expect(problem).toContain(`${directory}/telltale.yml:`)
    }
  })

  it('changes no prototype', async () => {
    await saidAbout(join(invalid, 'merge-prototype.yml'))
    expect(({} as { insecure?: boolean; host?: string }).insecure).toBeUndefined()
    expect(({} as { insecure?: boolean; host?: string }).host).toBeUndefined()
  })

  it('still tells what of it is right, so that the rest can be looked at in the same run', () => {
    const { config, problems } = examineConfig(
      written(`
tenant: 7
policies: ./mine
sinks:
  - {type: webhook, name: half}
  - {type: ndjson, name: whole, file: a.ndjson}
`),
      {},
    )
    expect(problems.map(({ line }) => line)).toEqual([2, 5, 5])
    expect(config.tenant).toBe('default')
    expect(config.policies).toBe(join(directory, 'mine'))
    expect(config.sinks).toEqual([{ type: 'ndjson', name: 'whole', file: 'a.ndjson' }])
    expect(config.source?.problem(['sinks', 0, 'file'], 'x')).toMatchObject({ line: 6, column: 39 })
  })
})

describe('references to the environment', () => {
  const secret = `whsec_${Buffer.from('a secret that nobody may read').toString('base64')}`
  const webhook = (options: string) => `sinks: [{type: webhook, name: siem, ${options}}]`

  it('stand for their values, without a line break at the end', () => {
    const file = written(
      `tenant: "${reference('NAME')}-${reference('NAME')}"\n${webhook(`url: "https://${reference('HOST')}/x", secret: "${reference('SECRET')}"`)}`,
    )
    const config = loadConfig(file, { NAME: 'acme\n', HOST: 'siem.example.com\r\n', SECRET: secret })
    expect(config.tenant).toBe('acme-acme')
    expect(config.sinks[0]).toMatchObject({ url: 'https://siem.example.com/x', secret, allow: [] })
  })

  it('are read once: what they stand for refers to nothing', () => {
    expect(loadConfig(written(`tenant: "${reference('A')}"`), { A: reference('B'), B: 'b' }).tenant).toBe(
      `${reference('B')}`,
    )
  })

  it('are not read in keys', async () => {
    const [problem] = await saidAbout(written(`"${reference('A')}": 1`), { A: 'tenant' })
    expect(problem).toContain(`unknown key '${reference('A')}'`)
  })

  it.each([
    ['a value of the wrong form', `keys: [{name: a, scope: ingest, sha256: "${reference('SECRET')}"}]`],
    ['a word that is none of those allowed', `keys: [{name: a, scope: "${reference('SECRET')}", sha256: abc}]`],
    ['text where a number must be', `listen: {api_port: "${reference('SECRET')}"}`],
    ['text where a list must be', `keys: "${reference('SECRET')}"`],
    ['a text that is too long', `tenant: "${reference('SECRET').repeat(100)}"`],
    ['a network that is none', webhook(`url: "https://a.example", secret: whsec_a, allow: ["${reference('SECRET')}"]`)],
    [
      'a file that is not there',
      webhook(`url: "https://a.example", secret: "${secret}", ca_file: "/${reference('SECRET')}"`),
    ],
    ['a sink type', `sinks: [{type: "${reference('SECRET')}", name: a}]`],
    ['a host to listen on', `listen: {host: "${reference('SECRET')}"}`],
    ['a store', `store: {url: "${reference('SECRET')}"}`],
  ])('stay unread when they stand for %s', async (_what, text) => {
    const said = await saidAbout(written(text), { SECRET: 'hunter2-Tr0ub4dor' })
    expect(said.length).toBeGreaterThan(0)
    expect(said.join('\n')).not.toContain('hunter2')
  })
})

describe('without a configuration', () => {
  const data = resolve('data')
  const defaults: Config = {
    data,
    policies: SHIPPED_POLICIES,
    tenant: 'default',
    insecure: false,
    listen: { host: '127.0.0.1', otlp_http_port: 4318, otlp_grpc_port: 4317, api_port: 8080 },
    keys: [],
    assemble: { hold_ms: 2000, max_held: 20_000 },
    limits: {
      request_bytes: 16 * 1024 ** 2,
      compressed_bytes: 4 * 1024 ** 2,
      in_flight_bytes: 64 * 1024 ** 2,
      backlog_ms: 5000,
    },
    retention: { content: 'masked', store_days: 30, log_days: 7, log_bytes: 8 * 1024 ** 3 },
    bus: {},
    spool: { max_bytes: 2 * 1024 ** 3 },
    store: { database: 'telltale' },
    collectors: { kafka: [] },
    sinks: [],
  }

  it('everything has a default that works', async () => {
    const config = loadConfig(undefined, {})
    expect(config).toEqual(defaults)
    expect((await checkConfig(config)).policies.policies.length).toBeGreaterThan(0)
  })

  it.each(['', '# nothing yet\n', '---\n', 'null\n', '{}\n'])('or with an empty one it is the same: %j', (text) => {
    const { source: _, ...config } = loadConfig(written(text), {})
    expect(config).toEqual({ ...defaults, data: join(directory, 'data') })
  })

  it('no defaults are shared between two', () => {
    const one = loadConfig(undefined, {})
    one.keys.push({ name: 'a', scope: 'read', sha256: 'b', tenant: 'c' })
    expect(loadConfig(undefined, {}).keys).toEqual([])
  })
})

describe('a cluster', () => {
  const certificates = 'test/config/certificates'

  it('is reached as the settings say, secrets from the environment, files from beside the file', async () => {
    const file = join(certificates, 'telltale.yml')
    const config = loadConfig(file, { KAFKA_PASSWORD: 'a password', KAFKA_SECRET: 'a secret' })
    expect(config.bus.kafka).toMatchObject({
      topic_prefix: 'telltale.',
      compression: 'none',
      session_timeout_ms: 6000,
    })
    const text = (name: string) => readFileSync(join(certificates, name), 'utf8')
    expect((await checkConfig(config)).connections).toEqual({
      bus: {
        brokers: ['kafka-1:9093', '[2001:db8::1]:9093'],
        tls: { ca: text('ca.pem'), cert: text('client.pem'), key: text('client.key'), serverName: 'kafka.internal' },
        sasl: { mechanism: 'scram-sha-512', username: 'telltale', password: 'a password' },
      },
      inputs: [
        {
          brokers: ['kafka-3:9093'],
          tls: true,
          sasl: {
            mechanism: 'oauthbearer',
            tokenUrl: 'https://id.example.com/token',
            clientId: 'telltale',
            clientSecret: 'a secret',
            scope: 'kafka',
          },
        },
        { brokers: ['kafka-4:9092'] },
      ],
      storeAuthorities: text('ca.pem'),
    })
  })

  it('is not reached with a certificate and the key of another', async () => {
    const [file, other] = ['client.pem', 'other.key'].map((name) => resolve(certificates, name))
    const tls = `tls: {cert_file: ${file}, key_file: ${other}}`
    const [problem] = await saidAbout(written(`bus: {kafka: {brokers: ["kafka-1:9093"], ${tls}}}`))
    expect(problem).toContain(`telltale.yml:1:`)
    expect(problem).toContain(`bus.kafka.tls.key_file: ${other} is not the key of ${file}: `)
  })
})

describe('what may listen for other machines', () => {
  const entry = JSON.stringify({ name: 'a', scope: 'ingest', sha256: makeKey('ingest').sha256 })

  it.each([
    'listen: {host: "::"}\ninsecure: true',
    `listen: {host: 0.0.0.0}\nkeys: [${entry}]`,
    'listen: {host: "::1"}',
    'listen: {host: localhost}',
    'listen: {host: 127.0.0.2}',
  ])('is what has a key, says so, or is not reached by them: %s', async (text) => {
    expect(await saidAbout(written(text))).toEqual([])
  })

  it.each(['"::"', '192.168.1.1', 'example.com', 'localhost.example.com', '127.0.0.1.example.com', '"0"'])(
    'is nothing else: %s',
    async (host) => {
      const said = await saidAbout(written(`listen: {host: ${host}}`))
      expect(said).toHaveLength(1)
      expect(said[0]).toContain(`${basename(directory)}/telltale.yml:1:16: listen.host:`)
    },
  )
})
