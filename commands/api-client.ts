/** Asks the API of a running Telltale: for commands that read what it has stored. */
import { readFileSync } from 'node:fs'
import type { Config } from '../config.ts'
import { Misconfigured, Unavailable } from '../schema/errors.ts'
import { printable } from '../schema/printable.ts'
import type { CommandSyntax, Parsed } from './arguments.ts'

export interface ApiClient {
  /** The answer to `GET path?query`. Throws `Misconfigured` when the request is at fault, else `Unavailable`. */
  get<Answer>(path: string, query?: Readonly<Record<string, string | number | undefined>>): Promise<Answer>
}

/** Options of commands that ask a running Telltale. */
export const API_OPTIONS: Pick<CommandSyntax, 'options' | 'help'> = {
  options: { url: { type: 'string' }, 'key-file': { type: 'string' } },
  help: [
    ['--url URL', 'the API to ask (default: the address in the configuration)'],
    ['--key-file FILE', 'holds the key to ask with, where keys are configured (telltale key read makes one)'],
  ],
}

const TIMEOUT_MS = 60_000

/** @throws Misconfigured when the address or the key file makes no sense. */
export function openApiClient(config: Pick<Config, 'listen'>, { values }: Parsed): ApiClient {
  const base = baseOf(config, values.url as string | undefined)
  const key = values['key-file'] === undefined ? undefined : keyOf(values['key-file'] as string)
  const headers: Record<string, string> = key === undefined ? {} : { authorization: `Bearer ${key}` }
  return {
    get: async <Answer>(path: string, query: Readonly<Record<string, string | number | undefined>> = {}) => {
      const url = new URL(path, base)
      for (const [name, value] of Object.entries(query)) {
        if (value !== undefined) {
          url.searchParams.set(name, String(value))
        }
      }
      const response = await ask(url, headers)
      if (!response.ok) {
        throw await refusal(url, response, key !== undefined)
      }
      return (await response.json()) as Answer
    },
  }
}

function baseOf({ listen }: Pick<Config, 'listen'>, given: string | undefined): URL {
  const host = listen.host === '0.0.0.0' ? '127.0.0.1' : listen.host === '::' ? '::1' : listen.host
  const written = given ?? `http://${host.includes(':') ? `[${host}]` : host}:${listen.api_port}`
  const url = URL.canParse(written) ? new URL(written) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new Misconfigured([{ file: '--url', message: `'${printable(written)}' is not an http or https address` }])
  }
  return url
}

function keyOf(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (error) {
    throw new Misconfigured([{ file, message: `cannot be read: ${(error as Error).message}` }])
  }
}

async function ask(url: URL, headers: Readonly<Record<string, string>>): Promise<Response> {
  try {
    return await fetch(url, { headers, redirect: 'error', signal: AbortSignal.timeout(TIMEOUT_MS) })
  } catch (error) {
    const { cause } = error as { readonly cause?: { readonly code?: string; readonly message?: string } }
    const why = cause?.code ?? cause?.message ?? (error as Error).message
    const hint = 'start one, name another by --url, or give recordings as operands'
    throw new Unavailable(`no Telltale answers at ${url.origin}: ${printable(why)} (${hint})`, { cause: error })
  }
}

async function refusal(url: URL, response: Response, withKey: boolean): Promise<Error> {
  const text = await response.text().catch(() => '')
  const said = printable(messageOf(text)).slice(0, 500)
  const message = `answers ${response.status}: ${said}`
  if (response.status === 401 || response.status === 403) {
    const suggestion = withKey ? 'the key must be for reading, and configured there' : 'give a key by --key-file'
    return new Misconfigured([{ file: url.origin, message, suggestion }])
  }
  return response.status < 500
    ? new Misconfigured([
        { file: url.origin, message, suggestion: `is it a Telltale of this version? ${url.pathname}` },
      ])
    : new Unavailable(`${url.origin}: ${message}`)
}

function messageOf(text: string): string {
  try {
    const { error } = JSON.parse(text) as { readonly error?: { readonly message?: string } }
    return error?.message ?? text
  } catch {
    return text
  }
}
