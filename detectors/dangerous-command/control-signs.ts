/** Signs from commands that control the machine: accounts, services, guards, kernel, schedules, clocks, disks. */
import type { Command } from './command.ts'
import { printed } from './printed.ts'
import { type Sign, sign } from './sign.ts'

/** What watches or guards a machine, by the names of its services and packages. */
const GUARD =
  /(?:firewall|iptables|nftables|\bufw\b|\bpf\b|ipfw|selinux|apparmor|audit|syslog|rsyslog|syslogd|journal|falcon|crowdstrike|carbonblack|cbdaemon|cbagent|sentinel|defender|mdatp|antivirus|clam(?:av|d)|sophos|symantec|mcafee|\bds_agent|osquery|wazuh|ossec|falco|tripwire|aide\b|fail2ban|littlesnitch|opendns|umbrella|cylance|eset|kaspersky|bitdefender|xagt|taniumclient|elastic-agent|auditbeat|filebeat|santa|xprotect|gatekeeper|watchdog|malwarebytes|qualys|nessus|splunk|cloudtrail|guardduty|windefend|mpssvc|eventlog)/i
const DANGEROUS_JOB = /\/tmp\/|\/dev\/shm|\/var\/tmp|curl|wget|\bnc\b|base64|\bsh -|bash -|python|perl|evil|\/dev\/tcp/
const HISTORY_OFF = /^(?:HISTFILE|HISTSIZE|HISTFILESIZE|HISTCONTROL|HISTIGNORE|SAVEHIST)$/
const BLIND_HISTORY = /^(?:0|"?"?|\/dev\/null|ignore(?:both|space)|.{0,60}\*.{0,60}|'')$/
const STOPS = new Set([
  'stop',
  'disable',
  'mask',
  'unload',
  'bootout',
  'kill',
  'remove',
  'delete',
  'off',
  'onestop',
  'onedisable',
])
const STARTS = new Set(['enable', 'load', 'bootstrap', 'onestart', 'add', 'submit', 'reenable'])

type Judge = (command: Command, line: string) => Sign | undefined

const services: Judge = ({ args, name }, line) => {
  const stops = args.some((arg) => STOPS.has(arg)) || /_enable="?NO/.test(line)
  if (stops && GUARD.test(line)) {
    return sign('evades', 'stops what watches or guards the machine', 0.75, 'high')
  }
  if (args.some((arg) => STARTS.has(arg)) && name !== 'chkconfig') {
    const own = /\.plist|Launch(?:Agents|Daemons)|\/tmp\/|--user/.test(line)
    return sign('persists', 'has a service started by itself', own ? 0.5 : 0.2, 'medium')
  }
  return /start\b.{0,20}\btor\b|\btor\b.{0,12}start|tor_enable/.test(line)
    ? sign('tunnels', 'starts an anonymising network', 0.6, 'medium')
    : undefined
}

const newAccount: Judge = ({ name, args }, line) => {
  if (name === 'dscl') {
    return /-create|-append|-passwd|\bcreate\b|\bappend\b/.test(line)
      ? sign('persists', 'creates or changes an account', 0.65, 'medium')
      : /list|read/.test(line)
        ? sign('explores', 'lists accounts', 0.5, 'low')
        : undefined
  }
  if (name === 'pw' && !/user(?:add|mod)|groupmod|useradd/.test(line)) {
    return undefined
  }
  if (name === 'net' && !/\b(?:user|localgroup)\b.*\/add/i.test(line)) {
    return undefined
  }
  const strong = /-[a-zA-Z]*[ou]\s*0\b|-g\s*0\b|sudo|wheel|admin|root|-aG/.test(args.join(' '))
  return sign('persists', 'creates or changes an account', strong ? 0.75 : 0.55, strong ? 'high' : 'medium')
}

const modules: Judge = ({ args, name }) => {
  if (args.some((arg) => /^-(?:[nclL]|-show|-list|-dry)/.test(arg)) || args.length === 0) {
    return undefined
  }
  return name === 'kmutil' && !args.includes('load')
    ? undefined
    : sign('escalates', 'loads code into the kernel', name === 'modprobe' ? 0.55 : 0.75, 'high')
}

