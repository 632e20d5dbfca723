/** Sends a recorded request as it was sent: same path, headers, compression and transport. */
import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { openRawGrpc } from '../bench/raw-grpc.ts'

interface Meta {
  readonly transport: 'http' | 'grpc'
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
}

/** Headers of one connection, which are not part of what was said. */
const HOP_HEADERS = new Set(['host', 'connection', 'transfer-encoding', 'content-length'])

/** @returns the status: HTTP's, or 0 for a gRPC call that was answered. */
export async function sendCapture(
  folder: string,
  file: string,
  doors: { readonly http: string; readonly grpc: string },
): Promise<number> {
  const body = readFileSync(join(folder, file))
  const meta = JSON.parse(readFileSync(join(folder, `${file}.meta.json`), 'utf8')) as Meta
  return meta.transport === 'grpc' ? sendGrpc(body, meta.path, doors.grpc) : sendHttp(body, meta, doors.http)
}

function sendHttp(body: Buffer, { path, headers = {} }: Meta, door: string): Promise<number> {
  const kept = Object.fromEntries(Object.entries(headers).filter(([name]) => !HOP_HEADERS.has(name)))
  const sent = headers['content-encoding'] === 'gzip' ? gzipSync(body) : body
  // Chunked where it was chunked: then nobody says the length beforehand.
  const length = headers['transfer-encoding'] === 'chunked' ? {} : { 'content-length': String(sent.length) }
  return new Promise((resolve, reject) => {
    const outgoing = request(`${door}${path}`, { method: 'POST', headers: { ...kept, ...length } }, (response) => {
      response.resume()
      response.on('end', () => resolve(response.statusCode ?? 0))
    })
    outgoing.on('error', reject)
    const half = Math.floor(sent.length / 2)
    outgoing.write(sent.subarray(0, half))
    outgoing.end(sent.subarray(half))
  })
}

async function sendGrpc(body: Buffer, path: string, door: string): Promise<number> {
  const client = openRawGrpc(door, path)
  const error = await client.call(body)
  client.close()
  if (error !== null) {
    throw error
  }
  return 0
}
