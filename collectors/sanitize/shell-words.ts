/** A command line as a shell would split it, as far as that can be said without running it. */

const WORDS = 2000
const NESTING = 8
const OPERATORS = new Set([';', '|', '&', '\n', '(', ')', '`', '<', '>'])

/**
 * Simple commands, each as its words: quotes removed, escapes resolved, parts joined (`ev"il".com` is one word). What a
 * shell would compute stays a `$`, and the command in `$(...)` is one of its own.
 */
export function splitCommands(line: string): readonly (readonly string[])[] {
  let command: string[] = []
  const commands: string[][] = [command]
  /** Words that go on behind the `)` of a substitution, and the commands they belong to. */
  const outer: { readonly command: string[]; readonly word: string }[] = []
  let words = 0
  let word = ''
  let open = false
  let quote = ''
  const endWord = () => {
    if (open) {
      command.push(word)
      words += 1
    }
    word = ''
    open = false
  }
  for (let index = 0; index < line.length && words < WORDS; index += 1) {
    const character = line[index] as string
    if (quote !== '') {
      if (character === quote) {
        quote = ''
      } else if (character === '\\' && quote === '"' && index + 1 < line.length) {
        index += 1
        word += line[index]
      } else {
        word += character
      }
    } else if (character === '"' || character === "'") {
      quote = character
      open = true
    } else if (character === '\\' && index + 1 < line.length) {
      index += 1
      // A line that goes on below.
      word += line[index] === '\n' ? '' : line[index]
      open = true
    } else if (OPERATORS.has(character)) {
      const inner = character === ')' ? outer.pop() : undefined
      if (character === '(' && line[index - 1] === '$' && outer.length < NESTING) {
        outer.push({ command, word })
        word = ''
        open = false
      } else {
        endWord()
      }
      if (inner !== undefined) {
        command = inner.command
        word = inner.word
        open = true
      } else if (command.length > 0 || character === '(') {
        command = []
        commands.push(command)
      }
    } else if (character === ' ' || character === '\t' || character === '\r') {
      endWord()
    } else {
      word += character
      open = true
    }
  }
  endWord()
  return commands.filter((command) => command.length > 0)
}
