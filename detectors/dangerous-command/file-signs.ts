/** Signs from what is done to which file: reading keys, emptying logs, writing where things start. */
import type { Command } from './command.ts'
import { type PlaceKind, placeKind } from './places.ts'
import { printed } from './printed.ts'
import { type FileUse, fileUses, type Role } from './roles.ts'
import type { Deed, Sign } from './sign.ts'
import { isNarrowed } from './wrappers.ts'

type Row = readonly [deed: Deed, what: string, weight: number, severity: Sign['severity']]
type Rows = Partial<Record<Role, Row>>

const changes = (row: Row): Rows => ({ write: row, append: row, empty: row, delete: row })

const TABLE: Readonly<Record<PlaceKind, Rows>> = {
  credentials: {
    read: ['takes credentials', 'reads keys or stored passwords', 0.8, 'high'],
    search: ['takes credentials', 'looks for keys or stored passwords', 0.6, 'medium'],
    delete: ['destroys', 'deletes keys or stored passwords', 0.3, 'medium'],
    write: ['persists', 'writes stored credentials', 0.3, 'medium'],
  },
  'package-settings': {
    read: ['takes credentials', 'reads settings that often hold a token', 0.2, 'medium'],
    search: ['takes credentials', 'looks for settings that often hold a token', 0.3, 'low'],
    write: ['persists', 'writes settings that often hold a token', 0.3, 'medium'],
  },
  'process-memory': { read: ['takes credentials', 'reads the memory of processes', 0.7, 'high'] },
  accounts: {
    ...changes(['escalates', 'changes the file of accounts', 0.85, 'high']),
    read: ['explores', 'reads the accounts of the machine', 0.15, 'low'],
  },
  privileges: {
    ...changes(['escalates', 'changes who may do what on the machine', 0.85, 'high']),
    rights: ['escalates', 'changes the rights of what says who may do what', 0.7, 'high'],
    read: ['explores', 'reads who may do what on the machine', 0.5, 'low'],
    list: ['explores', 'looks at who may do what on the machine', 0.2, 'low'],
  },
  'login-keys': {
    ...changes(['persists', 'changes the keys that may log in', 0.75, 'high']),
    read: ['explores', 'reads the keys that may log in', 0.2, 'low'],
  },
  preload: {
    ...changes(['persists', 'has a library loaded into every program', 0.9, 'high']),
    rights: ['persists', 'touches what is loaded into every program', 0.4, 'medium'],
  },
  startup: {
    write: ['persists', 'writes where programs are started by themselves', 0.7, 'medium'],
    append: ['persists', 'adds to what is started by itself', 0.7, 'medium'],
    rights: ['persists', 'changes the rights of what is started by itself', 0.4, 'low'],
    delete: ['destroys', 'deletes what is started by itself', 0.35, 'low'],
    list: ['explores', 'looks at what is started by itself', 0.15, 'low'],
    search: ['explores', 'looks for what is started by itself', 0.15, 'low'],
  },
  'shell-startup': {
    write: ['persists', 'overwrites what every shell runs first', 0.55, 'medium'],
    append: ['persists', 'adds to what every shell runs first', 0.5, 'low'],
  },
  history: {
    delete: ['evades', 'deletes the history of commands', 0.8, 'high'],
    empty: ['evades', 'empties the history of commands', 0.8, 'high'],
    write: ['evades', 'overwrites the history of commands', 0.7, 'medium'],
    read: ['takes credentials', 'reads the history of commands', 0.45, 'low'],
  },
  logs: {
    empty: ['evades', 'empties logs', 0.75, 'high'],
    delete: ['evades', 'deletes logs', 0.65, 'medium'],
    write: ['evades', 'overwrites logs', 0.3, 'medium'],
  },
  mail: changes(['destroys', 'changes the mail of users', 0.6, 'medium']),
  device: {
    write: ['destroys', 'writes over a disk', 0.75, 'critical'],
    empty: ['destroys', 'writes over a disk', 0.95, 'critical'],
    delete: ['destroys', 'wipes a disk', 0.9, 'critical'],
    read: ['takes credentials', 'reads a whole disk', 0.35, 'medium'],
  },
  'security-settings': {
    ...changes(['evades', 'changes what watches or guards the machine', 0.65, 'medium']),
    read: ['explores', 'reads what guards the machine', 0.2, 'low'],
  },
  'trust-settings': {
    write: ['evades', 'changes whom the machine trusts', 0.55, 'medium'],
    append: ['evades', 'changes whom the machine trusts', 0.5, 'medium'],
  },
  'kernel-settings': {
    write: ['evades', 'changes the running kernel', 0.6, 'medium'],
    append: ['evades', 'changes the running kernel', 0.6, 'medium'],
  },
  broad: { read: ['exfiltrates', 'gathers a whole folder of users or of the system', 0.2, 'low'] },
  private: { read: ['spies', 'reads private documents or messages', 0.3, 'low'] },
  browsing: {
    read: ['spies', 'reads what the user browsed', 0.55, 'medium'],
    search: ['spies', 'looks for what the user browsed', 0.5, 'low'],
  },
  system: {
    delete: ['destroys', 'deletes files of the system', 0.3, 'medium'],
    write: ['persists', 'replaces files of the system', 0.15, 'low'],
    rights: ['escalates', 'changes the rights of files of the system', 0.1, 'low'],
  },
}

