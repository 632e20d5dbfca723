/** For tests of the gRPC door: calls as a client makes them, and HTTP/2 as no gRPC client speaks it. */
import { type ClientHttp2Stream, connect as connectHttp2 } from 'node:http2'
import { Client, compressionAlgorithms, credentials, Metadata, type ServiceError } from '@grpc/grpc-js'
import { encodeWithLibrary } from './oracle.ts'

/** A request of one span. */
export const GOOD = Buffer.from(
  encodeWithLibrary('traces', { resourceSpans: [{ scopeSpans: [{ spans: [{ name: 'good' }] }] }] }),
)
export const TRACES = '/opentelemetry.proto.collector.trace.v1.TraceService/Export'

const same = (bytes: Buffer) => bytes

/** Resolves with the answer, or with the error that the call ended in. */
export function callGrpc(
  address: string,
  body: Buffer,
  path = TRACES,
  headers: Record<string, string> = {},
): Promise<Buffer | ServiceError> {
  const client = new Client(new URL(address).host, credentials.createInsecure(), {
    'grpc.default_compression_algorithm': compressionAlgorithms.identity,
    'grpc.max_send_message_length': -1,
  })
  const metadata = new Metadata()
  for (const [name, value] of Object.entries(headers)) {
    metadata.set(name, value)
  }
  return new Promise((resolve) => {
    client.makeUnaryRequest(path, same, same, body, metadata, {}, (error, answer) => {
      client.close()
      resolve(error ?? (answer as Buffer))
    })
  })
}

/** Speaks HTTP/2 by hand, to say what no gRPC client would. Gives the status of the call. */
export function raw(
  address: string,
  frames: Buffer[],
  headers: Record<string, string> = {},
  end = true,
): Promise<string> {
  return new Promise((resolve) => {
    const session = connectHttp2(address)
    const done = (status: string) => {
      session.destroy()
      resolve(status)
    }
    session.on('error', () => done('session error'))
    const stream: ClientHttp2Stream = session.request({
      ':method': 'POST',
      ':path': TRACES,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...headers,
    })
    const read = (got: Record<string, unknown>) => {
      if (got['grpc-status'] !== undefined || Number(got[':status'] ?? 200) !== 200) {
        done(String(got['grpc-status'] ?? `http ${got[':status']}`))
      }
    }
    stream.on('response', read)
    stream.on('trailers', read)
    stream.on('error', () => done('stream error'))
    stream.on('close', () => done('hung up'))
    stream.resume()
    for (const part of frames) {
      stream.write(part)
    }
    if (end) {
      stream.end()
    }
  })
}

/** A message of gRPC: flag, length, bytes. */
export const frame = (message: Buffer, flag = 0, length = message.length) => {
  const header = Buffer.alloc(5)
  header.writeUInt8(flag, 0)
  header.writeUInt32BE(length, 1)
  return Buffer.concat([header, message])
}
