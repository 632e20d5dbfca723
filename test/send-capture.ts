/** Sends a recorded request as it was sent, with the same path, headers, compression and transport; or another way. */
import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { compressionAlgorithms } from '@grpc/grpc-js'
import { openRawGrpc } from '../bench/raw-grpc.ts'
import { encodeWithLibrary } from '../collectors/otlp/oracle.ts'
import { signalOf } from './capture-files.ts'
import { withBytes } from './one-call.ts'

interface Meta {
  readonly transport: 'http' | 'grpc'
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
}

export interface Way {
  readonly transport: 'http' | 'grpc'
  readonly compression: 'gzip' | 'identity'
}

export interface DoorAddresses {
  readonly http: string
  readonly grpc: string
}

/** Headers of one connection, which are not part of what was said. */
const HOP_HEADERS = new Set(['host', 'connection', 'transfer-encoding', 'content-length'])

const METHODS = {
  traces: '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
  logs: '/opentelemetry.proto.collector.logs.v1.LogsService/Export',
}

/**
 * @param way of sending it, for files of `recordFiles`; by default as it was sent.
 * @returns the status: HTTP's, or 0 for a gRPC call that was answered.
 */
export async function sendCapture(folder: string, file: string, doors: DoorAddresses, way?: Way): Promise<number> {
  const body = readFileSync(join(folder, file))
  const meta = JSON.parse(readFileSync(join(folder, `${file}.meta.json`), 'utf8')) as Meta
  const { transport, compression } = way ?? wayOf(meta)
  return transport === 'grpc'
    ? sendGrpc(protobufOf(body, file), METHODS[signalOf(file)], compression, doors.grpc)
    : sendHttp(body, overHttp(meta, file), compression, doors.http)
}

function wayOf({ transport, headers }: Meta): Way {
  return { transport, compression: headers?.['content-encoding'] === 'gzip' ? 'gzip' : 'identity' }
}

/** What a request that came over gRPC would say over HTTP. */
function overHttp(meta: Meta, file: string): Meta {
  return meta.transport === 'http'
    ? meta
    : { transport: 'http', path: `/v1/${signalOf(file)}`, headers: { 'content-type': 'application/x-protobuf' } }
}

function protobufOf(body: Buffer, file: string): Buffer {
  return file.endsWith('.json')
    ? Buffer.from(encodeWithLibrary(signalOf(file), withBytes(JSON.parse(body.toString('utf8'))) as object))
    : body
}

function sendHttp(
  body: Buffer,
  { path, headers = {} }: Meta,
  compression: Way['compression'],
  door: string,
): Promise<number> {
  const kept = Object.fromEntries(
    Object.entries(headers).filter(([name]) => !HOP_HEADERS.has(name) && name !== 'content-encoding'),
  )
  const encoding = compression === 'gzip' ? { 'content-encoding': 'gzip' } : {}
  const sent = compression === 'gzip' ? gzipSync(body) : body
  // Chunked where it was chunked: then nobody says the length beforehand.
  const length = headers['transfer-encoding'] === 'chunked' ? {} : { 'content-length': String(sent.length) }
  return new Promise((resolve, reject) => {
    const options = { method: 'POST', headers: { ...kept, ...encoding, ...length } }
    const outgoing = request(`${door}${path}`, options, (response) => {
      response.resume()
      response.on('end', () => resolve(response.statusCode ?? 0))
    })
    outgoing.on('error', reject)
    const half = Math.floor(sent.length / 2)
    outgoing.write(sent.subarray(0, half))
    outgoing.end(sent.subarray(half))
  })
}

async function sendGrpc(
  message: Buffer,
  method: string,
  compression: Way['compression'],
  door: string,
): Promise<number> {
  const algorithm = compressionAlgorithms[compression]
  const client = openRawGrpc(door, method, { 'grpc.default_compression_algorithm': algorithm })
  const error = await client.call(message)
  client.close()
  if (error !== null) {
    throw error
  }
  return 0
}
