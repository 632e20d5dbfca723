/** Names of tools and scopes are words written together. */

/** The words of a name, in lower case: of `runShellCommand`, `run_shell_command` and `HTTPServer.run`. Of a long name, its beginning. */
export function wordsOf(name: string): readonly string[] {
  return name
    .slice(0, 200)
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replaceAll(/([A-Z])([A-Z][a-z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
}
