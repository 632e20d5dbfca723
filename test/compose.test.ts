/** docker-compose.yml, Dockerfile and what they mount: what `docker compose config` cannot know. Needs no Docker. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { NODE_FLAGS } from '../bench/telltale-process.ts'
import { parseCommand } from '../commands/arguments.ts'
import { commands } from '../commands/index.ts'
import { loadConfig } from '../config.ts'
import { VERSION } from '../package-files.ts'
import { checkConfig } from '../preflight.ts'
import { isRole, ROLES } from '../roles.ts'

interface Service {
  readonly image: string
  readonly build?: string | { readonly dockerfile_inline: string }
  readonly command?: readonly string[]
  readonly environment?: Readonly<Record<string, string | number>>
  readonly ports?: readonly string[]
  readonly networks: readonly string[] | Readonly<Record<string, unknown>>
  readonly volumes?: readonly string[]
  readonly configs?: readonly { readonly source: string; readonly target: string }[]
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>
  readonly healthcheck?: object
  readonly restart: string
  readonly read_only?: boolean
  readonly cap_drop?: readonly string[]
  readonly security_opt: readonly string[]
  readonly deploy: { readonly replicas?: number; readonly resources: { readonly limits: { readonly memory: string } } }
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>
  readonly configs: Readonly<Record<string, { readonly file: string }>>
  readonly networks: Readonly<Record<string, { readonly internal?: boolean }>>
  readonly volumes: Readonly<Record<string, object>>
}

interface Gateway {
  readonly receivers: { readonly otlp: { readonly protocols: Readonly<Record<string, { readonly endpoint: string }>> } }
  readonly exporters: { readonly otlp_grpc: { readonly sending_queue: object } }
  readonly service: { readonly pipelines: Readonly<Record<string, { readonly processors: readonly string[] }>> }
}

const text = readFileSync('docker-compose.yml', 'utf8')
const compose = parse(text, { merge: true }) as Compose
const dockerfile = readFileSync('Dockerfile', 'utf8')
const services = Object.entries(compose.services)
const ours = services.filter(([, { build }]) => build === '.')

const directory = mkdtempSync(join(tmpdir(), 'telltale-compose-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

/** What the page tells people to type. */
function documentedCommand(): string {
  return /```sh\n(\(umask[\s\S]*?)```/.exec(readFileSync('docs/compose.md', 'utf8'))?.[1] ?? ''
}

function makeSecrets(): Readonly<Record<string, string>> {
  execFileSync('sh', ['-c', documentedCommand()], { cwd: directory, stdio: 'pipe' })
  const lines = readFileSync(join(directory, '.env'), 'utf8').trim().split('\n')
  return Object.fromEntries(lines.map((line) => line.split('=', 2)))
}

/** As compose replaces them; every reference of ours is to a secret that must be there. */
function resolved(value: string | number, secrets: Readonly<Record<string, string>>): string {
  return String(value).replace(/\$\{(\w+):\?[^}]+\}/g, (_whole, name: string) => secrets[name] ?? '')
}

function namesOf(networks: Service['networks']): readonly string[] {
  return Array.isArray(networks) ? networks : Object.keys(networks)
}

