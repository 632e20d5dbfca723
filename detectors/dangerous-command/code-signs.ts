/** Signs in program text that is no shell: Python, JavaScript, Perl, Ruby, PHP, PowerShell, SQL. Patterns, no parser. */
import { type PlaceKind, placeKind } from './places.ts'
import type { Deed, Sign } from './sign.ts'

const sign = (deed: Deed, what: string, weight: number, severity: Sign['severity']): Sign => ({
  deed,
  what,
  weight,
  severity,
})

/** Calls whose first text is a command. */
const RUNS_TEXT =
  /(?:os\.(?:system|popen)|subprocess\.(?:run|call|check_output|check_call|Popen|getoutput)|commands\.getoutput|child_process['")\]]{0,3}\.?\w{0,12}|exec(?:Sync|File|FileSync)?|spawn(?:Sync)?|system|popen|shell_exec|passthru|proc_open|backtick|qx)\s?\(\s?(\[[^\]]{1,600}\]|f?["'`](?:[^"'`\\]|\\.){1,1200}["'`])/g
const LITERAL = /["'`]((?:[^"'`\\\n]|\\.){1,300})["'`]/g
const PIECE = /["']((?:[^"'\\]|\\.){0,400})["']/g
const LITERAL_LIMIT = 200
const RUN_LIMIT = 20

/** The commands that program text hands to a shell, as scripts. */
export function scriptsIn(code: string): readonly string[] {
  const found: string[] = []
  RUNS_TEXT.lastIndex = 0
  for (let match = RUNS_TEXT.exec(code); match !== null && found.length < RUN_LIMIT; match = RUNS_TEXT.exec(code)) {
    const given = match[1] as string
    found.push(
      given.startsWith('[')
        ? [...given.matchAll(PIECE)].map(([, piece]) => quoted(piece as string)).join(' ')
        : given.replace(/^f?./, '').slice(0, -1),
    )
  }
  return found
}

const quoted = (word: string) => (/^[\w./:=@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", '')}'`)

const PATTERNS: readonly (readonly [pattern: RegExp, sign: Sign])[] = [
  [
    /\bsocket\b.{0,400}\b(?:dup2|pty\.spawn|subprocess|\/bin\/(?:ba)?sh)|\bfsockopen\b.{0,200}(?:exec|\/bin\/)|IO\.popen.{0,200}TCPSocket|TCPSocket.{0,200}exec|net\.(?:Socket|connect).{0,300}(?:spawn|\/bin\/)/s,
    sign('runs remote code', 'gives a shell to another machine', 0.9, 'critical'),
  ],
  [
    /\b(?:exec|eval)\s?\(\s?(?:compile\(\s?)?(?:[\w.]{0,40}\()?(?:base64|b64decode|codecs|zlib|bytes\.fromhex|binascii|atob|marshal|base64_decode|gzinflate|Buffer\.from\()/,
    sign('runs remote code', 'runs code that was encoded', 0.8, 'high'),
  ],
  [
    /\b(?:exec|eval)\s?\(\s?(?:requests\.get|urllib|urlopen|fetch|await fetch|http)/,
    sign('runs remote code', 'runs code from the network', 0.8, 'high'),
  ],
  [
    /shutil\.rmtree\(\s?(?:f?["'](?:\/|~|\/home|\/etc|\/var|\/usr|\/root|C:\\{1,2})["']|os\.path\.expanduser\(["']~["']\)|Path\.home\(\))|fs\.rm(?:Sync|dirSync)?\(\s?["'](?:\/|~|\/home|\/etc|\/usr)["']|rm_rf\s?\(?["']\/["']/,
    sign('destroys', 'deletes a whole disk, home or folder of the system', 0.9, 'critical'),
  ],
  [
    /169\.254\.169\.254|metadata\.google\.internal/,
    sign('takes credentials', 'asks the machine for its credentials', 0.75, 'high'),
  ],
  [
    /\bpynput\b|keyboard\.(?:on_press|hook|record)|GetAsyncKeyState|SetWindowsHookEx/,
    sign('spies', 'records keys', 0.6, 'medium'),
  ],
  [
    /ImageGrab\.grab|pyautogui\.screenshot|mss\(\)|CopyFromScreen/,
    sign('spies', 'takes pictures or sound of the user', 0.5, 'medium'),
  ],
  [
    /ctypes.{0,400}(?:VirtualAlloc|mprotect|memfd_create)|memfd_create/s,
    sign('evades', 'runs code from memory only', 0.7, 'high'),
  ],
  [/os\.setuid\(\s?0|os\.setresuid\(0|setuid\(0\)/, sign('escalates', 'takes the rights of the system', 0.6, 'high')],
  [
    /xor.{0,200}subprocess|subprocess.{0,300}xor/s,
    sign('runs remote code', 'runs code that was encoded', 0.65, 'high'),
  ],
]

const POWERSHELL: readonly (readonly [pattern: RegExp, sign: Sign])[] = [
  [
    /(?:\biex\b|invoke-expression).{0,200}(?:downloadstring|invoke-webrequest|\biwr\b|\birm\b|net\.webclient|frombase64)|(?:downloadstring|\biwr\b|\birm\b|invoke-webrequest).{0,300}\|\s?(?:iex|invoke-expression)/is,
    sign('runs remote code', 'runs code from the network', 0.85, 'high'),
  ],
  [
    /-e(?:nc|ncodedcommand)?\s+[A-Za-z0-9+/=]{40,}/i,
    sign('runs remote code', 'runs code that was encoded', 0.75, 'high'),
  ],
  [
    /set-mppreference.{0,200}-(?:disable\w+|exclusion\w+)|add-mppreference.{0,100}-exclusion|uninstall-windowsfeature.{0,60}defender|amsiutils|amsiinitfailed|stop-service.{0,60}(?:windefend|eventlog|mpssvc)|set-netfirewallprofile.{0,100}false|clear-eventlog|remove-eventlog|limit-eventlog/is,
    sign('evades', 'switches off what watches or guards the machine', 0.85, 'high'),
  ],
  [
    /remove-item.{0,120}(?:[a-z]:\\(?:\*|windows|users)?["']?\s|\$env:(?:userprofile|systemroot)).{0,80}-recurse|remove-item.{0,80}-recurse.{0,80}\s["']?[a-z]:\\(?:\*|windows|users)?["']?(?:\s|$)|\bdel\b.{0,40}\/s.{0,60}[a-z]:\\|\bformat\s+[a-z]:|win32_shadowcopy.{0,80}(?:delete|remove)|shadowcopy\s+delete|cipher\s+\/w/is,
    sign('destroys', 'deletes a whole disk, its folders or its backups', 0.9, 'critical'),
  ],
  [
    /invoke-mimikatz|sekurlsa|comsvcs.{0,40}minidump|minidump.{0,80}lsass|lsass\.(?:exe|dmp)|get-credential.{0,100}(?:export|invoke-webrequest)|cmdkey\s+\/list|vaultcmd|\bntdsutil\b|dcsync/is,
    sign('takes credentials', 'takes stored passwords', 0.85, 'high'),
  ],
  [
    /new-scheduledtask|register-scheduledtask|new-service\b|set-itemproperty.{0,200}\\run\b|new-itemproperty.{0,200}\\run\b|__eventfilter|commandlineeventconsumer/is,
    sign('persists', 'has something started by itself', 0.65, 'medium'),
  ],
  [
    /new-localuser|add-localgroupmember.{0,80}admin|net\s+localgroup\s+administrators.{0,60}\/add/is,
    sign('persists', 'creates or changes an account', 0.65, 'high'),
  ],
  [
    /certutil.{0,60}(?:-urlcache|-decode)|bitsadmin.{0,60}\/transfer|mshta\s+https?:|regsvr32.{0,60}https?:|rundll32.{0,60}javascript:|wmic.{0,80}process\s+call\s+create|installutil.{0,60}\/u/is,
    sign('runs remote code', 'has a program of the system fetch or run code', 0.75, 'high'),
  ],
]

const SQL: readonly (readonly [pattern: RegExp, sign: Sign])[] = [
  [
    /^\s*(?:drop\s+(?:database|schema)|truncate\s+(?:table\s+)?\w)/im,
    sign('destroys', 'deletes a database or all rows of a table', 0.6, 'high'),
  ],
  [/^\s*drop\s+table\s+(?!if\s+exists\s+(?:tmp|temp|test))\w/im, sign('destroys', 'deletes a table', 0.5, 'medium')],
  [/^\s*delete\s+from\s+[\w."`]{1,120}\s*(?:;|$)/i, sign('destroys', 'deletes all rows of a table', 0.6, 'high')],
  [
    /\bxp_cmdshell\b|\bcopy\s+[\w.]{1,80}\s+(?:to|from)\s+program\b|\binto\s+(?:outfile|dumpfile)\b|\bload_file\s?\(|pg_read_file\s?\(|lo_export\s?\(|sys_exec\s?\(|load_extension\s?\(/i,
    sign('runs remote code', 'has the database run a program or touch files', 0.75, 'high'),
  ],
  [
    /\b(?:alter|create)\s+(?:user|role)\s[^;]{0,120}\b(?:superuser|bypassrls)\b|\bgrant\s+(?:all(?:\s+privileges)?|dba|sysadmin)\b[^;]{0,80}\bto\b|sp_addsrvrolemember/i,
    sign('escalates', 'gives all rights in a database', 0.6, 'high'),
  ],
]

const BY_PLACE: ReadonlyMap<PlaceKind, Sign> = new Map<PlaceKind, Sign>([
  ['credentials', sign('takes credentials', 'names keys or stored passwords in code', 0.5, 'medium')],
  ['process-memory', sign('takes credentials', 'reads the memory of processes', 0.6, 'high')],
  ['login-keys', sign('persists', 'names the keys that may log in, in code', 0.5, 'medium')],
  ['privileges', sign('escalates', 'names what says who may do what, in code', 0.5, 'medium')],
  ['accounts', sign('explores', 'reads the accounts of the machine', 0.5, 'low')],
  ['preload', sign('persists', 'names what is loaded into every program, in code', 0.6, 'high')],
])

/** What program text does. Call `scriptsIn` for the commands that it hands to a shell. */
export function codeSigns(code: string): readonly Sign[] {
  const signs: Sign[] = PATTERNS.filter(([pattern]) => pattern.test(code)).map(([, each]) => each)
  let read = 0
  for (const [, literal] of code.matchAll(LITERAL)) {
    read += 1
    const kind = placeKind(literal as string)
    const found = kind === undefined ? undefined : BY_PLACE.get(kind)
    if (found !== undefined) {
      signs.push(found)
    }
    if (read >= LITERAL_LIMIT) {
      break
    }
  }
  return signs
}

/** What PowerShell text, or a line for `cmd`, does. */
export function powershellSigns(code: string): readonly Sign[] {
  return POWERSHELL.filter(([pattern]) => pattern.test(code)).map(([, each]) => each)
}

/** What SQL statements do. */
export function sqlSigns(code: string): readonly Sign[] {
  return SQL.filter(([pattern]) => pattern.test(code)).map(([, each]) => each)
}