/** A line for a shell to start with that sets a path or an option only. */
const HARMLESS_LINE = /\b(?:PATH|NVM_DIR|JAVA_HOME|GOPATH|EDITOR|LANG|LC_ALL|PS1|alias|source|complete)\b/
/** Programs that give away what they read: to a file, an archive or the network. */
const TAKERS = new Set([
  'cp',
  'gcp',
  'mv',
  'tar',
  'zip',
  'gzip',
  'base64',
  'xxd',
  'curl',
  'wget',
  'nc',
  'scp',
  'rsync',
  'ditto',
  'dd',
  'openssl',
  'gpg',
  'split',
  'ed',
  'bzip2',
  'xz',
  '7z',
])

const HOME = /^(?:~|\$\{?HOME\}?|\/home\/[^/]{1,60}|\/Users\/[^/]{1,60}|\/root)\/[^/]+$/
/** Programs that carry what they are given to another machine, or into a form in which nobody knows it. */
const CARRIERS = new Set(
  'curl wget nc ncat netcat socat telnet scp sftp rsync ftp tftp mail mailx sendmail mutt base64 base32 xxd'.split(' '),
)

/** Whether what the command reads leaves by it. */
const leaves = ({ name }: Command) => CARRIERS.has(name)

/** What the command does to files of note. */
export function fileSigns(command: Command): readonly Sign[] {
  const signs: Sign[] = []
  const uses = fileUses(command)
  for (const use of uses) {
    const place = placeKind(use.path)
    const sign = place === undefined ? undefined : judged(command, use, place, uses)
    if (sign !== undefined) {
      signs.push(sign)
    }
  }
  const renamed = renamedShell(command, uses)
  return [...signs, ...handed(command), ...passedOn(command), ...(renamed ? [RENAMED] : [])]
}

/** `cat .npmrc | curl -d @- ...` */
function passedOn(command: Command): readonly Sign[] {
  const { from } = command
  return from !== undefined && leaves(command) && readsPackageSettings(from) ? [PASSED_ON] : []
}

/** Whether a command reads settings of a package manager, which often hold a token. */
export function readsPackageSettings(command: Command): boolean {
  return fileUses(command).some(({ role, path }) => role === 'read' && placeKind(path) === 'package-settings')
}

const PASSED_ON: Sign = {
  deed: 'takes credentials',
  what: 'gives out settings that often hold a token',
  weight: 0.6,
  severity: 'medium',
}

const RENAMED: Sign = {
  deed: 'evades',
  what: 'copies a shell or an interpreter under another name',
  weight: 0.55,
  severity: 'medium',
}
const HANDED: Sign = {
  deed: 'takes credentials',
  what: 'hands keys or stored passwords to another program',
  weight: 0.55,
  severity: 'high',
}
/** What mentions a path without opening it. */
const MENTIONS = new Set([
  'echo',
  'printf',
  'test',
  '[',
  '[[',
  'ls',
  'stat',
  'cd',
  'for',
  'ssh',
  'ssh-add',
  'ssh-keygen',
  'ssh-copy-id',
  'scp',
  'sftp',
  'rsync',
  'git',
  'chmod',
  'chown',
  'mkdir',
  'touch',
  'file',
  'export',
  'case',
  'find',
  'locate',
  'docker',
  'kubectl',
  'certbot',
  'nginx',
  'curl',
  'wget',
  'keytool',
  'openssl',
  'puppet',
  'ansible',
  'ansible-playbook',
  'man',
  'grep',
  'alias',
  'set',
  'local',
])

