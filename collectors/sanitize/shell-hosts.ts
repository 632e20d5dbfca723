/** Hosts that a command line reaches: by what each command takes for one, not by what merely looks like one. */
import { addAuthority, type Endpoints, findRecipients, splitAuthority } from './endpoint.ts'
import { isAddress, isHost } from './host.ts'
import { splitCommands } from './shell-words.ts'

type Kind = 'web' | 'login' | 'names' | 'copy' | 'git' | 'mail' | 'database' | 'tunnel'

const KINDS: ReadonlyMap<string, Kind> = new Map(
  Object.entries({
    web: `curl wget http https xh aria2c lynx links w3m axel fetch iwr irm invoke-webrequest invoke-restmethod httpie wget2
      start-bitstransfer ab hey wrk websocat wscat grpcurl ffuf gobuster nikto sqlmap`,
    login:
      'ssh sftp ssh-copy-id mosh autossh telnet ftp lftp tftp nc ncat netcat nc.traditional nc.openbsd rdesktop xfreerdp',
    names:
      'ping ping6 traceroute tracepath mtr nslookup dig host whois nmap masscan drill fping hping3 resolvectl arping',
    copy: 'scp rsync rclone',
    git: 'git hg svn',
    mail: 'mail mailx mutt sendmail msmtp swaks s-nail',
    database: `psql mysql mysqldump mariadb pg_dump pg_restore mongo mongosh mongodump redis-cli clickhouse-client cqlsh
      mysqladmin pg_isready mosquitto_pub mosquitto_sub kcat ldapsearch smbclient`,
    tunnel: 'socat openssl chisel ngrok cloudflared stunnel',
  }).flatMap(([kind, names]) => names.split(/\s+/).map((name) => [name, kind as Kind] as const)),
)
const ANY_COMMAND = new RegExp(
  `(?:^|[^\\w.-])(?:${[...KINDS.keys()].join('|').replaceAll('.', '\\.')})(?:\\.exe)?(?:[\\s"']|$)`,
  'i',
)
const FIRST_COMMAND = new RegExp(`^\\s*(?:sudo\\s+)?(?:${[...KINDS.keys()].join('|').replaceAll('.', '\\.')})\\s`, 'i')
/** Words that may stand before a command. */
const BEFORE_COMMAND =
  /^(?:\w+=.*|sudo|doas|env|nohup|time|timeout|xargs|exec|command|stdbuf|nice|watch|proxychains4?|torsocks|do|then|else|if|while|!|\$|-\S*|\d+[smh]?)$/

/** Short options that take the next word. */
const SHORT_VALUES: Readonly<Record<Kind, string>> = {
  web: 'oOdFHTuAebcKwXmEYyzrCQPUDitaSB',
  login: 'bcDEeFIiJLlmOopQRSWwsXxGgTVq',
  names: 'ciswWtlIMpQSmfTbnqkye',
  copy: 'eFiJloPSc',
  git: 'bcCoujm',
  mail: 'sabcrSFf',
  database: 'pUdufnNtaDHbLlIqmPVCKo',
  tunnel: '',
}
/** Of `wget` and friends, `-O` takes a name; of `curl` it does not, and the URL would be lost. */
const CURL_FLAGS = 'OitaSBc'
/** Long options that take no value, among those that a host may follow. */
const LONG_FLAG =
  /^--(?:silent|location|insecure|fail|head|include|verbose|compressed|get|globoff|remote-name|remote-header-name|show-error|no-progress-meter|quiet|no-check-certificate|continue|recursive|spider|ipv[46]|http[123][.0]*|fail-with-body|anyauth|basic|digest|json|progress-bar|archive|delete|compress|dry-run|partial|stats|tls-max|ssl|proto-default|mirror|no-verbose|force)$/
/** Options whose value is itself an endpoint, by the commands that have them. */
const ENDPOINT_OPTION =
  /^(?:--proxy|--preproxy|--socks[45]\w*|--host|--hostname|--url|--connect|-connect|--server|--smtp-server|--bootstrap-server|-uri)$/i
const SHORT_ENDPOINTS: Readonly<Partial<Record<Kind, readonly string[]>>> = {
  web: ['-x'],
  login: ['-x', '-J'],
  mail: ['-S'],
  database: ['-h', '-H', '-b'],
}

