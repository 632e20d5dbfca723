/** Signs from commands that talk to other machines: code from there, data to there, ways in and out. */

import type { Command } from './command.ts'
import { isDecoder } from './printed.ts'
import { isShell } from './read-script.ts'
import { FLAGGED, type Sign, sign } from './sign.ts'

const FETCHERS = new Set([
  'curl',
  'wget',
  'fetch',
  'http',
  'https',
  'aria2c',
  'nscurl',
  'lwp-download',
  'ftp',
  'tftp',
  'nc',
  'ncat',
  'socat',
  'dig',
  'nslookup',
  'host',
  'invoke-webrequest',
  'iwr',
  'irm',
])
const INTERPRETERS = new Set([
  'python',
  'python2',
  'python3',
  'perl',
  'ruby',
  'node',
  'php',
  'osascript',
  'pwsh',
  'powershell',
  'lua',
  'source',
  '.',
  'eval',
  'iex',
])
/** Projects that publish their installer this way, by host. The habit is theirs; the risk stays. */
const INSTALLERS =
  /(?:get\.docker\.com|sh\.rustup\.rs|deb\.nodesource\.com|rpm\.nodesource\.com|raw\.githubusercontent\.com\/(?:nvm-sh|Homebrew|ohmyzsh|helm|pyenv|rbenv|creationix)\/|install\.python-poetry\.org|astral\.sh|bun\.sh|deno\.land|get\.helm\.sh|get\.k3s\.io|get\.sdkman\.io|get\.rvm\.io|starship\.rs|install\.duckdb\.org|ollama\.com|fnm\.vercel\.app|get\.pnpm\.io|cli\.github\.com|pkg\.cloudflare\.com|bootstrap\.pypa\.io)/
const METADATA =
  /169\.254\.169\.254|169\.254\.170\.2|metadata\.google\.internal|100\.100\.100\.200|fd00:ec2::254|metadata\.azure/
