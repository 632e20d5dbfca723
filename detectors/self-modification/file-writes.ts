/** Which files a tool call changes, as far as its arguments say. */
import { toolActions } from '../draft/tool-powers.ts'

/** Arguments that name the file that is written, as words of file tools have them. */
const PATH_KEYS = new Set(
  'path file filepath filename file_path file_name filePath fileName target_file targetFile notebook_path absolute_path destination dest target uri old_path new_path relative_workspace_path'.split(
    ' ',
  ),
)
/** Arguments by which an editor says that it only looks. */
const LOOKS = /"(?:command|action|operation|mode)"\s{0,4}:\s{0,4}"(?:view|read|open|list|get|r)"/
const PATCHED = /^(?:\*\*\* (?:Add|Update|Delete) File: |\+\+\+ (?:b\/)?|\*\*\* Move to: )(.{1,1024})$/gm
const QUOTED_PATH = /"([A-Za-z_]{2,32})"\s{0,4}:\s{0,4}"((?:[^"\\]|\\.){1,1024})"/g
const PATHS_LIMIT = 32

/**
 * Paths that a call of a file tool writes or deletes; empty for tools that only look. Arguments may be cut, so they are
 * searched and not parsed.
 */
export function writtenPaths(toolName: string, text: string): readonly string[] {
  const actions = toolActions(toolName)
  if (!(actions.has('writes') || actions.has('deletes')) || LOOKS.test(text)) {
    return []
  }
  const paths: string[] = []
  for (const [, key = '', value = ''] of text.matchAll(QUOTED_PATH)) {
    if (PATH_KEYS.has(key) && paths.length < PATHS_LIMIT) {
      paths.push(unescaped(value))
    }
  }
  if (text.includes('*** ') || text.includes('+++ ')) {
    for (const [, path = ''] of unescaped(text).matchAll(PATCHED)) {
      if (paths.length < PATHS_LIMIT) {
        paths.push(path.replace(/"\}?$/, ''))
      }
    }
  }
  return paths
}

function unescaped(value: string): string {
  return value.includes('\\')
    ? value.replaceAll(/\\(["\\/nrt])/g, (_whole, mark: string) => ({ n: '\n', r: '\r', t: '\t' })[mark] ?? mark)
    : value
}
