/** Which places outside a command reaches, by how the programs that reach some are told of them. */
import { hostNature, readHost } from '../../rules/hosts.ts'
import type { Command } from '../dangerous-command/command.ts'
import { partsOf, type Valued } from './options.ts'

export interface Reached {
  /** Where it is a host: as it is written. Reading it (`outsideHost`) costs something. */
  readonly host?: string
  /** Where it is none: a bucket, or the word for publishing where the program knows the place by itself. */
  readonly place?: string
  /** Something of the machine is handed over, other than what the command itself says. */
  readonly uploads: boolean
}

interface Program extends Valued {
  /** Operands that are hosts; `copied`: those written `host:path`, the last of which is where copies go. */
  readonly hosts: 'every' | 'first' | 'copied'
  /** Options whose values are hosts. */
  readonly to?: string
  /** Options that hand over what they name, when their values are like that. */
  readonly gives?: Readonly<Record<string, RegExp>>
  /** Options with which it waits for others instead. */
  readonly listens?: readonly string[]
  /** Its input goes to the host. */
  readonly sendsInput?: true
}

const ANY = /./
const FILE_OR_VARIABLE = /^@|\$/
const CURL: Program = {
  letters: 'AbcCdDeEFHKmoPQrtTuUwxXyYz',
  words:
    'request header data data-ascii data-raw data-binary data-urlencode json form form-string upload-file output user user-agent url url-query proxy preproxy proxy-user proxy-header socks4 socks4a socks5 socks5-hostname noproxy referer cookie cookie-jar max-time connect-timeout retry retry-delay retry-max-time cacert capath cert cert-type key key-type pass crlfile pinnedpubkey write-out resolve connect-to interface range limit-rate max-redirs max-filesize config dump-header output-dir ciphers tls-max tls13-ciphers oauth2-bearer aws-sigv4 unix-socket quote time-cond speed-limit speed-time keepalive-time dns-servers doh-url netrc-file mail-from mail-rcpt trace trace-ascii stderr local-port proto proto-redir proto-default request-target rate parallel-max ftp-port',
  hosts: 'every',
  to: 'url proxy x preproxy socks4 socks4a socks5 socks5-hostname doh-url',
  gives: {
    T: ANY,
    'upload-file': ANY,
    F: /(?:^|=)[@<]|\$/,
    form: /(?:^|=)[@<]|\$/,
    d: FILE_OR_VARIABLE,
    data: FILE_OR_VARIABLE,
    'data-ascii': FILE_OR_VARIABLE,
    'data-binary': FILE_OR_VARIABLE,
    'data-raw': /\$/,
    json: FILE_OR_VARIABLE,
    'data-urlencode': /^[^=]{0,60}@|\$/,
  },
}
const WGET: Program = {
  letters: 'oaeiBtOTwQPUlARDIX',
  words:
    'header method post-data post-file body-data body-file user password http-user http-password output-document output-file append-output input-file base directory-prefix user-agent referer tries timeout wait limit-rate level accept reject domains exclude-domains include-directories exclude-directories ca-certificate ca-directory certificate private-key load-cookies save-cookies execute quota',
  hosts: 'every',
  to: 'base B',
  gives: { 'post-file': ANY, 'body-file': ANY, 'post-data': /\$/, 'body-data': /\$/ },
}
const NC: Program = {
  letters: 'egGiIMmOopPqsTVwWXx',
  words: 'exec sh-exec proxy',
  hosts: 'first',
  listens: ['l', 'listen'],
  sendsInput: true,
}
const SSH: Program = { letters: 'BbcDEeFIiJLlmOopQRSWw', words: '', hosts: 'first', sendsInput: true }
const HTTPIE: Program = {
  letters: 'aoAps',
  words: 'auth auth-type output session verify timeout proxy print style pretty',
  hosts: 'first',
  sendsInput: true,
}
const PROGRAMS: ReadonlyMap<string, Program> = new Map<string, Program>([
  ['curl', CURL],
  ['wget', WGET],
  ['aria2c', { letters: 'dioxsjkl', words: 'dir out input-file', hosts: 'every' }],
  ['nc', NC],
  ['ncat', { ...NC, letters: `${NC.letters}c` }],
  ['netcat', NC],
  ['telnet', { letters: 'lnSeXb', words: '', hosts: 'first', sendsInput: true }],
  ['ssh', SSH],
  ['sftp', { ...SSH, letters: 'BbcDFiJloPRSsX' }],
  ['ftp', { letters: 'NoPqrsT', words: '', hosts: 'first', sendsInput: true }],
  ['tftp', { letters: 'Rm', words: '', hosts: 'first', sendsInput: true }],
  [
    'lftp',
    {
      letters: 'ecfup',
      words: 'user port',
      hosts: 'first',
      sendsInput: true,
      gives: { e: /put|mirror/, c: /put|mirror/ },
    },
  ],
  ['scp', { letters: 'cDFiJloPSX', words: '', hosts: 'copied' }],
  [
    'rsync',
    {
      letters: 'efBTM',
      words:
        'rsh exclude include exclude-from include-from files-from filter rsync-path port password-file bwlimit timeout log-file',
      hosts: 'copied',
    },
  ],
  ['http', HTTPIE],
  ['https', HTTPIE],
])

