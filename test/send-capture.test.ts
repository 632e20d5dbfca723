/** Recorded requests leave as they were sent, or the other way that was asked for: what a door would see of them. */
import { readFileSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import { createServer as createHttp2Server } from 'node:http2'
import type { AddressInfo, Server } from 'node:net'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterEach, describe, expect, it } from 'vitest'
import { decodeOtlp } from '../collectors/otlp/decode.ts'
import { areCapturesThere, captureFiles, captureFolder, recordFiles, signalOf } from './capture-files.ts'
import { sendCapture, type Way } from './send-capture.ts'

interface Seen {
  readonly path: string | undefined
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

interface Meta {
  readonly transport: 'http' | 'grpc'
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly wireBytes?: number
  readonly decodedBytes: number
}

const open: Server[] = []

afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => new Promise((closed) => server.close(closed))))
})

/** Both doors, which note what comes and answer that all is well. */
async function listening(seen: Seen[]) {
  const note = (path: string | undefined, headers: IncomingHttpHeaders, parts: readonly Buffer[]) =>
    seen.push({ path, headers, body: Buffer.concat(parts) })
  const http = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      note(request.url, request.headers, parts)
      response.end()
    })
  })
  const grpc = createHttp2Server()
  grpc.on('stream', (stream, headers) => {
    const parts: Buffer[] = []
    stream.on('data', (part: Buffer) => parts.push(part))
    stream.on('end', () => {
      note(headers[':path'], headers, parts)
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
      // An empty message: not compressed, no bytes.
      stream.end(Buffer.alloc(5))
    })
  })
  open.push(http, grpc)
  return { http: await addressOf(http), grpc: await addressOf(grpc) }
}

function addressOf(server: Server): Promise<string> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`))
  })
}

async function sent(file: string, way?: Way): Promise<Seen> {
  const seen: Seen[] = []
  await sendCapture(captureFolder, file, await listening(seen), way)
  expect(seen).toHaveLength(1)
  return seen[0] as Seen
}

/** The message of a gRPC request, and whether it was compressed. */
function messageOf({ body }: Seen): { readonly isGzip: boolean; readonly message: Buffer } {
  expect(body.readUInt32BE(1)).toBe(body.length - 5)
  const isGzip = body[0] === 1
  return { isGzip, message: isGzip ? gunzipSync(body.subarray(5)) : body.subarray(5) }
}

const recorded = (file: string) => readFileSync(join(captureFolder, file))
const metaOf = (file: string) => JSON.parse(recorded(`${file}.meta.json`).toString('utf8')) as Meta

describe.skipIf(!areCapturesThere)('a recorded request (skipped where ../shared/data/otlp is absent)', () => {
  it.each(captureFiles.filter((file) => metaOf(file).transport === 'http'))(
    'leaves as it was sent: %s',
    async (file) => {
      const meta = metaOf(file)
      const { path, headers, body } = await sent(file)
      const { host: _, connection: __, ...kept } = meta.headers ?? {}
      expect(path).toBe(meta.path)
      expect(headers).toMatchObject(kept)
      expect(headers['content-encoding']).toBe(meta.headers?.['content-encoding'])
      expect(body.length < meta.decodedBytes).toBe((meta.wireBytes ?? 0) < meta.decodedBytes)
      expect(headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body).toEqual(recorded(file))
    },
  )

  it.each(captureFiles.filter((file) => metaOf(file).transport === 'grpc'))(
    'leaves as it was sent: %s',
    async (file) => {
      const seen = await sent(file)
      expect(seen.path).toBe(metaOf(file).path)
      expect(messageOf(seen)).toEqual({ isGzip: false, message: recorded(file) })
    },
  )

  describe.each(recordFiles)('%s, sent another way', (file) => {
    const signal = signalOf(file)
    const records = (body: Buffer, encoding: 'json' | 'protobuf') => decodeOtlp(body, { signal, encoding }).records
    const original = records(recorded(file), file.endsWith('.json') ? 'json' : 'protobuf')

    it.each(['gzip', 'identity'] as const)('leaves over HTTP, %s', async (compression) => {
      const { path, headers, body } = await sent(file, { transport: 'http', compression })
      expect(path).toBe(`/v1/${signal}`)
      expect(headers['content-encoding']).toBe(compression === 'gzip' ? 'gzip' : undefined)
      expect(compression === 'gzip' ? gunzipSync(body) : body).toEqual(recorded(file))
    })

    it.each(['gzip', 'identity'] as const)('leaves over gRPC, %s, and says the same', async (compression) => {
      const seen = await sent(file, { transport: 'grpc', compression })
      const { isGzip, message } = messageOf(seen)
      expect(seen.path).toMatch(signal === 'logs' ? /LogsService\/Export$/ : /TraceService\/Export$/)
      expect(isGzip).toBe(compression === 'gzip')
      expect(records(message, 'protobuf')).toEqual(original)
    })
  })
})