function renamedShell({ name, args }: Command, uses: readonly FileUse[]): boolean {
  const from = args.find((arg) =>
    /^\/(?:usr\/)?(?:local\/)?bin\/(?:ba|z|da|k)?sh$|^\/(?:usr\/)?bin\/(?:nc|ncat|python\d?|perl|curl|wget)$/.test(arg),
  )
  const to = uses.find(({ role }) => role === 'write')?.path
  return (name === 'cp' || name === 'install') && from !== undefined && to !== undefined && !to.startsWith('/usr')
}

/** Keys in the words of a program that we do not know, or in what an editor is told to do. */
function handed(command: Command): readonly Sign[] {
  const told =
    command.from !== undefined && /^(?:ed|ex|vi|vim|xargs)$/.test(command.name)
      ? (printed(command.from) ?? '').split(/\s+/)
      : []
  const words =
    MENTIONS.has(command.name) || command.name === ''
      ? told
      : [...command.args.filter((arg) => arg.startsWith('/') || arg.startsWith('~')), ...told]
  const named = words.some((word) =>
    /\/(?:g?shadow|master\.passwd)$|\/id_(?:rsa|dsa|ecdsa|ed25519)$|\/\.aws\/credentials$/.test(word),
  )
  return named ? [HANDED] : []
}

function judged(command: Command, use: FileUse, place: PlaceKind, uses: readonly FileUse[]): Sign | undefined {
  if (place === 'broad') {
    return broadly(command, use)
  }
  const row = TABLE[place][use.role]
  if (row === undefined) {
    return undefined
  }
  const [deed, what, weight, severity] = row
  return { deed, what, weight: adjusted(command, use, place, weight, uses), severity }
}

function adjusted(command: Command, use: FileUse, place: PlaceKind, weight: number, uses: readonly FileUse[]): number {
  const taken = TAKERS.has(command.name) || uses.some(({ role }) => role === 'write' || role === 'append')
  if ((place === 'accounts' || place === 'privileges' || place === 'history') && use.role === 'read') {
    return taken ? Math.max(weight, 0.5) : weight
  }
  if (place === 'package-settings' && use.role === 'read') {
    // Those of a project name registries; those of a home hold the token of its user.
    return leaves(command) ? 0.6 : HOME.test(use.path) ? 0.5 : weight
  }
  if (place === 'shell-startup' && use.role === 'append') {
    const line = command.from === undefined ? command.args.join(' ') : (printed(command.from) ?? '')
    return HARMLESS_LINE.test(line) ? 0.1 : weight
  }
  if (place === 'shell-startup' && use.role === 'write' && command.name === 'ln') {
    return 0.3
  }
  if (place === 'login-keys' && command.wrappers.includes('ssh')) {
    // How one gives one's own key to another machine.
    return 0.3
  }
  if (place === 'logs' && use.role === 'delete' && command.narrowed) {
    return 0.35
  }
  if (place === 'device' && command.name === 'dd') {
    return command.args.some((arg) => /^if=\/dev\/(?:zero|u?random)/.test(arg)) ? 0.95 : 0.45
  }
  return weight
}

/** Deleting or opening a place that everything lies under. */
function broadly(command: Command, use: FileUse): Sign | undefined {
  if (use.role === 'delete' && (use.recursive || use.path.endsWith('*'))) {
    const tidying = command.narrowed || (command.name === 'find' && isNarrowed(command.args))
    if (tidying) {
      return {
        deed: 'destroys',
        what: 'deletes some files under a whole disk, home or folder of the system',
        weight: 0.35,
        severity: 'medium',
      }
    }
    const whole = /^(?:\/\*?|~\/?\*?|\$HOME\/?\*?|[A-Z]:\\\*?)$/.test(use.path) && command.name !== 'find'
    return whole || use.recursive
      ? {
          deed: 'destroys',
          what: 'deletes a whole disk, home or folder of the system',
          weight: whole ? 0.95 : 0.7,
          severity: whole ? 'critical' : 'high',
        }
      : undefined
  }
  if (use.role === 'rights' && command.args.some((arg) => /^-[a-z]*R|^--recursive/.test(arg))) {
    return {
      deed: 'destroys',
      what: 'changes the rights of a whole disk, home or folder of the system',
      weight: 0.6,
      severity: 'high',
    }
  }
  if (use.role === 'read' && ['tar', 'zip', 'rsync', '7z'].includes(command.name)) {
    return {
      deed: 'exfiltrates',
      what: 'packs a whole disk, home or folder of the system',
      weight: 0.3,
      severity: 'low',
    }
  }
  return undefined
}
