/** Thin stand-in; replaced by the full rules. */
const SECRET = /\b(?:AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{36})\b|([?&](?:api_?key|token)=)[^&\s"']+/gi

export function mask(text: string): string {
  return text.replace(SECRET, (_all, key: string | undefined) => `${key ?? ''}[masked:secret]`)
}

export function maskSecrets(text: string): { readonly text: string; readonly guessable: boolean } {
  return { text: mask(text), guessable: true }
}