const firewall: Judge = (_command, line) =>
  /(?:^|\s)-(?:F|X|D|P\s+\w+\s+ACCEPT)\b|\bflush\b|\bdisable\b|\breset\b|\bdelete\b|--remove|--panic-off|\bstate off|\blogging off|(?:^|\s)-d\b|firewall.*off|-f\s+-/i.test(
    line,
  )
    ? sign('evades', 'opens or empties the firewall', 0.7, 'high')
    : /\b(?:allow|deny|prepend|insert|append|-A|-I|--add)\b/.test(line)
      ? sign('evades', 'changes the firewall', 0.5, 'medium')
      : undefined

const scheduled: Judge = (command, line) => {
  if (command.name === 'crontab') {
    if (/(?:^|\s)-r\b/.test(line)) {
      return sign('destroys', 'deletes scheduled jobs', 0.4, 'low')
    }
    if (/(?:^|\s)-[le]\b/.test(line)) {
      return undefined
    }
    const job = `${line} ${command.input ?? ''} ${command.from === undefined ? '' : (printed(command.from) ?? '')}`
    const fromTmp = DANGEROUS_JOB.test(job)
    return sign('persists', 'schedules a job', fromTmp ? 0.6 : 0.5, 'medium')
  }
  if (command.name === 'schtasks') {
    return /\/create/i.test(line) ? sign('persists', 'schedules a job', 0.6, 'medium') : undefined
  }
  // `at`: only with something to run and a time.
  return command.args.some((arg) => /^(?:now|-f|\d|midnight|noon|tomorrow)/.test(arg)) &&
    !/^-[lrcd]/.test(command.args[0] ?? '')
    ? sign('persists', 'schedules a job', 0.5, 'medium')
    : undefined
}

