/** The command line: what each command takes, and what to say when it was written otherwise. */
import { type ParseArgsConfig, parseArgs } from 'node:util'
import { nearest } from '../rules/suggestion.ts'

type Options = NonNullable<ParseArgsConfig['options']>

export interface CommandSyntax {
  readonly name: string
  /** `FILE...` and the like, for the usage line. With `...` there may be any number, else no more than `minOperands`. */
  readonly operands?: string
  readonly minOperands?: number
  readonly summary: string
  /** More of it, line by line, for the command's own help. */
  readonly about?: readonly string[]
  readonly options: Options
  /** One line for each option, in the order shown. */
  readonly help: readonly (readonly [option: string, meaning: string])[]
}

/** The command line cannot be understood. Printed as it is; the process ends with 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

export interface Parsed {
  readonly operands: readonly string[]
  readonly values: Readonly<Record<string, string | boolean | undefined>>
}

const COMMON: Options = { config: { type: 'string' }, help: { type: 'boolean', short: 'h' } }
const COMMON_HELP: CommandSyntax['help'] = [
  ['--config FILE', 'the configuration (default telltale.yml, if there is one)'],
  ['--help', 'this'],
]

/** @throws UsageError */
export function parseCommand(syntax: CommandSyntax, args: readonly string[]): Parsed {
  const options = { ...COMMON, ...syntax.options }
  try {
    const { positionals, values } = parseArgs({ args: [...args], options, allowPositionals: true, strict: true })
    const least = syntax.minOperands ?? 0
    const most = syntax.operands?.includes('...') === true ? Number.POSITIVE_INFINITY : least
    if (values.help !== true && (positionals.length < least || positionals.length > most)) {
      throw new UsageError(`${syntax.name} takes ${syntax.operands ?? 'no operands'}\n\n${usage(syntax)}`)
    }
    return { operands: positionals, values: values as Parsed['values'] }
  } catch (error) {
    if (error instanceof UsageError) {
      throw error
    }
    throw new UsageError(`${problemOf(error, Object.keys(options))}\n\n${usage(syntax)}`)
  }
}

/** What the parser says, without its advice on syntax; a misspelt option with the one that was meant. */
function problemOf(error: unknown, options: readonly string[]): string {
  const message = error instanceof Error ? (error.message.split('. ')[0] ?? error.message) : String(error)
  const written = /^Unknown option '--([^']{1,60})'/.exec(message)?.[1]
  const meant = written === undefined ? undefined : nearest(written, options)
  return meant === undefined ? message : `${message}. Did you mean '--${meant}'?`
}

export function usage(syntax: CommandSyntax): string {
  const operands = syntax.operands === undefined ? '' : ` ${syntax.operands}`
  const help = [...syntax.help, ...COMMON_HELP]
  const width = Math.max(...help.map(([option]) => option.length))
  return [
    `telltale ${syntax.name}${operands}: ${syntax.summary}`,
    '',
    ...(syntax.about === undefined ? [] : [...syntax.about.map((line) => `  ${line}`), '']),
    ...help.map(([option, meaning]) => `  ${option.padEnd(width)}  ${meaning}`),
  ].join('\n')
}

/** What to say about a command that there is not. */
export function unknownCommand(written: string, syntaxes: readonly CommandSyntax[]): string {
  const meant = nearest(
    written,
    syntaxes.map(({ name }) => name),
  )
  const hint = meant === undefined ? '' : ` Did you mean '${meant}'?`
  return `there is no command '${written}'.${hint}\n\n${overview(syntaxes)}`
}

export function overview(syntaxes: readonly CommandSyntax[]): string {
  const width = Math.max(...syntaxes.map(({ name }) => name.length))
  return [
    'telltale COMMAND [OPTIONS]',
    '',
    ...syntaxes.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`),
    '',
    'telltale COMMAND --help says more; telltale --version says which one this is.',
  ].join('\n')
}