/** Programs that send mail, to the addresses among their arguments. */
const MAILERS = new Set(['mail', 'mailx', 'mutt', 'sendmail', 'swaks'])
const POWERSHELL = new Set(['iwr', 'irm', 'invoke-webrequest', 'invoke-restmethod'])
/** Package managers reach hosts by design; one that is written out takes the place of theirs. */
const INSTALLERS = new Set('pip pip3 pipx uv uvx npm npx pnpm yarn bun bunx gem conda poetry deno'.split(' '))
const CLOUDS = new Set(['aws', 'gsutil', 'gcloud', 'rclone', 'azcopy', 's3cmd', 's5cmd', 'az', 'b2'])
const COPYING = new Set('cp mv sync copy copyto move rsync put upload upload-file put-object'.split(' '))
/** What publishes where the project or its user have an account: the word for it, by program. */
const PUBLISHING: ReadonlyMap<string, string> = new Map([
  ...'npm pnpm yarn bun cargo poetry flit hatch uv vsce ovsx'.split(' ').map((name) => [name, 'publish'] as const),
  ...['twine', 'hf', 'huggingface-cli'].map((name) => [name, 'upload'] as const),
  ...['gem', 'docker', 'podman', 'helm'].map((name) => [name, 'push'] as const),
])

const SCHEME = /^[a-z][a-z0-9+.-]{1,10}:\/\//i
const WEB = /^(?:--?[\w-]{1,40}=)?(https?:\/\/.{1,2000})$/is
/** Before `:`, and no folder. */
const COPY = /^[^/\s]{1,300}:/
const HOST = /^[^\s:;,()<>[\]{}|'"`\\^]{1,253}(?::\d{1,5})?$|^\[[0-9a-f:.]{2,45}\]/i
const METHOD = /^(?:GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS)$/
/** What a script puts in by itself: variables and what commands print. */
const PUT_IN = /\$\([^)]{0,120}\)|\$\{[^}]{0,100}\}|\$\w{1,64}/g
/** What commands print, other than what machine this is. */
const PRINTED = /\$\((?!\(|\s{0,9}(?:date|which|command -v|uname|arch\b|dpkg|lsb_release|go env))/

/** The places that a command reaches. Called for each command of a script. */
export function reachedBy(command: Command): readonly Reached[] {
  const { name, args } = command
  const program = PROGRAMS.get(name)
  if (program !== undefined) {
    return hostsReached(command, program)
  }
  if (/^python[\d.]*$/.test(name) && args[0] === '-m' && args[1] !== undefined) {
    return published({ name: args[1], args: args.slice(2) })
  }
  if (MAILERS.has(name)) {
    return args.filter((arg) => /^[^\s@]{1,64}@[^\s@]{1,253}$/.test(arg)).flatMap((arg) => placed(arg, true))
  }
  if (POWERSHELL.has(name)) {
    const uploads = args.some(
      (arg, index) => /^-infile$/i.test(arg) || (/^-body$/i.test(arg) && /[$(]/.test(args[index + 1] ?? '')),
    )
    return args
      .filter((arg, index) => SCHEME.test(arg) || /^-uri$/i.test(args[index - 1] ?? ''))
      .flatMap((arg) => placed(arg, uploads))
  }
  if (name === 'socat') {
    const uploads = isFed(command) || args.some((arg) => /^(?:file|open|gopen|\.{0,2}\/)/i.test(arg))
    return args.flatMap((arg) => {
      const host = /^(?:tcp|udp|openssl|ssl|sctp|socks|proxy)[\w-]{0,20}:([^:,]{1,253})/i.exec(arg)?.[1]
      return host === undefined || /^[\w-]{1,24}-l/i.test(arg) ? [] : placed(host, uploads)
    })
  }
  if (name === 'openssl') {
    const at = args.indexOf('-connect')
    return at < 0 ? [] : placed(args[at + 1] ?? '', isFed(command))
  }
  return published(command)
}

function hostsReached(command: Command, program: Program): readonly Reached[] {
  const { args } = command
  const { operands, options } = partsOf(args, program)
  if (program.hosts === 'copied') {
    const gives = !operands.slice(0, -1).every(isRemote)
    return operands.flatMap((operand, index) =>
      isRemote(operand) ? placed(operand, gives && index === operands.length - 1) : [],
    )
  }
  const uploads =
    args.some((arg) => PRINTED.test(arg)) ||
    (program.sendsInput === true && (isFed(command) || operands[1] === 'put')) ||
    options.some(([option, value]) => program.gives?.[option]?.test(value) === true) ||
    (program === HTTPIE && operands.some((operand) => /^[\w.[\]-]{1,60}:?=?@/.test(operand)))
  const to = new Set(program.to?.split(' '))
  const named = options.filter(([option]) => to.has(option)).map(([, value]) => value)
  const listens = program.listens?.some((option) => options.some(([name]) => name === option)) === true
  return [...(listens ? [] : hostOperands(operands, program)), ...named].flatMap((text) => placed(text, uploads))
}

function hostOperands(operands: readonly string[], program: Program): readonly string[] {
  return program.hosts === 'every'
    ? operands
    : operands.slice(program === HTTPIE && METHOD.test(operands[0] ?? '') ? 1 : 0).slice(0, 1)
}

/** Installs from a place that is written out, publishes, copies to a cloud, pushes to an address. */
function published({ name, args }: Pick<Command, 'name' | 'args'>): readonly Reached[] {
  const words = args.filter((arg) => !arg.startsWith('-'))
  const sources = INSTALLERS.has(name)
    ? args.flatMap((arg) => WEB.exec(arg)?.[1] ?? []).filter((address) => !/\.git(?:[@#]|$)/.test(address))
    : []
  const publishes = PUBLISHING.get(name)
  if (publishes !== undefined && words[0] !== 'run' && words.slice(0, 2).includes(publishes)) {
    return [{ place: publishes, uploads: false }, ...sources.flatMap((text) => placed(text, true))]
  }
  if (sources.length > 0) {
    return sources.flatMap((text) => placed(text, false))
  }
  if (name === 'gh' || name === 'glab') {
    return (words[0] === 'gist' || words[0] === 'snippet') && words[1] === 'create'
      ? [{ place: words[0], uploads: true }]
      : []
  }
  if (name === 'git' || name === 'hg') {
    const at = args.indexOf('push')
    const to = at < 0 ? undefined : partsOf(args.slice(at + 1), { letters: 'o', words: 'push-option repo' })
    const address = to?.options.find(([option]) => option === 'repo')?.[1] ?? to?.operands[0] ?? ''
    return isRemote(address) ? placed(address, true) : []
  }
  return CLOUDS.has(name) ? copiedToCloud(args, words) : []
}

function copiedToCloud(args: readonly string[], words: readonly string[]): readonly Reached[] {
  const at = words.findIndex((word) => COPYING.has(word))
  const [from = '', to = ''] = words.slice(at + 1)
  if (at < 0 || isRemote(from)) {
    return []
  }
  const bucket = args[args.indexOf('--bucket') + 1]
  const place = isRemote(to)
    ? to.replace(SCHEME, '').split(/[/:?]/, 1)[0]
    : args.includes('--bucket')
      ? bucket
      : undefined
  return [{ place: place ?? (words[at] as string), uploads: true }]
}

/** The host of `https://user@host:8080/path`, `user@host:path`, `host::module`, `host/path`, as it is written. */
export function placed(text: string, uploads: boolean): readonly Reached[] {
  const plain = text.includes('$') ? text.replace(PUT_IN, '') : text
  const [authority = ''] = plain.replace(SCHEME, '').split(/[/?#]/, 1)
  const behind = authority.slice(authority.lastIndexOf('@') + 1).replace(/^[.-]+/, '')
  const host = HOST.exec(behind.startsWith('[') ? behind : behind.replace(/:(?:\D.*)?$/s, ''))?.[0]
  return host === undefined ? [] : [{ host, uploads }]
}

/** The name of a host that is not inside the network; `undefined` also for what is none. */
export function outsideHost(written: string): string | undefined {
  const host = readHost(written)?.host
  return host === undefined || hostNature(host).internal || (host.kind === 'name' && !host.name.includes('.'))
    ? undefined
    : host.name
}

function isRemote(operand: string): boolean {
  return SCHEME.test(operand) || COPY.test(operand)
}

/** Whether something comes in: down a pipe, from a file, or from the script. */
function isFed({ from, input, redirects }: Command): boolean {
  return from !== undefined || input !== undefined || redirects.some(({ kind }) => kind === 'read')
}
