const KEY = /"[^"\\]{0,64}"\s{0,4}:/g
const ESCAPED_BREAK = /\\[nrt]/g

/** What the arguments of a call say, without the names of their fields: `{"prompt": ...}` says nothing about a prompt. */
export function argumentTexts(text: string): string {
  const values = text.replace(KEY, '\n')
  return values.includes('\\') ? values.replace(ESCAPED_BREAK, '\n').replaceAll('\\"', '"') : values
}