const RULES: ReadonlyMap<string, Judge> = new Map<string, Judge>([
  ...[
    'systemctl',
    'service',
    'launchctl',
    'sysrc',
    'chkconfig',
    'update-rc.d',
    'rc-update',
    'initctl',
    'sc',
    'sc.exe',
    'onestatus',
    'rcctl',
  ].map((name) => [name, services] as const),
  ...[
    'useradd',
    'adduser',
    'usermod',
    'pw',
    'dscl',
    'chpasswd',
    'sysadminctl',
    'dseditgroup',
    'groupmod',
    'gpasswd',
    'vipw',
    'net',
    'newusers',
  ].map((name) => [name, newAccount] as const),
  ...['insmod', 'modprobe', 'kextload', 'kmutil', 'kldload'].map((name) => [name, modules] as const),
  ...[
    'iptables',
    'ip6tables',
    'nft',
    'ufw',
    'pfctl',
    'firewall-cmd',
    'ipfw',
    'netsh',
    'ebtables',
    'socketfilterfw',
  ].map((name) => [name, firewall] as const),
  ...['crontab', 'at', 'batch', 'schtasks', 'atq'].map((name) => [name, scheduled] as const),
  [
    'passwd',
    ({ args, input, from }) =>
      args.includes('--stdin') || args.includes('-d') || input !== undefined || from !== undefined
        ? sign('persists', 'sets the password of an account', 0.55, 'medium')
        : undefined,
  ],
  [
    'history',
    ({ args }) =>
      args.some((arg) => /^-[a-z]*[c]/.test(arg))
        ? sign('evades', 'clears the history of commands', 0.7, 'medium')
        : undefined,
  ],
  [
    'set',
    ({ args }) =>
      args[0] === '+o' && args[1] === 'history'
        ? sign('evades', 'switches the history of commands off', 0.7, 'medium')
        : undefined,
  ],
  [
    'setopt',
    ({ args }) =>
      args.some((arg) => /hist_?ignore_?space/i.test(arg))
        ? sign('evades', 'switches the history of commands off', 0.3, 'low')
        : undefined,
  ],
  [
    'unset',
    ({ args }) =>
      args.some((arg) => HISTORY_OFF.test(arg))
        ? sign('evades', 'switches the history of commands off', 0.7, 'medium')
        : undefined,
  ],
  [
    'setenforce',
    ({ args }) =>
      /^(?:0|permissive)$/i.test(args[0] ?? '')
        ? sign('evades', 'switches mandatory access control off', 0.8, 'high')
        : undefined,
  ],
  [
    'auditctl',
    (_c, line) =>
      /(?:^|\s)-(?:D|e\s*0|d|W|a|w)\b/.test(line) ? sign('evades', 'changes what is audited', 0.6, 'high') : undefined,
  ],
  [
    'auditpol',
    (_c, line) =>
      /disable|clear|remove/i.test(line) ? sign('evades', 'changes what is audited', 0.7, 'high') : undefined,
  ],
  [
    'spctl',
    (_c, line) =>
      /disable|--add/.test(line) ? sign('evades', 'switches checks of programs off', 0.75, 'high') : undefined,
  ],
  [
    'csrutil',
    (_c, line) =>
      /disable/.test(line) ? sign('evades', 'switches the protection of the system off', 0.85, 'high') : undefined,
  ],
  [
    'tmutil',
    (_c, line) =>
      /disable|delete|stop/.test(line) ? sign('destroys', 'switches off or deletes backups', 0.65, 'high') : undefined,
  ],
  [
    'mdatp',
    (_c, line) =>
      /disabled|false|exclusion/.test(line) ? sign('evades', 'switches virus protection off', 0.8, 'high') : undefined,
  ],
  ['log', (_c, line) => (/\berase\b/.test(line) ? sign('evades', 'deletes logs', 0.7, 'high') : undefined)],
  [
    'journalctl',
    (_c, line) =>
      /--vacuum|--rotate/.test(line)
        ? sign('evades', 'deletes logs', /=(?:0|1s)\b/.test(line) ? 0.65 : 0.35, 'medium')
        : undefined,
  ],
  [
    'sysctl',
    (_c, line) =>
      /-w|=/.test(line) &&
      /randomize_va|ptrace|kptr|dmesg_restrict|core_pattern|sysrq|modules_disabled|unprivileged/.test(line)
        ? sign('evades', 'weakens the running kernel', 0.65, 'medium')
        : undefined,
  ],
  ['swapoff', ({ args }) => (args.includes('-a') ? sign('evades', 'switches swapping off', 0.35, 'low') : undefined)],
  [
    'setcap',
    ({ args }) =>
      args.some((arg) => /cap_/i.test(arg))
        ? sign('escalates', 'gives a program rights of the system', 0.6, 'high')
        : undefined,
  ],
  ['chmod', chmod],
  [
    'chattr',
    (_c, line) =>
      /(?:^|\s)[-+=][a-z]*i/.test(line)
        ? sign('evades', 'makes a file changeable or unchangeable for all', 0.4, 'low')
        : undefined,
  ],
  [
    'chflags',
    (_c, line) =>
      /immutable|[su]chg|hidden/.test(line)
        ? sign('evades', 'hides a file or makes it unchangeable', 0.5, 'low')
        : undefined,
  ],
  [
    'xattr',
    (_c, line) =>
      /-[a-z]*[dc].*quarantine|-c\b/.test(line)
        ? sign('evades', 'takes the mark of downloaded files off', 0.6, 'medium')
        : undefined,
  ],
  ['touch', touched],
  [
    'setfile',
    (_c, line) =>
      /-[md]\s/.test(line)
        ? sign('evades', 'sets the times of files back', 0.5, 'low')
        : sign('evades', 'hides a file', /-a\s*V/.test(line) ? 0.5 : 0.1, 'low'),
  ],
  [
    'timedatectl',
    (_c, line) =>
      /set-time|set-ntp\s+(?:0|false|no)/.test(line) ? sign('evades', 'changes the clock', 0.4, 'low') : undefined,
  ],
  [
    'date',
    ({ args }) =>
      args.some((arg) => /^\d{8,12}(?:\.\d\d)?$/.test(arg))
        ? sign('evades', 'changes the clock', 0.5, 'low')
        : undefined,
  ],
  [
    'defaults',
    (_c, line) =>
      /write/.test(line) &&
      /LoginHook|LogoutHook|loginwindow|LaunchServices|LSQuarantine|alf\b|DisableAutoUpdate|SoftwareUpdate|Gatekeeper|LoginItems/i.test(
        line,
      )
        ? sign('persists', 'has something started at login, or a guard switched off', 0.7, 'medium')
        : undefined,
  ],
  [
    'ln',
    ({ args }) => (args.includes('/dev/null') ? sign('evades', 'points a file to nowhere', 0.4, 'low') : undefined),
  ],
  ...['mkfs', 'wipefs', 'mke2fs', 'newfs', 'blkdiscard', 'sgdisk', 'diskpart', 'format'].map(
    (name) => [name, disk] as const,
  ),
  [
    'diskutil',
    (_c, line) =>
      /erase|zeroDisk|secureErase|partitionDisk/i.test(line)
        ? sign('destroys', 'erases a disk', 0.85, 'critical')
        : undefined,
  ],
  ['ldapadd', () => sign('persists', 'creates or changes accounts of a directory', 0.55, 'medium')],
  ['ldapmodify', () => sign('persists', 'creates or changes accounts of a directory', 0.55, 'medium')],
  [
    'kill',
    ({ args }) =>
      args.includes('-1') && args.includes('-9') ? sign('destroys', 'ends every process', 0.6, 'high') : undefined,
  ],
  ...['shutdown', 'reboot', 'halt', 'poweroff'].map(
    (name) => [name, () => sign('destroys', 'switches the machine off', 0.5, 'medium')] as const,
  ),
  [
    'vssadmin',
    (_c, line) => (/delete|resize/i.test(line) ? sign('destroys', 'deletes backups', 0.9, 'critical') : undefined),
  ],
  [
    'wevtutil',
    (_c, line) => (/\b(?:cl|clear-log|sl)\b/i.test(line) ? sign('evades', 'deletes logs', 0.85, 'high') : undefined),
  ],
  [
    'bcdedit',
    (_c, line) =>
      /recoveryenabled|bootstatuspolicy|testsigning|safeboot/i.test(line)
        ? sign('evades', 'weakens how the machine starts', 0.8, 'high')
        : undefined,
  ],
  [
    'reg',
    (_c, line) =>
      /\badd\b/i.test(line) &&
      /\\Run(?:Once)?\b|Winlogon|Image File Execution|Defender|EnableLUA|WDigest|DisableAnti/i.test(line)
        ? sign('persists', 'has something started by itself, or a guard switched off', 0.8, 'high')
        : /\bsave\b.*\b(?:sam|security|system)\b/i.test(line)
          ? sign('takes credentials', 'copies stored passwords', 0.9, 'high')
          : undefined,
  ],
])