describe('the stages of docker-compose.yml', () => {
  it('are all stages, as the command line takes them', () => {
    const started = ours.flatMap(([, { command }]) => {
      const [name, ...args] = command ?? []
      const syntax = commands.find((each) => each.syntax.name === name)?.syntax
      return syntax === undefined ? [] : [syntax.name, ...parseCommand(syntax, args).operands]
    })
    expect(started).toHaveLength(ours.length)
    expect(started.every(isRole)).toBe(true)
    expect(new Set(started)).toEqual(new Set(Object.keys(ROLES)))
  })

  it('can do nothing to what they run on but write to their volume', () => {
    for (const [name, { read_only, cap_drop, security_opt }] of ours) {
      expect({ name, read_only, cap_drop, security_opt }).toEqual({
        name,
        read_only: true,
        cap_drop: ['ALL'],
        security_opt: ['no-new-privileges:true'],
      })
    }
    expect(/^USER (\d+):(\d+)$/m.exec(dockerfile)?.slice(1).map(Number).every(Boolean)).toBe(true)
  })

  it('have a volume for themselves where they keep something', () => {
    const keeping = ours.filter(([, { command }]) => command?.[0] === 'collect' || command?.[0] === 'deliver')
    const volumes = keeping.map(([, service]) => service.volumes)
    expect(keeping.map(([, { deploy }]) => deploy.replicas)).toEqual(keeping.map(() => 1))
    expect(new Set(volumes.flat()).size).toBe(keeping.length)
    expect(volumes.flat().every((volume) => volume?.endsWith(':/var/lib/telltale'))).toBe(true)
  })

  it('are started with the flags of Node that the command has, in an image of this version', () => {
    const entry = JSON.parse(/^ENTRYPOINT (.*)$/m.exec(dockerfile)?.[1] ?? '[]') as string[]
    expect(entry).toEqual(['node', ...NODE_FLAGS, '/app/dist/cli.js'])
    expect(new Set(ours.map(([, { image }]) => image))).toEqual(new Set([`telltale:${VERSION}`]))
  })
})

/** Of the Compose specification, those that are used here: what is misspelt says so here, where there is no Docker. */
const KEYS = new Set([
  ...['build', 'cap_drop', 'command', 'configs', 'depends_on', 'deploy', 'environment', 'healthcheck', 'image', 'init'],
  ...['logging', 'networks', 'ports', 'pull_policy', 'read_only', 'restart', 'security_opt', 'stop_grace_period'],
  ...['ulimits', 'volumes'],
])

describe('every service of docker-compose.yml', () => {
  it.each(services)('%s is described in words of the Compose specification', (_name, service) => {
    expect(Object.keys(service).filter((key) => !KEYS.has(key))).toEqual([])
  })

  it.each(services)('%s is of an image that stays the same', (_name, { image, build }) => {
    const built = build === '.' ? dockerfile : typeof build === 'object' ? build.dockerfile_inline : ''
    const bases = [...built.matchAll(/^FROM (\S+)/gm)].map(([, base]) => base as string)
    for (const each of [image, ...bases]) {
      expect(each).toMatch(/:\d+\.\d+\.\d+(\.\d+)?(-[a-z-]+)?$/)
    }
  })

  it.each(services)('%s tells its health, is started again, and has its share of memory', (_name, service) => {
    const asked = service.build === '.' ? /^HEALTHCHECK [\s\S]*\/readyz/m.test(dockerfile) : service.healthcheck
    expect(asked).toBeTruthy()
    expect(service.restart).toBe('unless-stopped')
    expect(service.deploy.resources.limits.memory).toMatch(/^\d+[mg]$/)
  })

  it.each(services)('%s waits for what it works on to be healthy', (_name, { depends_on = {} }) => {
    for (const [other, { condition }] of Object.entries(depends_on)) {
      expect(Object.keys(compose.services)).toContain(other)
      expect(condition).toBe('service_healthy')
    }
  })

  it.each(services)('%s is reached from this machine alone', (_name, { ports = [] }) => {
    expect(ports.filter((port) => !/^127\.0\.0\.1:\d+:\d+$/.test(port))).toEqual([])
  })

  it.each(services)('%s names only what there is', (_name, { configs = [], networks, volumes = [] }) => {
    for (const { source } of configs) {
      expect(existsSync(compose.configs[source]?.file ?? '')).toBe(true)
    }
    expect(namesOf(networks).filter((network) => !(network in compose.networks))).toEqual([])
    for (const volume of volumes) {
      const [source = ''] = volume.split(':')
      expect(source.startsWith('./') ? existsSync(source) : source in compose.volumes).toBe(true)
    }
  })

  it('takes every secret from outside', () => {
    const values = services.flatMap(([, { environment = {} }]) => Object.entries(environment))
    const secrets = values.filter(([name]) => /PASSWORD|SECRET|TOKEN|_KEY|SHA256/.test(name))
    expect(secrets.length).toBeGreaterThan(0)
    expect(secrets.filter(([, value]) => !/^\$\{\w+:\?docs\/compose\.md [^}]+\}$/.test(String(value)))).toEqual([])
  })

  it('is kept from Kafka unless it is a stage on the bus', () => {
    const near = services.filter(([, { networks }]) => namesOf(networks).includes('log')).map(([name]) => name)
    expect(compose.networks.log?.internal).toBe(true)
    expect(near.filter((name) => name !== 'kafka' && !ours.some(([stage]) => stage === name))).toEqual([])
  })
})

