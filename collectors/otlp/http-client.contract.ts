/** For tests of the HTTP door: requests as `fetch` makes them, and as nobody should. */
import { connect, type Socket } from 'node:net'
import { encodeWithLibrary } from './oracle.ts'

/** A request of one span, in protobuf and in JSON. */
export const GOOD = Buffer.from(
  encodeWithLibrary('traces', { resourceSpans: [{ scopeSpans: [{ spans: [{ name: 'good' }] }] }] }),
)
export const GOOD_JSON = '{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"good"}]}]}]}'

/** Posts a body, as protobuf unless the headers say otherwise. */
export async function post(
  address: string,
  body: string | Buffer,
  headers: Record<string, string> = {},
  path = '/v1/traces',
) {
  const response = await fetch(`${address}${path}`, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/x-protobuf', ...headers },
  })
  const bytes = Buffer.from(await response.arrayBuffer())
  return { status: response.status, type: response.headers.get('content-type'), headers: response.headers, bytes }
}

/**
 * Sends bytes as they are and gives everything that comes back until the other side hangs up, or says enough. With
 * `end`, nothing more is sent after them.
 */
export function exchange(
  address: string,
  parts: readonly (string | Buffer)[],
  options: { readonly until?: RegExp; readonly end?: boolean } = {},
): Promise<string> {
  return converse(address, options.until, (socket) => {
    for (const part of parts) {
      socket.write(part)
    }
    if (options.end === true) {
      socket.end()
    }
  })
}

/** Sends the start at once and then a byte every ten milliseconds, until the other side hangs up. */
export function drip(address: string, start: string, rest: string): Promise<string> {
  return converse(address, undefined, (socket) => {
    let sent = 0
    socket.write(start)
    const dripping = setInterval(() => {
      socket.write(rest.charAt(sent))
      sent += 1
    }, 10)
    socket.on('close', () => clearInterval(dripping))
  })
}

function converse(address: string, until: RegExp | undefined, speak: (socket: Socket) => void): Promise<string> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(address)
    const socket: Socket = connect(Number(port), hostname)
    let answer = ''
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1')
      if (until?.test(answer)) {
        socket.destroy()
      }
    })
    socket.on('close', () => resolve(answer))
    // Whoever is hung up on while still sending sees a reset, or a pipe without an end.
    socket.on('error', (error: NodeJS.ErrnoException) =>
      error.code === 'ECONNRESET' || error.code === 'EPIPE' ? undefined : reject(error),
    )
    speak(socket)
  })
}

/** The head of a POST with the given header lines. */
export const head = (lines: string[], path = '/v1/traces') =>
  `${[`POST ${path} HTTP/1.1`, 'host: x', ...lines].join('\r\n')}\r\n\r\n`
/** The head of a POST of that many bytes of JSON, the last one of its connection. */
export const JSON_HEAD = (length: number, ...more: string[]) =>
  head(['content-type: application/json', `content-length: ${length}`, 'connection: close', ...more])
