/**
 * What never becomes a request, because the HTTP parser itself refuses it: bytes that are no HTTP, headers or chunks
 * that are too long, requests that take too long. Some of it comes in the middle of a request that `serve` has seen
 * the headers of.
 */
import { type ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { HttpConnection } from './http-connection.ts'
import { answerEncoding, type Refusal } from './http-request.ts'
import { cutOffSoon } from './listening.ts'
import { CODE, CONTENT_TYPES, encodeStatus } from './replies.ts'

/**
 * What an error of the parser means to the sender; `undefined` when the connection broke, and nobody is there to be
 * told. `code` is that of the error.
 */
export function unparsable(code: string | undefined): Refusal | undefined {
  switch (code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return {
        status: 408,
        code: CODE.deadlineExceeded,
        outcome: 'rejected:incomplete-request',
        message: 'the request took too long to arrive',
      }
    case 'HPE_HEADER_OVERFLOW':
      return {
        status: 431,
        code: CODE.resourceExhausted,
        outcome: 'rejected:too-large',
        message: 'the headers are too long',
      }
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return {
        status: 413,
        code: CODE.resourceExhausted,
        outcome: 'rejected:too-large',
        message: 'the chunk extensions are too long',
      }
    default:
      return code?.startsWith('HPE_')
        ? {
            status: 400,
            code: CODE.invalidArgument,
            outcome: 'rejected:malformed-http',
            message: 'this is not a valid HTTP/1.1 request',
          }
        : undefined
  }
}

/** Whether the parser gave up in the middle of a body: then `serve` knows of the request, and sees it end. */
export function isInBody(latest: ServerResponse | undefined): latest is ServerResponse {
  return latest !== undefined && !latest.req.complete
}

/**
 * Says so and hangs up, once the answers to all earlier requests are out: an answer that overtakes them would be
 * taken for theirs. As with every refusal, a sender whose encoding is not known reads JSON: whoever speaks no HTTP is
 * more likely a person with a tool, or a proxy, than an exporter, and the content type says what it is.
 */
export function answerUnparsable(refusal: Refusal, socket: Socket, { latest, unfinished }: HttpConnection): void {
  const own = isInBody(latest) ? latest : undefined
  const answer = answerTo(own, refusal)
  // A request may have been refused while its body came; then that is its answer, and the rest was being discarded.
  const speak = () => hangUp(socket, own?.headersSent === true ? undefined : answer)
  const earlier = [...unfinished].filter((response) => response !== own).at(-1)
  if (earlier === undefined) {
    speak()
  } else {
    earlier.once('finish', speak)
  }
}

function answerTo(own: ServerResponse | undefined, refusal: Refusal): Buffer {
  const encoding = own === undefined ? 'json' : answerEncoding(own.req)
  const body = encodeStatus(refusal.code, refusal.message, encoding)
  const headers = {
    ...refusal.headers,
    connection: 'close',
    'content-type': CONTENT_TYPES[encoding],
    'content-length': body.length,
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  const head = `HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status]}\r\n${lines.join('')}\r\n`
  return Buffer.concat([Buffer.from(head), body])
}

/** Ends the connection, after what was written and a last word, if there is one and an earlier answer was not the last. */
function hangUp(socket: Socket, answer: Buffer | undefined): void {
  cutOffSoon(socket)
  if (answer !== undefined && socket.writable) {
    socket.end(answer)
  } else {
    socket.destroySoon()
  }
}
