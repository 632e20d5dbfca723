/** The words of a text, for lists that are easier to read without quotes and commas. Called where modules are loaded. */
export function words(text: string): ReadonlySet<string> {
  return new Set(text.trim().split(/\s+/))
}
