/** Signs in program text that is no shell: Python, JavaScript, Perl, Ruby, PHP, SQL. Patterns, no parser. */
import { type PlaceKind, placeKind } from './places.ts'
import { type Sign, sign } from './sign.ts'

/** Calls whose first text is a command. */
const RUNS_TEXT =
  /(?:os\.(?:system|popen)|subprocess\.(?:run|call|check_output|check_call|Popen|getoutput)|commands\.getoutput|child_process['")\]]{0,3}\.?\w{0,12}|exec(?:Sync|File|FileSync)?|spawn(?:Sync)?|system|popen|shell_exec|passthru|proc_open|backtick|qx)\s?\(\s?(\[[^\]]{1,600}\]|f?["'`](?:[^"'`\\]|\\.){1,300}["'`])/g
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

/** What must stand in the text, one after the other, anywhere; so nothing is searched twice. */
type Pattern = readonly [parts: readonly RegExp[], sign: Sign]

const SHELL_GIVEN = sign('runs remote code', 'gives a shell to another machine', 0.9, 'critical')
const ENCODED = sign('runs remote code', 'runs code that was encoded', 0.8, 'high')
const FETCHED = sign('runs remote code', 'runs code from the network', 0.8, 'high')
const WIPED = sign('destroys', 'deletes a whole disk, home or folder of the system', 0.9, 'critical')
const METADATA = sign('takes credentials', 'asks the machine for its credentials', 0.75, 'high')
const KEYS_RECORDED = sign('spies', 'records keys', 0.6, 'medium')
const PICTURES = sign('spies', 'takes pictures or sound of the user', 0.5, 'medium')

const PATTERNS: readonly Pattern[] = [
  [[/\bsocket\b/, /\bdup2\b|\bpty\.spawn\b|["']\/bin\/(?:ba)?sh\b/], SHELL_GIVEN],
  [[/\bfsockopen\b/, /\bexec\b|\/bin\//], SHELL_GIVEN],
  [[/\bTCPSocket\b/, /\bexec\b|\bpopen\b/], SHELL_GIVEN],
  [[/\bnet\.(?:Socket|connect)\b/, /\bspawn\b|\/bin\//], SHELL_GIVEN],
  [
    [
      /\b(?:exec|eval)\s?\(\s?(?:compile\(\s?)?(?:[\w.]{0,40}\()?(?:base64|b64decode|codecs|zlib|bytes\.fromhex|binascii|atob|marshal|base64_decode|gzinflate|Buffer\.from\()/,
    ],
    ENCODED,
  ],
  [[/\bxor/, /\bsubprocess\b/, /\bshell\s?=\s?True/], { ...ENCODED, weight: 0.65 }],
  [[/\b(?:exec|eval)\s?\(\s?(?:requests\.get|urllib|urlopen|fetch|await fetch|http)/], FETCHED],
  [
    [
      /shutil\.rmtree\(\s?(?:f?["'](?:\/|~|\/home|\/etc|\/var|\/usr|\/root|C:\\{1,2})["']|os\.path\.expanduser\(["']~["']\)|Path\.home\(\))/,
    ],
    WIPED,
  ],
  [[/fs\.rm(?:Sync|dirSync)?\(\s?["'](?:\/|~|\/home|\/etc|\/usr)["']|rm_rf\s?\(?["']\/["']/], WIPED],
  [[/169\.254\.169\.254|metadata\.google\.internal/], METADATA],
  [[/\bpynput\b|keyboard\.(?:on_press|hook|record)|GetAsyncKeyState|SetWindowsHookEx/], KEYS_RECORDED],
  [[/ImageGrab\.grab|pyautogui\.screenshot|mss\(\)|CopyFromScreen/], PICTURES],
  [
    [/memfd_create|\bctypes\b/, /VirtualAlloc|mprotect|\/proc\/self\/fd|CreateThread/],
    sign('evades', 'runs code from memory only', 0.7, 'high'),
  ],
  [[/\bset(?:res)?uid\(\s?0/], sign('escalates', 'takes the rights of the system', 0.6, 'high')],
]

const SQL: readonly (readonly [pattern: RegExp, sign: Sign])[] = [
  [
    /^[ \t]*(?:drop\s+(?:database|schema)|truncate\s+(?:table\s+)?\w)/im,
    sign('destroys', 'deletes a database or all rows of a table', 0.6, 'high'),
  ],
  [
    /^[ \t]*drop\s{1,9}table\s{1,9}(?!if\s+exists\s+(?:tmp|temp|test))\w/im,
    sign('destroys', 'deletes a table', 0.5, 'medium'),
  ],
  [
    /^[ \t]*delete\s{1,9}from\s{1,9}[\w."`]{1,120}\s*(?:;|$)/i,
    sign('destroys', 'deletes all rows of a table', 0.6, 'high'),
  ],
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
  const signs: Sign[] = PATTERNS.filter(([parts]) => inOrder(code, parts)).map(([, each]) => each)
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

/** Whether the parts stand in the text, one after the other. Linear. */
export function inOrder(text: string, parts: readonly RegExp[]): boolean {
  let rest = text
  for (const part of parts) {
    const match = part.exec(rest)
    if (match === null) {
      return false
    }
    rest = rest.slice(match.index + match[0].length)
  }
  return true
}

/** What SQL statements do. */
export function sqlSigns(code: string): readonly Sign[] {
  return SQL.filter(([pattern]) => pattern.test(code)).map(([, each]) => each)
}
