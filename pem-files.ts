/** Certificates and keys that settings name: read before anything starts, with what is wrong said at the setting. */
import { readFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import type { Path } from './rules/yaml-document.ts'
import type { TlsFiles } from './settings-kafka.ts'

/** Told of what cannot be used, and where it was named. */
export type Report = (path: Path, message: string) => void

const CERTIFICATE = { label: 'CERTIFICATE', what: 'certificate' }
const KEY = { label: '[A-Z ]*PRIVATE KEY', what: 'private key' }

/** A certificate and the key it is used with, both or none. `path` is where the setting stands that names them. */
export function readIdentity(
  { cert_file, key_file }: TlsFiles,
  path: Path,
  report: Report,
): { readonly cert?: string; readonly key?: string } {
  const cert = readPem(cert_file, CERTIFICATE, [...path, 'cert_file'], report)
  const key = readPem(key_file, KEY, [...path, 'key_file'], report)
  if (cert === undefined || key === undefined) {
    return {}
  }
  const what = `${key_file} is not the key of ${cert_file}`
  attempt(() => createSecureContext({ cert, key }), [...path, 'key_file'], what, report)
  return { cert, key }
}

/** Certificates of authorities. `path` is the setting that names the file; without a file there are none. */
export function readAuthorities(file: string | undefined, path: Path, report: Report): string | undefined {
  return readPem(file, CERTIFICATE, path, report)
}

function readPem(
  file: string | undefined,
  { label, what }: typeof CERTIFICATE,
  path: Path,
  report: Report,
): string | undefined {
  const pem = file === undefined ? undefined : attempt(() => readFileSync(file, 'utf8'), path, 'cannot be read', report)
  if (pem === undefined) {
    return undefined
  }
  if (!new RegExp(`-----BEGIN ${label}-----`).test(pem)) {
    report(path, `${file} holds no ${what} in PEM`)
    return undefined
  }
  const use = label === CERTIFICATE.label ? { ca: pem } : { key: pem }
  return attempt(() => createSecureContext(use), path, `${file} cannot be used`, report) && pem
}

function attempt<Result>(act: () => Result, path: Path, what: string, report: Report): Result | undefined {
  try {
    return act()
  } catch (error) {
    report(path, `${what}: ${(error as Error).message}`)
    return undefined
  }
}
