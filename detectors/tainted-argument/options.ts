/** Command lines taken apart into options and operands, after POSIX utility syntax guidelines with the long options of GNU. */

/** Options that take a value: letters one after the other, and words with blanks between them. */
export interface Valued {
  readonly letters: string
  readonly words: string
}

export interface Parts {
  readonly operands: readonly string[]
  /** Options without their dashes, with their values. */
  readonly options: readonly (readonly [name: string, value: string])[]
}

/** Takes arguments apart; what is in `valued` takes the next word when no value is written to it. */
export function partsOf(args: readonly string[], { letters, words }: Valued): Parts {
  const long = new Set(words.split(' '))
  const operands: string[] = []
  const options: (readonly [string, string])[] = []
  for (let at = 0; at < args.length; at += 1) {
    const arg = args[at] as string
    if (arg === '--') {
      operands.push(...args.slice(at + 1))
      break
    }
    if (arg.startsWith('--')) {
      const [name = '', ...value] = arg.slice(2).split('=')
      const next = value.length === 0 && long.has(name)
      at += next ? 1 : 0
      options.push([name, next ? (args[at] ?? '') : value.join('=')])
    } else if (arg.startsWith('-') && arg !== '-') {
      let end = 1
      while (end < arg.length && !letters.includes(arg[end] as string)) {
        options.push([arg[end] as string, ''])
        end += 1
      }
      if (end < arg.length) {
        const next = end === arg.length - 1
        at += next ? 1 : 0
        options.push([arg[end] as string, next ? (args[at] ?? '') : arg.slice(end + 1)])
      }
    } else {
      operands.push(arg)
    }
  }
  return { operands, options }
}
