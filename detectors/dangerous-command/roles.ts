/** What a command does to the files it is given: which it reads, writes, deletes, empties, or changes the rights of. */
import type { Command } from './command.ts'
import { pathIn } from './folder.ts'
import { foundPlaces } from './wrappers.ts'

/** `search`: looked for by name. `rights`: owner, mode, times or attributes changed. */
export type Role = 'read' | 'write' | 'append' | 'delete' | 'empty' | 'rights' | 'search' | 'list'

export interface FileUse {
  readonly role: Role
  readonly path: string
  /** Deletes folders with all they hold. */
  readonly recursive: boolean
}

const set = (words: string) => new Set(words.split(' '))
const READERS = set(
  'cat tac nl head tail less more most strings xxd od hexdump base64 base32 awk gawk mawk sed cut sort uniq tar bsdtar zip gzip pigz bzip2 xz 7z 7za rar zstd ditto jq sqlite3 openssl gpg gpg2 ed ex view vim vi nano emacs cpio dd plutil strings file_get source . python python3 perl ruby php node split paste rev gcore bat scp sftp rsync iconv pbcopy xclip tr fold csplit secretsdump dos2unix mail mailx sendmail mutt nc ncat socat curl wget ftp tftp',
)
const GREPS = set('grep egrep fgrep rg ag ack zgrep')
const COPIERS = set('cp gcp mv install rsync scp ditto ln cpio')
const DELETERS = set('rm unlink shred srm rmdir wipe scrub del erase rd trash rimraf')
const RIGHTS = set('chmod chown chgrp chattr chflags setfacl touch setfile xattr setfattr setcap icacls takeown')
const LISTERS = set('ls stat file test lsattr getfacl du tree')

/** Every use of a file by the command; the paths are as they are written. */
export function fileUses(command: Command): readonly FileUse[] {
  const uses: FileUse[] = []
  const add = (role: Role, path: string, recursive = false) =>
    uses.push({ role, path: pathIn(command.folder, path), recursive })
  const { name } = command
  const args = withoutOwnKeys(command)
  for (const { kind, target } of command.redirects) {
    add(kind === 'write' ? (printsNothing(command) ? 'empty' : 'write') : kind === 'append' ? 'append' : 'read', target)
  }
  const files = args.filter((arg) => !arg.startsWith('-'))
  if (DELETERS.has(name)) {
    const recursive = args.some((arg) => /^-[a-zA-Z]*[rR]|^--recursive|^\/s$/i.test(arg))
    files.forEach((path) => {
      add('delete', path, recursive)
    })
  } else if (name === 'truncate') {
    files.forEach((path) => {
      add('empty', path)
    })
  } else if (COPIERS.has(name)) {
    copied(name, args, files, add)
  } else if (name === 'tee' || name === 'sponge') {
    files.forEach((path) => {
      add(args.includes('-a') ? 'append' : 'write', path)
    })
  } else if (name === 'dd') {
    for (const arg of args) {
      if (arg.startsWith('if=')) {
        add('read', arg.slice(3))
      } else if (arg.startsWith('of=')) {
        add('write', arg.slice(3))
      }
    }
  } else if (RIGHTS.has(name)) {
    files.forEach((path) => {
      add('rights', path)
    })
  } else if (LISTERS.has(name)) {
    files.forEach((path) => {
      add('list', path)
    })
  } else if (name === 'find' || name === 'locate' || name === 'mdfind' || name === 'fd') {
    const role = args.includes('-delete') ? 'delete' : 'search'
    const paths = name === 'find' ? foundPlaces(args) : files
    paths.forEach((path) => {
      add(role, path, role === 'delete' && !args.includes('-name'))
    })
  } else if ((name === 'sed' || name === 'gsed' || name === 'perl') && args.some((arg) => /^-[a-z]*i/.test(arg))) {
    files.slice(1).forEach((path) => {
      add('append', path)
    })
  } else if (GREPS.has(name)) {
    files.slice(1).forEach((path) => {
      add('read', path)
    })
  } else if (READERS.has(name)) {
    args.forEach((arg) => {
      add(
        'read',
        arg.replace(/^(?:-[A-Za-z]|--?[a-z-]{1,30}=|[a-z]{1,20}=)?@?/, (head) =>
          head.endsWith('@') ? '' : head.startsWith('-') && head.endsWith('=') ? '' : head,
        ),
      )
    })
  }
  return uses
}

