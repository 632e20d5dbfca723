/**
 * What never becomes a request, because the HTTP parser itself refuses it: bytes that are no HTTP, headers or chunks
 * that are too long, requests that take too long. Some of it comes in the middle of a request that `serve` has seen
 * the headers of.
 */
import { type ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
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
export function isInBody(latest: ServerResponse | undefined): boolean {
  return latest !== undefined && !latest.req.complete
}

/**
 * Says so and hangs up, without cutting off or forging the answer to an earlier request. As with every refusal, a
 * sender whose encoding is not known reads JSON: whoever speaks no HTTP is more likely a person with a tool, or a
 * proxy, than an exporter, and the content type says what it is.
 *
 * @param latest the answer to the latest request of this connection whose headers could be read.
 */
export function answerUnparsable(refusal: Refusal, socket: Socket, latest: ServerResponse | undefined): void {
  const encoding = isInBody(latest) && latest !== undefined ? answerEncoding(latest.req) : 'json'
  const body = encodeStatus(refusal.code, refusal.message, encoding)
  const headers = {
    ...refusal.headers,
    connection: 'close',
    'content-type': CONTENT_TYPES[encoding],
    'content-length': body.length,
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  const head = `HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status]}\r\n${lines.join('')}\r\n`
  const answer = Buffer.concat([Buffer.from(head), body])
  if (!socket.writable) {
    socket.destroy()
  } else if (latest === undefined || latest.writableFinished || (isInBody(latest) && !latest.headersSent)) {
    hangUp(socket, answer)
  } else if (isInBody(latest)) {
    // It was refused already, and the rest of its body was only being discarded.
    socket.destroySoon()
  } else {
    latest.once('finish', () => hangUp(socket, answer))
  }
}

function hangUp(socket: Socket, answer: Buffer): void {
  cutOffSoon(socket)
  socket.end(answer)
}
