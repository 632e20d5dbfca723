import { expect, it } from 'vitest'
import { wordsOf } from './name-words.ts'

it.each([
  ['run_shell_command', 'run shell command'],
  ['runShellCommand', 'run shell command'],
  ['HTTPServer.run', 'http server run'],
  ['mcp__git__push', 'mcp git push'],
  ['Sites.FullControl.All', 'sites full control all'],
])('%s: %s', (name, words) => {
  expect(wordsOf(name).join(' ')).toBe(words)
})

it('reads the beginning of a name that is longer than any', () => {
  expect(wordsOf('a_'.repeat(100_000)).length).toBeLessThan(200)
})
