/** What commands are, when a text that was read demands them: guides to projects demand commands all day. */
import { hostNature, readHost } from '../../rules/hosts.ts'
import { runnablesOf } from '../dangerous-command/arguments.ts'
import { judgeRunnable } from '../dangerous-command/judge.ts'
import { readScript } from '../dangerous-command/read-script.ts'

/** `ordinary`: tests, builds, installs by a package manager, and whatever else stays with the project. */
export type CommandKind = 'ordinary' | 'foreign' | 'dangerous'

/** What gets or gives data by itself. Package managers and version control are left out: they reach hosts by design. */
const REACHING = new Set(
  'curl wget nc ncat netcat socat telnet ssh scp sftp rsync ftp tftp http https iwr irm invoke-webrequest'.split(' '),
)
const SCHEME = /^[a-z][a-z0-9+.-]{1,10}:\/\//i

/**
 * What the command of a call is.
 *
 * @param isNamed whether the user named a host
 */
export function commandKind(tool: string, args: string, isNamed: (host: string) => boolean): CommandKind {
  const runnables = runnablesOf(tool, args)
  if (runnables.some((runnable) => judgeRunnable(runnable) !== undefined)) {
    return 'dangerous'
  }
  const scripts = runnables.filter(({ language }) => language === 'shell')
  return scripts.some(({ text }) => hostsOf(text).some((host) => !isNamed(host))) ? 'foreign' : 'ordinary'
}

/** Hosts outside of the network that commands of a script reach. */
function hostsOf(script: string): readonly string[] {
  return readScript(script)
    .filter(({ name }) => REACHING.has(name))
    .flatMap(({ args }) => args.flatMap(hostIn))
}

/** `https://user@host:8080/path`, `user@host:path`, `203.0.113.9`. A name alone may be one of a file. */
function hostIn(arg: string): readonly string[] {
  if (!SCHEME.test(arg) && !arg.includes('@') && !/^[\d.]+$/.test(arg)) {
    return []
  }
  const [authority = ''] = arg.replace(SCHEME, '').split(/[/?#]/, 1)
  const text = authority.slice(authority.lastIndexOf('@') + 1).replace(/:(?:\D.*)?$/s, '')
  const host = text.includes('.') ? readHost(text)?.host : undefined
  return host === undefined || hostNature(host).internal ? [] : [host.name]
}