describe('the command of docs/compose.md', () => {
  const secrets = makeSecrets()

  it('makes every secret that is asked for, for its owner only, and never over others', () => {
    const asked = new Set([...text.matchAll(/\$\{(\w+):\?/g)].map(([, name]) => name as string))
    expect([...asked].filter((name) => !secrets[name])).toEqual([])
    expect(statSync(join(directory, '.env')).mode & 0o777).toBe(0o600)
    expect(makeSecrets).toThrow()
    expect(readFileSync('.gitignore', 'utf8').split('\n')).toContain('.env')
    expect(readFileSync('.dockerignore', 'utf8').split('\n')).toContain('.env')
  })

  it('makes keys that match their hashes', () => {
    for (const name of ['INGEST', 'READ']) {
      const hash = createHash('sha256')
        .update(`${secrets[`TELLTALE_${name}_KEY`]}`)
        .digest('hex')
      expect(secrets[`TELLTALE_${name}_SHA256`]).toBe(hash)
    }
  })

  it.each(ours)('gives %s a configuration that works', async (_name, { environment = {} }) => {
    const given = Object.fromEntries(
      Object.entries(environment).map(([name, value]) => [name, resolved(value, secrets)]),
    )
    const config = loadConfig('telltale.compose.yml', given)
    await expect(checkConfig(config)).resolves.toBeDefined()
    expect(config).toMatchObject({ data: '/var/lib/telltale', listen: { host: '0.0.0.0', api_port: 8080 } })
    expect(config.bus.kafka?.brokers).toEqual(['kafka:9092'])
  })
})

describe('what stands around Telltale', () => {
  const environmentOf = (service: string) => Object.keys(compose.services[service]?.environment ?? {})
  const gatewayText = readFileSync('collectors/otlp/gateway.yml', 'utf8')
  const gateway = parse(gatewayText) as Gateway

  it('is a Collector that listens where it is published, with all that its file asks for', () => {
    const doors = Object.values(gateway.receivers.otlp.protocols).map(({ endpoint }) => endpoint)
    const published = compose.services.gateway?.ports?.map((port) => `0.0.0.0:${port.split(':').at(-1)}`)
    expect(doors).toEqual(published)
    const asked = [...gatewayText.matchAll(/\$\{env:(\w+)\}/g)]
    expect(asked.map(([, name]) => name).sort()).toEqual(environmentOf('gateway').sort())
  })

  it('is a Collector that acknowledges nothing before Telltale does', () => {
    expect(gateway.exporters.otlp_grpc.sending_queue).toEqual({ enabled: false })
    for (const { processors } of Object.values(gateway.service.pipelines)) {
      expect(processors).toEqual(['memory_limiter'])
    }
  })

  it('is Grafana with a data source that the server lets in', () => {
    const file = 'dashboards/grafana/provisioning/datasources/clickhouse.yml'
    const [source] = (parse(readFileSync(file, 'utf8')) as { datasources: Record<string, Record<string, string>>[] })
      .datasources
    expect(environmentOf('clickhouse')).toContain(source?.secureJsonData?.password?.slice(1))
    expect(environmentOf('grafana')).toContain(source?.secureJsonData?.password?.slice(1))
    expect(readFileSync('store/users.xml', 'utf8')).toContain(`<${source?.jsonData?.username}>`)
    expect(`${source?.jsonData?.host}` in compose.services).toBe(true)
  })
})