const SOCKET = /\/dev\/(?:tcp|udp)\//
const REMOTE = /^[a-z][a-z0-9+.-]{1,10}:\/\//i
const LOCAL_HOST =
  /^(?:https?:\/\/)?(?:[^/@]{0,80}@)?(?:localhost|127\.|\[?::1|0\.0\.0\.0|10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.)/i
/** Where data is handed in without an account. */
const DROPS =
  /(?:discord(?:app)?\.com\/api\/webhooks|hooks\.slack\.com|api\.telegram\.org|webhook\.|pastebin|paste\.|transfer\.|\.onion\b|ngrok|requestbin|pipedream|oast|burpcollaborator|interact\.sh|file\.io|0x0\.st|ix\.io|termbin|anonfiles|gofile|bashupload|temp\.sh|catbox|dpaste|hastebin|sprunge)/i
const TUNNELS = new Set([
  'ngrok',
  'cloudflared',
  'chisel',
  'devtunnel',
  'bore',
  'frpc',
  'frps',
  'ligolo',
  'gost',
  'rathole',
  'tor',
  'iodine',
  'dnscat',
  'dnscat2',
  'ptunnel',
  'tailscale',
  'zerotier-cli',
  'localtunnel',
  'lt',
  'sshuttle',
  'stunnel',
  'revsocks',
  'pagekite',
  'teamviewer',
  'anydesk',
  'rustdesk',
])
const SCANNERS = new Set([
  'nmap',
  'masscan',
  'zmap',
  'rustscan',
  'unicornscan',
  'arp-scan',
  'netdiscover',
  'fping',
  'nbtscan',
  'enum4linux',
  'smbmap',
  'crackmapexec',
  'netexec',
  'nikto',
  'gobuster',
  'ffuf',
  'wfuzz',
  'dirb',
  'sqlmap',
  'hping3',
  'telnet-scan',
])

/** What the command has to do with other machines. */
export function networkSigns(command: Command): readonly Sign[] {
  const line = command.args.join(' ').slice(0, 2000)
  return [
    remoteCode(command, line),
    upload(command, line),
    reverseShell(command, line),
    way(command, line),
    scan(command, line),
  ].filter((each) => each !== undefined)
}

/** `curl ... | sh`, `sh <(curl ...)`, `eval "$(curl ...)"`, `base64 -d | sh`. */
function remoteCode(command: Command, line: string): Sign | undefined {
  const runs = isShell(command.name) || INTERPRETERS.has(command.name)
  if (!runs) {
    return undefined
  }
  const given = sources(command)
  const fetched = given.find(({ name }) => FETCHERS.has(name))
  const inline = command.args.some((arg) => /^\s*(?:\$\(|<\()\s*(?:curl|wget|fetch)\b/.test(arg))
  if (fetched !== undefined || inline) {
    const from = `${fetched?.args.join(' ') ?? ''} ${inline ? line : ''}`
    const known = INSTALLERS.test(from)
    const local = (fetched?.args ?? []).some((arg) => LOCAL_HOST.test(arg))
    return sign(
      'runs remote code',
      known ? 'runs an installer from the network' : 'runs code from the network',
      known ? FLAGGED : local ? 0.4 : 0.8,
      known ? 'medium' : 'high',
    )
  }
  if (!isShell(command.name) && command.name !== 'eval') {
    return undefined
  }
  const hidden = given.some(isDecoder) || /\$\([^)]{0,300}(?:base64|b64decode|xxd)\s+-{1,2}[a-zA-Z]*[dDr]/.test(line)
  return hidden ? sign('runs remote code', 'runs code that was encoded', 0.8, 'high') : undefined
}

/** The commands whose output reaches this one. */
function sources(command: Command): readonly Command[] {
  const found: Command[] = []
  for (let at = command.from; at !== undefined && found.length < 6; at = at.from) {
    found.push(at)
  }
  return found
}

function upload(command: Command, line: string): Sign | undefined {
  const { name, args } = command
  if (METADATA.test(line) && FETCHERS.has(name)) {
    return sign('takes credentials', 'asks the machine for its credentials', 0.85, 'critical')
  }
  if (name === 'curl' || name === 'wget' || name === 'http') {
    const file = args.some((arg, index) => {
      const before = args[index - 1] ?? ''
      return (
        (/^(?:-F|--form|-d|--data(?:-binary|-raw|-urlencode)?|--post-file|--body-file)$/.test(before) &&
          /(?:^|=)[@<]/.test(arg)) ||
        /^(?:-T|--upload-file|--post-file)$/.test(before) ||
        /^--(?:post-file|body-file|upload-file)=/.test(arg) ||
        /^-(?:F|d)\S{0,60}@/.test(arg)
      )
    })
    const told =
      /\$\((?!date|which)|\$\{?(?:OUTPUT|RESULT|DATA|TOKEN|SECRET|PASS)/.test(line) &&
      /(?:-d|--data\S*|-F|--form|-X)\s/.test(line)
    if (DROPS.test(line) && (file || told || /\s-(?:d|F|T|X)|--data/.test(` ${line}`))) {
      return sign('exfiltrates', 'sends data where anybody can collect it', 0.75, 'high')
    }
    if (file && !args.some((arg) => LOCAL_HOST.test(arg))) {
      return sign('exfiltrates', 'sends a file to another machine', 0.4, 'medium')
    }
    return told
      ? sign('exfiltrates', 'sends the output of a command to another machine', 0.35, 'medium')
      : DROPS.test(line)
        ? sign('exfiltrates', 'talks to a service where anybody can leave data', 0.4, 'low')
        : undefined
  }
  if (name === 'dig' || name === 'nslookup' || name === 'host') {
    return /\$\([^)]{0,200}\)\.|\$\{?\w+\}?\.|^[A-Za-z0-9+/=]{40,}\./.test(line) &&
      (command.looped || /\$\(/.test(line))
      ? sign('exfiltrates', 'puts data into names that it looks up', 0.65, 'high')
      : undefined
  }
  if (name === 'ping') {
    return /(?:^|\s)-p\s/.test(line) ? sign('exfiltrates', 'puts data into pings', 0.6, 'medium') : undefined
  }
  if (['nc', 'ncat', 'netcat', 'socat', 'telnet', 'openssl'].includes(name)) {
    const fed = command.redirects.some(({ kind }) => kind === 'read') || sources(command).length > 0
    return fed && /\d{2,5}\s*$|connect/.test(line) && name !== 'openssl'
      ? sign('exfiltrates', 'sends data over a bare connection', 0.35, 'medium')
      : undefined
  }
  if (['rclone', 'aws', 'gsutil', 'azcopy', 's3cmd', 'mc'].includes(name)) {
    return /\b(?:cp|sync|copy|put|mv|rsync)\b/.test(line) &&
      /\b(?:s3|gs|https?|[a-z]+):/.test(line) &&
      /\/(?:etc|home|root|var)\b|~/.test(line)
      ? sign('exfiltrates', 'copies files to a cloud', 0.4, 'medium')
      : undefined
  }
  if (['nfs', 'smbclient', 'ftp', 'tftp', 'lftp'].includes(name)) {
    return /\bput\b|mput/.test(`${line} ${command.input ?? ''}`)
      ? sign('exfiltrates', 'sends a file to another machine', 0.45, 'medium')
      : undefined
  }
  if (name === 'whois' || name === 'finger') {
    return /-h\b.{0,200}-p\b/.test(line)
      ? sign('exfiltrates', 'misuses a lookup to carry data', 0.55, 'medium')
      : undefined
  }
  return undefined
}

function reverseShell(command: Command, line: string): Sign | undefined {
  const { name, redirects } = command
  const socket = redirects.some(({ target }) => SOCKET.test(target)) || SOCKET.test(line)
  if (socket) {
    const bound = isShell(name) || name === 'exec' || redirects.length > 1
    return bound && !command.looped
      ? sign('runs remote code', 'gives a shell to another machine', 0.9, 'critical')
      : sign('explores', 'opens connections by hand', command.looped ? 0.6 : 0.4, 'medium')
  }
  if (['nc', 'ncat', 'netcat'].includes(name) && /(?:^|\s)-[a-z]*[ec]\s|--(?:sh-)?exec/.test(` ${line}`)) {
    return sign('runs remote code', 'gives a shell to another machine', 0.9, 'critical')
  }
  if (name === 'socat' && /EXEC:|SYSTEM:/i.test(line)) {
    return sign('runs remote code', 'gives a shell to another machine', 0.85, 'critical')
  }
  const piped =
    ['nc', 'ncat', 'netcat', 'telnet', 'openssl'].includes(name) && sources(command).some((each) => isShell(each.name))
  return piped ? sign('runs remote code', 'gives a shell to another machine', 0.85, 'critical') : undefined
}

function way(command: Command, line: string): Sign | undefined {
  const { name, args } = command
  if (
    TUNNELS.has(name) ||
    (name === 'code' && args[0] === 'tunnel') ||
    (name === 'osascript' && /do script "tor"/.test(line))
  ) {
    return args.some((arg) => /^(?:-v|--version|version|-h|--help|status)$/.test(arg))
      ? undefined
      : sign('tunnels', 'opens a tunnel out of the network', 0.65, 'medium')
  }
  if (name === 'ssh' && /(?:^|\s)-[a-zA-Z]*R\s?/.test(` ${line}`) && /\d+:[^ ]{1,80}:\d+/.test(line)) {
    return sign('tunnels', 'opens a tunnel into the network', 0.4, 'medium')
  }
  if (name === 'networksetup') {
    return /-set\w*proxy|-setdns/.test(line)
      ? sign('tunnels', 'sends the traffic of the machine elsewhere', 0.6, 'medium')
      : undefined
  }
  if (name === 'sshpass') {
    return sign('takes credentials', 'logs in with a password in clear', 0.45, 'low')
  }
  const proxied = command.assigns.find(
    ([variable, value]) => /^(?:https?|all|socks)_proxy$/i.test(variable) && /127\.0\.0\.1|localhost/.test(value),
  )
  return proxied === undefined ? undefined : sign('tunnels', 'sends traffic through a local proxy', 0.3, 'low')
}

function scan(command: Command, line: string): Sign | undefined {
  const { name } = command
  if (SCANNERS.has(name)) {
    return sign(
      'explores',
      'scans machines of the network',
      name === 'nmap' || name === 'fping' ? 0.55 : 0.65,
      'medium',
    )
  }
  if (command.looped && (name === 'ping' || ((name === 'nc' || name === 'ncat') && /-[a-z]*z/.test(line)))) {
    return sign('explores', 'scans machines of the network', 0.5, 'low')
  }
  if (name === 'nc' && /-[a-z]*z/.test(line)) {
    return sign('explores', 'tries ports of a machine', /\d+-\d+/.test(line) ? 0.5 : 0.2, 'low')
  }
  return name === 'ldapsearch' && /\bldaps?:\/\//.test(line)
    ? sign('explores', 'lists accounts of a directory', 0.5, 'low')
    : undefined
}

/** What a fetched file is called, so that running it later is known: `curl -O https://h/a.sh; sh a.sh`. */
export function fetchedFile({ name, args, redirects }: Command): string | undefined {
  if (!FETCHERS.has(name)) {
    return undefined
  }
  const named = args.findIndex((arg) => /^-[a-zA-Z]*[oO]$|^--output$|^--output-document$/.test(arg))
  const url = args.find((arg) => REMOTE.test(arg) && !LOCAL_HOST.test(arg))
  if (url === undefined) {
    return undefined
  }
  const option = args[named] ?? ''
  const explicit = /o$|output/.test(option) || (name === 'wget' && option.endsWith('O')) ? args[named + 1] : undefined
  const path = explicit ?? redirects.find(({ kind }) => kind === 'write')?.target ?? url.replace(/[?#].*$/s, '')
  return path.slice(path.lastIndexOf('/') + 1) || undefined
}
