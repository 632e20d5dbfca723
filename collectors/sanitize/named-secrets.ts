/** Names whose value is a secret. */
const SECRET_NAME = /(?:passw(?:or)?d|passphrase|secret|api[._-]?key|token)$/i

export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name)
}