const DEVICE = /\/dev\/(?:tcp|udp)\/([^\s/"'`;|&()<>]{1,253})\/(\d{1,5})/g
const SOCKET_ADDRESS = /\b(?:tcp|udp|openssl|ssl|socks4a?|proxy)[46]?(?:-connect)?:([^\s:,"']{1,253}):(\d{1,5})/gi
/** `socket.connect(("10.0.0.5", 4444))`, `SMTP('mail.example.com')`: a quoted host in a call that connects. */
const CONNECT_CALL =
  /(?:connect|connection|socket|client|smtp|smtp_ssl|imap4?|ftp|dial|resolve|lookup|getaddrinfo|gethostbyname)\w{0,16}\s?\(\s{0,4}\(?\s{0,4}(?:["']tcp["'],\s{0,4})?["']([^"'\s]{1,253})["'](?:\s{0,4},\s{0,4}["']?(\d{1,5}))?/gi
const SCP_PATH = /^(?:[^\s/:@]{1,64}@)?(\[[0-9a-f:.]{2,60}\]|[a-z0-9][a-z0-9._-]{1,252}):(?!\/\/)/i
const NESTING = 3

/** True for a text that begins like a command line, whatever its argument is called. */
export function startsWithCommand(text: string): boolean {
  return FIRST_COMMAND.test(text.length > 64 ? text.slice(0, 64) : text)
}

/** Adds the hosts that a command line or a piece of code reaches. URLs with a scheme are found elsewhere. */
export function findCommandHosts(text: string, found: Endpoints, nesting = 0): void {
  if (text.includes('/dev/')) {
    addAll(text.matchAll(DEVICE), 'tcp', found)
  }
  if (text.includes('(')) {
    findCalls(text, found)
  }
  if (!ANY_COMMAND.test(text)) {
    return
  }
  for (const words of splitCommands(text)) {
    if (found.full) {
      return
    }
    for (const word of words) {
      // `bash -c "curl ..."`
      if (nesting < NESTING && /\s/.test(word) && ANY_COMMAND.test(word)) {
        findCommandHosts(word, found, nesting + 1)
      }
    }
    readCommand(words, found)
  }
}

function readCommand(words: readonly string[], found: Endpoints): void {
  const first = words.findIndex((word) => !BEFORE_COMMAND.test(word))
  const name = (words[first] ?? '')
    .replace(/^.*[/\\]/, '')
    .replace(/\.exe$/i, '')
    .toLowerCase()
  const kind = KINDS.get(name)
  if (kind === undefined) {
    return
  }
  const rest = words.slice(first + 1)
  if (kind === 'copy' || kind === 'git' || kind === 'mail') {
    for (const word of rest) {
      if (kind === 'mail') {
        findRecipients(word, found)
      } else {
        addScpPath(word, found)
      }
    }
    return
  }
  if (kind === 'tunnel') {
    addAll(rest.join(' ').matchAll(SOCKET_ADDRESS), 'tcp', found)
  }
  readOperands(rest, kind, name, found)
}

/** Reads the words that are no options and no values of options, and the options that name an endpoint. */
function readOperands(words: readonly string[], kind: Kind, name: string, found: Endpoints): void {
  if (kind === 'login' && words.some((word) => /^-\w*l/.test(word)) && name.startsWith('nc')) {
    return
  }
  let operands = 0
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index] ?? ''
    if (word.startsWith('-')) {
      const value = words[index + 1]
      const attached = /^--[\w-]+=(.+)$/.exec(word)
      if (attached !== null && ENDPOINT_OPTION.test(word.slice(0, word.indexOf('=')))) {
        addOperand(attached[1] ?? '', kind, found)
      } else if (value !== undefined && takesEndpoint(word, kind)) {
        addOperand(value, kind, found)
        index += 1
      } else if (attached === null && takesValue(word, value, kind, name)) {
        index += 1
      }
      continue
    }
    operands += 1
    if (kind === 'web' || kind === 'names' || (kind === 'login' && operands === 1)) {
      addOperand(word, kind, found)
    }
  }
}

function takesEndpoint(option: string, kind: Kind): boolean {
  return SHORT_ENDPOINTS[kind]?.includes(option) === true || ENDPOINT_OPTION.test(option)
}

function takesValue(option: string, value: string | undefined, kind: Kind, name: string): boolean {
  if (option.startsWith('--')) {
    // Nobody knows all options; what looks like a host is not passed over for one.
    return !LONG_FLAG.test(option) && !isHost(value ?? '', false)
  }
  const last = option.at(-1) ?? ''
  return SHORT_VALUES[kind].includes(last) && !(name === 'curl' && CURL_FLAGS.includes(last))
}

function addOperand(word: string, kind: Kind, found: Endpoints): void {
  // `dig @8.8.8.8 name`, `$(whoami).evil.example`; of `$HOST` nothing is known.
  const operand = word.replace(/^(?:@|\$?\.)+/, '')
  if (word.includes('://') || operand.includes('$')) {
    return
  }
  const authority = operand.replace(/[/?#][\s\S]*$/, '')
  const { host, port } = isAddress(authority) ? { host: authority, port: undefined } : splitAuthority(authority)
  const short = kind === 'login' || kind === 'database' || port !== undefined
  if (isHost(host, true) || (short && /^[a-z][a-z0-9_-]{1,62}$/i.test(host))) {
    addAuthority(authority, undefined, found)
  }
}

function addScpPath(word: string, found: Endpoints): void {
  const host = SCP_PATH.exec(word)?.[1]
  if (host !== undefined) {
    found.add(host, 'ssh')
  }
}

function findCalls(text: string, found: Endpoints): void {
  for (const match of text.matchAll(CONNECT_CALL)) {
    const host = match[1] ?? ''
    if (match[2] !== undefined || isHost(host, false)) {
      addAuthority(
        match[2] === undefined ? host : `${isAddress(host) && host.includes(':') ? `[${host}]` : host}:${match[2]}`,
        undefined,
        found,
      )
    }
  }
}

function addAll(matches: Iterable<RegExpExecArray>, scheme: string, found: Endpoints): void {
  for (const match of matches) {
    found.add(match[1] ?? '', scheme, Number(match[2]))
  }
}
