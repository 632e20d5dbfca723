/** What commands are, when a text that was read demands them: guides to projects demand commands all day. */
import { type Runnable, runnablesOf } from '../dangerous-command/arguments.ts'
import { scriptsIn } from '../dangerous-command/code-signs.ts'
import type { Command } from '../dangerous-command/command.ts'
import { judgeRunnable } from '../dangerous-command/judge.ts'
import { readScript } from '../dangerous-command/read-script.ts'
import { outsideHost, placed, type Reached, reachedBy } from './reached.ts'

/**
 * `ordinary`: tests, builds, installs by a package manager, and whatever else stays with the project. `foreign`: reaches
 * a place that the user did not name, or publishes. `uploading`: hands something of the machine over to such a place.
 */
export type CommandKind = 'ordinary' | 'foreign' | 'uploading' | 'dangerous'

/** Program text that talks to other machines at all: what it names otherwise may be a name only. */
const TALKS =
  /urlopen|urlretrieve|\brequests?\b|httpx|aiohttp|\bfetch\s?\(|axios|\bgot\(|http\.client|https?\.(?:get|request)|XMLHttpRequest|WebSocket|Net::HTTP|\bLWP\b|open-uri|URI\.open|file_get_contents|curl_|\bsocket\b|smtplib|ftplib|paramiko|net\.connect|fsockopen|TCPSocket/
const ADDRESS = /\b(?:https?|wss?|ftp):\/\/[^\s"'`<>)\\]{1,300}/g
/** `("host", 443)`. */
const HOST_AND_PORT = /["']([\w-]{1,63}(?:\.[\w-]{1,63}){1,5})["']\s{0,3},\s{0,3}\d{2,5}\b/g
const HANDS_OVER =
  /\.(?:post|put|patch|sendall|sendto|send_message|sendmail|storbinary)\s?\(|["'](?:POST|PUT)["']|\b(?:data|files)\s?=|\bbody\s?:/
/** The most hosts that are read; more than that, which no guide has, count as they are written. */
const HOSTS_READ = 50
/** The most addresses looked at in program text. */
const ADDRESSES = 50

/**
 * What the command of a call is.
 *
 * @param isNamed whether the user named a place
 */
export function commandKind(tool: string, args: string, isNamed: (place: string) => boolean): CommandKind {
  const runnables = runnablesOf(tool, args)
  if (runnables.some((runnable) => judgeRunnable(runnable) !== undefined)) {
    return 'dangerous'
  }
  let kind: CommandKind = 'ordinary'
  let read = 0
  for (const { host, place = '', uploads } of runnables.flatMap(reachedByOne)) {
    if (uploads || kind === 'ordinary') {
      read += host === undefined ? 0 : 1
      const outside = host === undefined || read > HOSTS_READ ? (host ?? place) : outsideHost(host)
      if (outside !== undefined && !isNamed(outside)) {
        kind = uploads ? 'uploading' : 'foreign'
      }
    }
    if (kind === 'uploading') {
      break
    }
  }
  return kind
}

function reachedByOne({ language, text }: Runnable): readonly Reached[] {
  return language === 'shell' ? byScript(text) : language === 'code' ? byCode(text) : []
}

function byScript(script: string): readonly Reached[] {
  return readScript(script).flatMap((command) => [...reachedBy(command), ...codeOf(command).flatMap(byText)])
}

function byCode(code: string): readonly Reached[] {
  return [...byText(code), ...scriptsIn(code).flatMap((script) => readScript(script).flatMap(reachedBy))]
}

function byText(code: string): readonly Reached[] {
  if (!TALKS.test(code)) {
    return []
  }
  const uploads = HANDS_OVER.test(code)
  const found: Reached[] = []
  for (const pattern of [ADDRESS, HOST_AND_PORT]) {
    for (const [whole, host = whole] of code.matchAll(pattern)) {
      found.push(...placed(host, uploads))
      if (found.length >= ADDRESSES) {
        return found
      }
    }
  }
  return found
}

/** The program text that an interpreter is given: `python3 -c '...'`, `node -e '...'`, `python3 - <<E`. */
function codeOf({ name, args, input }: Command): readonly string[] {
  if (!/^(?:python[\d.]*|node|nodejs|perl|ruby|php|lua|deno)$/.test(name)) {
    return []
  }
  const at = args.findIndex((arg) => /^-[a-zA-Z]*[ceEr]$|^eval$/.test(arg))
  return [at < 0 ? undefined : args[at + 1], input].filter((text) => text !== undefined)
}
