/** Weak signs: commands that tell about the machine. Everybody uses them; several kinds at once, or kept in a file, say more. */
import type { Command } from './command.ts'

/** What is asked for, by program. */
const FACTS: ReadonlyMap<string, string> = new Map(
  (
    [
      ['user', 'whoami id groups logname who w users last lastlog lastlogin lastlogb finger getent dscacheutil'],
      [
        'system',
        'uname hostnamectl sw_vers lsb_release systeminfo ver system_profiler dmidecode lscpu lshw ioreg sysinfo',
      ],
      ['host', 'hostname domainname dnsdomainname realm'],
      ['network', 'ifconfig ipconfig ip netstat ss arp route nbtstat sockstat iwconfig networksetup scutil resolvectl'],
      ['processes', 'ps pstree top tasklist pgrep lsof'],
      ['services', 'systemctl service launchctl chkconfig rc-status sc'],
      ['drivers', 'lsmod kextstat kextfind kldstat modinfo lspci lsusb driverquery'],
      ['software', 'dpkg rpm pkg brew apt snap pacman wmic pkgutil'],
      ['shares', 'smbstatus showmount smbutil smbclient mount df net'],
      ['clock', 'date uptime timedatectl'],
      ['policy', 'chage pwpolicy pwscore gpresult'],
      ['environment', 'env printenv set locale'],
    ] as const
  ).flatMap(([fact, names]) => names.split(' ').map((name) => [name, fact] as const)),
)
/** Facts that everyday scripts ask for, too. */
const EVERYDAY = new Set(['clock', 'software', 'environment', 'host'])

const READS = /^(?:cat|less|more|head|tail|grep|awk|ls)$/
/** What is asked for, by the file that says it. */
const KEPT_FACTS: readonly (readonly [fact: string, path: RegExp])[] = [
  [
    'system',
    /^\/etc\/[\w*.-]{0,30}(?:release|issue|version)|^\/proc\/(?:version|cpuinfo|meminfo|cmdline)|^\/sys\/class\/dmi/,
  ],
  ['network', /^\/proc\/net\/|^\/etc\/(?:hosts|resolv\.conf|network)/],
  ['user', /^\/etc\/(?:passwd|group)$/],
  ['shares', /^\/etc\/(?:fstab|mtab|exports)$|^\/proc\/mounts/],
  ['drivers', /^\/proc\/modules/],
]

/** Which fact about the machine the command asks for, if any. */
export function factOf({ name, args }: Command): string | undefined {
  const fact =
    FACTS.get(name) ??
    (READS.test(name)
      ? args.map((arg) => KEPT_FACTS.find(([, path]) => path.test(arg))?.[0]).find((each) => each !== undefined)
      : undefined)
  if (fact === 'services' && !/list|status|-e|--type|print/.test(args.join(' '))) {
    return undefined
  }
  if (fact === 'software' && !args.some((arg) => /^(?:-l|-qa|--list|list|info|--pkgs|product)$/.test(arg))) {
    return undefined
  }
  return fact === 'shares' && (name === 'mount' || name === 'net') && args.length > 1 ? undefined : fact
}

/** How much the facts together say: three kinds and more look like somebody getting to know a machine. */
export function exploring(facts: ReadonlySet<string>, programs: number, kept: boolean): number {
  const telling = [...facts].filter((fact) => !EVERYDAY.has(fact)).length
  const all = telling + (facts.size - telling) / 2
  return programs >= 6 || all >= 4
    ? 0.6
    : programs >= 3 || all >= 3
      ? 0.5
      : kept && all >= 2
        ? 0.5
        : all >= 2
          ? 0.3
          : 0.1
}
