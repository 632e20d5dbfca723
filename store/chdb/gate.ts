/**
 * What the read session must not run although `readonly=1` lets it pass.
 *
 * Measured on engine 26.7: with `readonly=1` table functions, INSERT, DDL and SET are refused, but the scalar
 * function `file('/etc/passwd')` still reads any file (also as `columns(...) apply(file)` and quoted as an
 * identifier), `INTO OUTFILE` still writes one, and KILL and USE still work. So statements of readers are looked at
 * as text, before the engine sees them. The look is coarse on purpose: it refuses a literal that merely holds such
 * a word, and never depends on telling literals from code. Values belong in parameters, which are not looked at.
 */

/** The longest statement a reader may send, in UTF-16 units. */
const STATEMENT_LIMIT = 256 * 1024

const READING = /^[\s(]*(?:select|with|from|show|describe|desc|explain|exists)\b/i
const FORBIDDEN: readonly (readonly [RegExp, string])[] = [
  [/;\s*\S/, 'more than one statement'],
  [/\\x/i, 'a hexadecimal escape'],
  [/\b(?:outfile|infile)\b/i, 'a file clause'],
  // Function names are case sensitive where they are not SQL standard; refused in any case all the same.
  [/\bfile\b["`]?\s*(?:\(|\))/i, 'the function file'],
  [/\bfile\b["`]?\s*(?:\/\*|--|#|$)/i, 'the function file'],
  [/\bcatboostevaluate\b/i, 'the function catboostEvaluate'],
]

/** Why a reader may not run this statement, or `undefined` when the engine may judge it. */
export function refusal(statement: string): string | undefined {
  if (statement.length > STATEMENT_LIMIT) {
    return `statements of readers hold at most ${STATEMENT_LIMIT} characters`
  }
  if (!READING.test(statement)) {
    return 'readers may only ask (SELECT, WITH, SHOW, DESCRIBE, EXPLAIN, EXISTS)'
  }
  if (/\bapply\b/i.test(statement) && /\bfile\b/i.test(statement)) {
    return 'readers may not apply the function file'
  }
  const found = FORBIDDEN.find(([pattern]) => pattern.test(statement))
  return found === undefined ? undefined : `readers may not use ${found[1]}`
}
