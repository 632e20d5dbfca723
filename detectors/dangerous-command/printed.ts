/** What a command prints, where the script itself says it: `echo ... | base64 -d` gives the decoded text. */
import type { Command } from './command.ts'
import { ansi } from './words.ts'

/** How many decoders in a row are followed. */
const STEPS = 4
const BASE64 = /^[A-Za-z0-9+/=_\s-]{8,}$/
const HEX = /^[0-9a-fA-F\s]{8,}$/

/** The output of a command that prints what it is given, through decoders and `tee`; `undefined` when nothing says it. */
export function printed(command: Command, steps = STEPS): string | undefined {
  const { name, args, from } = command
  if (name === 'echo') {
    const words = args.filter((arg, index) => !(index === 0 && /^-[neE]+$/.test(arg)))
    const text = words.join(' ')
    return args[0]?.includes('e') === true && args[0].startsWith('-') ? ansi(text) : text
  }
  if (name === 'printf') {
    return ansi([args.slice(1).join('') === '' ? (args[0] ?? '') : args.slice(1).join(' ')].join(''))
  }
  const input = command.input ?? (from === undefined || steps === 0 ? undefined : printed(from, steps - 1))
  if (input === undefined) {
    return undefined
  }
  if (name === 'cat' || name === 'tee') {
    return input
  }
  return isDecoder(command) ? decoded(name, input.trim()) : undefined
}

/** Whether it turns encoded text into what it says. */
export function isDecoder({ name, args }: Command): boolean {
  switch (name) {
    case 'base64':
    case 'base32':
    case 'gbase64':
      return args.some((arg) => /^-(?:[a-zA-Z]*[dD]|-decode)/.test(arg))
    case 'b64decode':
    case 'uudecode':
      return true
    case 'openssl':
      return (args[0] === 'base64' || args.includes('-base64') || args[0] === 'enc') && args.includes('-d')
    case 'xxd':
      return args.some((arg) => /^-[a-z]*r/.test(arg))
    default:
      return false
  }
}

function decoded(name: string, text: string): string | undefined {
  if (name === 'xxd') {
    return HEX.test(text) ? Buffer.from(text.replace(/\s/g, ''), 'hex').toString('utf8') : undefined
  }
  return BASE64.test(text) && name !== 'base32' ? Buffer.from(text, 'base64').toString('utf8') : undefined
}