/** What the command does to the machine. */
export function controlSigns(command: Command): readonly Sign[] {
  const signs: Sign[] = []
  for (const [name, value] of command.assigns) {
    if (HISTORY_OFF.test(name) && BLIND_HISTORY.test(value)) {
      signs.push(
        sign(
          'evades',
          'switches the history of commands off',
          name === 'HISTCONTROL' || name === 'HISTIGNORE' ? 0.55 : 0.65,
          'medium',
        ),
      )
    }
    if (/^(?:LD_PRELOAD|DYLD_INSERT_LIBRARIES|LD_AUDIT)$/.test(name)) {
      signs.push(sign('evades', 'puts a library into a program', 0.55, 'medium'))
    }
  }
  const name = command.name.startsWith('mkfs') ? 'mkfs' : command.name
  const found = RULES.get(name)?.(command, command.args.join(' ').slice(0, 1000))
  return found === undefined ? signs : [...signs, found]
}

function chmod(command: Command, _line: string): Sign | undefined {
  const mode = command.args.find((arg) => /^[0-7]{3,4}$|^[ugoa]*[-+=][rwxXstugo]+(?:,|$)/.test(arg)) ?? ''
  if (/^[24-7][0-7]{3}$|[ugao]*\+[a-z]*s|u=[a-z]*s/.test(mode)) {
    // Folders are given the group's bit so that files in them keep the group.
    const weight = /^2|^[g]\+s$/.test(mode) ? 0.3 : 0.7
    return sign('escalates', 'lets a program run with the rights of its owner', weight, 'high')
  }
  return /^0?777$|[ao]\+[rx]*w|o\+[rx]*w/.test(mode) ? sign('escalates', 'lets everybody write', 0.2, 'low') : undefined
}

function touched(command: Command, _line: string): Sign | undefined {
  const { args } = command
  const at = args.findIndex((arg) => /^-[a-z]*r$|^--reference/.test(arg))
  if (at >= 0 && /^\/(?:usr\/)?(?:s?bin|lib|etc)\//.test(args[at + 1] ?? args[at] ?? '')) {
    return sign('evades', 'gives a file the times of one of the system', 0.6, 'medium')
  }
  const old = args.some((arg) => /^(?:19[0-8]\d|1990|200[0-5])\d{8}/.test(arg))
  return old ? sign('evades', 'sets the times of files back by decades', 0.5, 'low') : undefined
}

function disk(_command: Command, _line: string): Sign {
  return sign('destroys', 'erases a disk', 0.75, 'critical')
}
