/** How clients of brokers for tests prove who they are, and the brokers too. */
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** What the listener for clients speaks. `sasl_ssl` takes PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 and OAUTHBEARER. */
export type Listeners = 'plaintext' | 'ssl' | 'sasl_ssl'

/** What a client needs to be let in. */
export interface Security {
  /** The certificate to trust, as PEM: it is for 127.0.0.1 and localhost, and signed by itself. */
  readonly ca: string
  /** The one user that PLAIN and SCRAM know. */
  readonly username: string
  readonly password: string
}

/** Makes a certificate (with `openssl`, in `directory`) and a password. Throws when there is no openssl. */
export async function makeSecurity(directory: string): Promise<Security> {
  const key = join(directory, 'key.pem')
  const certificate = join(directory, 'certificate.pem')
  const names = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost']
  const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', ...names]
  await promisify(execFile)('openssl', [...request, '-keyout', key, '-out', certificate]).catch((error: Error) => {
    throw new Error(`A certificate for Kafka needs openssl (Debian: apt-get install openssl): ${error.message}`)
  })
  const ca = readFileSync(certificate, 'utf8')
  writeFileSync(keystore(directory), readFileSync(key, 'utf8') + ca)
  return { ca, username: 'telltale', password: randomBytes(12).toString('hex') }
}

/** A token for OAUTHBEARER as the brokers take it: unsigned, for an hour. Good for tests and nothing else. */
export function unsignedToken(subject: string): string {
  const now = Math.floor(Date.now() / 1000)
  const part = (json: object): string => Buffer.from(JSON.stringify(json)).toString('base64url')
  return `${part({ alg: 'none' })}.${part({ sub: subject, iat: now, exp: now + 3600 })}.`
}

/** What `server.properties` says of it. `startBrokers` calls this. */
export function securitySettings(
  listeners: Listeners,
  directory: string,
  { username, password }: Security,
): Record<string, string> {
  const of = (name: string): string => `listener.name.client.${name}`
  const login = (module: string, options = ''): string =>
    `org.apache.kafka.common.security.${module} required${options};`
  const tls = { [of('ssl.keystore.type')]: 'PEM', [of('ssl.keystore.location')]: keystore(directory) }
  if (listeners !== 'sasl_ssl') {
    return tls
  }
  return {
    ...tls,
    [of('sasl.enabled.mechanisms')]: 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER',
    [of('plain.sasl.jaas.config')]: login('plain.PlainLoginModule', ` user_${username}="${password}"`),
    [of('scram-sha-256.sasl.jaas.config')]: login('scram.ScramLoginModule'),
    [of('scram-sha-512.sasl.jaas.config')]: login('scram.ScramLoginModule'),
    // The server's login must have a claim of its own, although it only reads those of clients.
    [of('oauthbearer.sasl.jaas.config')]: login(
      'oauthbearer.OAuthBearerLoginModule',
      ` unsecuredLoginStringClaim_sub="${username}"`,
    ),
  }
}

/** What formatting the storage is told of the user: SCRAM's are kept there. `startBrokers` calls this. */
export function scramArguments({ username, password }: Security): string {
  const user = `[name=${username},password=${password}]`
  return ['SCRAM-SHA-256', 'SCRAM-SHA-512'].map((mechanism) => `--add-scram ${mechanism}=${user}`).join(' ')
}

function keystore(directory: string): string {
  return join(directory, 'keystore.pem')
}