/** Options with a value that names a key or certificate to identify with, or certificates to trust: it stays where it is. */
const CURL_KEYS =
  '-E --cert --key --pubkey --cacert --capath --crlfile --pinnedpubkey --proxy-cert --proxy-key --proxy-cacert --proxy-capath --proxy-crlfile'
const WGET_KEYS = '--ca-certificate --ca-directory --certificate --private-key --crl-file --pinnedpubkey'
/** As servers and clients that are scripts name them. */
const SCRIPT_KEYS =
  '--ca --cacert --cafile --ca-file --ca-cert --ca-certs --cert --certfile --cert-file --certificate --key --keyfile --key-file --private-key --pem --ssl-ca --ssl-ca-certs --ssl-cert --ssl-certfile --ssl-key --ssl-keyfile --tls-ca --tls-ca-file --tls-cert --tls-certfile --tls-cert-file --tls-key --tls-keyfile --tls-key-file --tls-private-key-file'
const OWN_KEYS: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ['curl', set(CURL_KEYS)],
  ['wget', set(WGET_KEYS)],
  ...['python', 'python2', 'python3', 'node', 'ruby', 'perl', 'php'].map((name) => [name, set(SCRIPT_KEYS)] as const),
  ...['scp', 'sftp'].map((name) => [name, set('-i -F')] as const),
  ['rsync', set('-e --rsh')],
])
/** What of openssl looks at certificates, or signs and connects with a key. */
const OPENSSL_USES = set('x509 verify s_client s_server s_time crl ocsp req ca dgst ts')

/** The arguments without the keys and certificates that the program uses for itself. */
function withoutOwnKeys({ name, args }: Command): readonly string[] {
  if (name === 'openssl') {
    return OPENSSL_USES.has(args[0] ?? '') ? [] : args
  }
  const own = OWN_KEYS.get(name)
  if (own === undefined) {
    return args
  }
  const kept: string[] = []
  let at = 0
  for (; at < args.length && args[at] !== '--'; at += 1) {
    const [option = '', value] = (args[at] as string).split('=', 2)
    if (!own.has(option)) {
      kept.push(args[at] as string)
    } else if (value === undefined && args[at + 1]?.startsWith('-') === false) {
      at += 1
    }
  }
  return [...kept, ...args.slice(at)]
}

function copied(
  name: string,
  args: readonly string[],
  files: readonly string[],
  add: (role: Role, path: string) => void,
): void {
  const into = args.findIndex((arg) => arg === '-t' || arg === '--target-directory')
  const target = into >= 0 ? args[into + 1] : files.length > 1 ? files.at(-1) : undefined
  const sources = files.filter((path) => path !== target)
  for (const path of sources) {
    if (name !== 'ln') {
      add(name === 'mv' ? 'delete' : 'read', path)
    }
  }
  if (target !== undefined && !/^[^/]{1,200}:/.test(target)) {
    add(sources.includes('/dev/null') ? 'empty' : 'write', target)
  }
}

/** `> file`, `: > file`, `echo '' > file`, `cat /dev/null > file`. */
function printsNothing({ name, args, from }: Command): boolean {
  return (
    (name === '' && from === undefined) ||
    name === ':' ||
    name === 'true' ||
    (name === 'echo' && args.every((arg) => /^(?:-n)?\s*0?$/.test(arg))) ||
    (name === 'printf' && (args[0] ?? '') === '') ||
    ((name === 'cat' || name === 'cp') &&
      args.length > 0 &&
      args.every((arg) => /^\/dev\/(?:null|zero|u?random)$/.test(arg)))
  )
}
