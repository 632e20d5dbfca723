/** Commands that run other commands: what they run, whatever stands around it. */
import type { Command } from './command.ts'

/** A command of several words, or a script as text. */
export type Inner =
  | {
      readonly kind: 'commands'
      readonly commands: readonly (readonly string[])[]
      readonly narrowed?: boolean
      /** Where the wrapper goes first. */
      readonly folder?: string | undefined
    }
  | { readonly kind: 'script'; readonly text: string }

/** Options that take the next word with them, by program. */
const WITH_VALUE: ReadonlyMap<string, ReadonlySet<string>> = new Map(
  Object.entries({
    sudo: '-u -g -h -p -C -r -t -U -D -R -T --user --group --host --prompt --chdir',
    doas: '-u -C',
    env: '-u --unset -C --chdir -S',
    nice: '-n --adjustment',
    ionice: '-c -n -p',
    timeout: '-s --signal -k --kill-after',
    stdbuf: '-i -o -e',
    xargs: '-I -i -n -P -L -d -a -s -E --max-args --max-procs --delimiter --replace',
    sshpass: '-p -f -e -d',
    'systemd-run': '-p -u -t --property --unit --on-calendar --on-active --on-boot',
    watch: '-n -d --interval',
    flock: '-w -E --timeout',
    runuser: '-u -g -G',
    taskset: '-c -p',
    ssh: '-i -l -p -o -L -R -D -F -J -W -b -c -e -m -O -Q -S -E -I -B -w',
    nsenter: '-t --target -S -G',
    strace: '-o -e -p',
    caffeinate: '-t',
    proot: '-r -b -w',
  }).map(([name, options]) => [name, new Set(options.split(' '))] as const),
)
/** How many words, other than options, stand before the command. */
const OPERANDS: ReadonlyMap<string, number> = new Map(
  Object.entries({
    sudo: 0,
    doas: 0,
    env: 0,
    nohup: 0,
    nice: 0,
    ionice: 0,
    timeout: 1,
    stdbuf: 0,
    setsid: 0,
    exec: 0,
    command: 0,
    builtin: 0,
    sshpass: 0,
    chroot: 1,
    'systemd-run': 0,
    flock: 1,
    runuser: 0,
    setpriv: 0,
    pkexec: 0,
    taskset: 1,
    time: 0,
    nsenter: 0,
    unshare: 0,
    strace: 0,
    caffeinate: 0,
    torsocks: 0,
    torify: 0,
    proxychains: 0,
    proxychains4: 0,
    fakeroot: 0,
    unbuffer: 0,
    parallel: 0,
    busybox: 0,
  }),
)
/** The options with which a wrapper goes to a folder first. */
const GOING: ReadonlyMap<string, RegExp> = new Map([
  ['env', /^(?:-C|--chdir=?)/],
  ['sudo', /^(?:-D|--chdir=?)/],
])
const OPTION_SCRIPT = /^-[a-z]*c$/
const SCRIPTED = new Set([
  'sh',
  'bash',
  'zsh',
  'dash',
  'ksh',
  'ash',
  'fish',
  'csh',
  'tcsh',
  'su',
  'runuser',
  'script',
  'flock',
  'cmd',
  'cmd.exe',
])
const FIND_RUNS = new Set(['-exec', '-execdir', '-ok', '-okdir'])
const APPLE_SCRIPT = /do shell script "((?:[^"\\]|\\.){1,2000})"/

/** What the command runs, or `undefined` when it runs nothing else. */
export function unwrap(command: Command): Inner | undefined {
  const { name, args } = command
  if (SCRIPTED.has(name)) {
    const at = args.findIndex((arg) => OPTION_SCRIPT.test(arg) || /^\/[ck]$/i.test(arg) || arg === '--command')
    const text = args[at + 1]
    if (at >= 0 && text !== undefined) {
      return { kind: 'script', text: /^\/[ck]$/i.test(args[at] as string) ? args.slice(at + 1).join(' ') : text }
    }
  }
  switch (name) {
    case 'eval':
      return script(args.join(' '))
    case 'find':
    case 'gfind':
      return found(args)
    case 'watch':
      return script(operands(name, args).join(' '))
    case 'ssh':
      return script(operands(name, args).slice(1).join(' '))
    case 'osascript':
      return script(APPLE_SCRIPT.exec(args.join(' '))?.[1]?.replaceAll('\\"', '"') ?? '')
    case 'trap':
      return script(args[0] ?? '')
    case 'at':
    case 'batch':
      return undefined
    case 'docker':
    case 'podman':
    case 'nerdctl':
      return contained(args)
    case 'kubectl':
    case 'oc':
      return after(args, '--')
    case 'xargs':
      return gathered(command)
    default: {
      const before = OPERANDS.get(name)
      const words = before === undefined ? [] : operands(name, args).slice(before)
      const folder = folderGiven(name, args.slice(0, args.length - words.length))
      return words.length === 0 ? undefined : { kind: 'commands', commands: [words], folder }
    }
  }
}

