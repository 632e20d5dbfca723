/** What a tool's name says it does. Names are all that telemetry surely has; words in them are a hint, no more. */

/** The powers that make a forbidden call urgent. */
export type ToolPower = 'runs-commands' | 'reads-secrets'

const COMMAND_WORDS = new Set([
  'shell',
  'bash',
  'sh',
  'zsh',
  'powershell',
  'pwsh',
  'cmd',
  'terminal',
  'console',
  'exec',
  'eval',
  'subprocess',
  'ssh',
  'sudo',
  'repl',
])
/** Words that mean running something only together: `run_command`, `executeCode`, `PythonCodeExecution`. */
const RUN_WORDS = new Set(['run', 'execute', 'execution', 'invoke', 'interpret', 'interpreter'])
const RUNNABLE_WORDS = new Set(['command', 'commands', 'code', 'script', 'python', 'javascript', 'process', 'program'])
const SECRET_WORDS = new Set([
  'secret',
  'secrets',
  'credential',
  'credentials',
  'password',
  'passwords',
  'vault',
  'keychain',
  'keyring',
  'token',
  'tokens',
  'apikey',
  'apikeys',
])

/** The powers that words of the name suggest. */
export function toolPowers(name: string): ReadonlySet<ToolPower> {
  const words = wordsOf(name)
  const powers = new Set<ToolPower>()
  const has = (known: ReadonlySet<string>) => words.some((word) => known.has(word))
  if (has(COMMAND_WORDS) || (has(RUN_WORDS) && has(RUNNABLE_WORDS))) {
    powers.add('runs-commands')
  }
  if (has(SECRET_WORDS)) {
    powers.add('reads-secrets')
  }
  return powers
}

/** `runShellCommand`, `run_shell_command`, `HTTPServer.run`: the words, in lower case. */
function wordsOf(name: string): readonly string[] {
  return name
    .slice(0, 128)
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replaceAll(/([A-Z])([A-Z][a-z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
}