/** The folder that the options of a wrapper name: `env -C / rm`, `sudo --chdir=/ rm`. */
function folderGiven(name: string, options: readonly string[]): string | undefined {
  const going = GOING.get(name)
  const at = going === undefined ? -1 : options.findLastIndex((option) => going.test(option))
  return at < 0 ? undefined : options[at]?.replace(going as RegExp, '') || options[at + 1]
}

function script(text: string): Inner | undefined {
  return text.trim() === '' ? undefined : { kind: 'script', text }
}

/** The words behind the options of a program, and its `NAME=value` words with them. */
function operands(name: string, args: readonly string[]): readonly string[] {
  const valued = WITH_VALUE.get(name)
  let at = 0
  while (at < args.length) {
    const arg = args[at] as string
    if (arg === '--') {
      return args.slice(at + 1)
    }
    if (!arg.startsWith('-') || arg === '-') {
      break
    }
    at += valued?.has(arg) === true ? 2 : 1
  }
  return args.slice(at)
}

/** The commands of `find`, with the places it looks in and the names it looks for where it puts what it finds. */
function found(args: readonly string[]): Inner | undefined {
  const commands: string[][] = []
  const places = foundPlaces(args)
  for (let at = 0; at < args.length; at += 1) {
    if (FIND_RUNS.has(args[at] as string)) {
      const end = args.findIndex((arg, index) => index > at && (arg === ';' || arg === '+'))
      const words = args.slice(at + 1, end < 0 ? undefined : end)
      commands.push(words.flatMap((word) => (word === '{}' ? places : [word])))
      at = end < 0 ? args.length : end
    }
  }
  return commands.length === 0 ? undefined : { kind: 'commands', commands, narrowed: isNarrowed(args) }
}

/** Whether `find` looks for age, size or owner. */
export function isNarrowed(args: readonly string[]): boolean {
  return args.some((arg) => /^-(?:[acm]time|[acm]min|newer\w*|size|used|user|group|empty|links|inum)$/.test(arg))
}

/** Of `find /home -name id_rsa`: `/home/id_rsa`, what it would find there. */
export function foundPlaces(args: readonly string[]): string[] {
  const roots: string[] = []
  for (const arg of args) {
    if (arg.startsWith('-') || arg === '!' || arg === '(') {
      break
    }
    roots.push(arg)
  }
  const names = args.filter((_, index) => /^-i?(?:name|path|wholename)$/.test(args[index - 1] ?? ''))
  const base = roots.length === 0 ? ['.'] : roots.slice(0, 4)
  return names.length === 0
    ? base.map((root) => `${root.replace(/\/+$/, '')}/*`)
    : base.flatMap((root) => names.slice(0, 8).map((name) => `${root.replace(/\/+$/, '')}/${name}`))
}

/** `xargs CMD`: what comes down the pipe from `find` or `ls` is what CMD is given. */
function gathered(command: Command): Inner | undefined {
  const words = operands('xargs', command.args)
  const { from } = command
  const given = from === undefined ? [] : from.name === 'find' ? foundPlaces(from.args) : []
  return words.length === 0
    ? undefined
    : { kind: 'commands', commands: [[...words, ...given]], narrowed: isNarrowed(from?.args ?? []) }
}

/** `docker exec NAME CMD`, `docker run IMAGE CMD`: from the first word that is a shell on. */
function contained(args: readonly string[]): Inner | undefined {
  const at = args.findIndex((arg) => /^(?:\/(?:usr\/)?bin\/)?(?:sh|bash|ash|zsh|chroot|nsenter)$/.test(arg))
  return at < 1 ? undefined : { kind: 'commands', commands: [args.slice(at)] }
}

function after(args: readonly string[], mark: string): Inner | undefined {
  const at = args.indexOf(mark)
  return at < 0 || at === args.length - 1 ? undefined : { kind: 'commands', commands: [args.slice(at + 1)] }
}
