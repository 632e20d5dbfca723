/** Reads the body of an OTLP/HTTP request. Every byte is counted as it comes, before and after inflation. */
import type { IncomingMessage } from 'node:http'
import { createGunzip } from 'node:zlib'
import { overloaded, type Refusal, tooLarge, undecodable } from './http-request.ts'
import type { Claim } from './in-flight.ts'
import type { DoorLimits } from './receive.ts'

/**
 * The whole body, inflated; a refusal as soon as it is clear that it cannot be taken; `undefined` when the client
 * went away. The request is left paused after a refusal, so that the answer can go out before the rest is discarded.
 */
export async function readBody(
  request: IncomingMessage,
  options: { readonly gzip: boolean; readonly limits: DoorLimits; readonly claim: Claim },
): Promise<Buffer | Refusal | undefined> {
  const { gzip, limits, claim } = options
  const sent = await collect(request, gzip ? limits.compressedBytes : limits.bodyBytes, claim)
  return gzip && Buffer.isBuffer(sent) ? inflate(sent, limits.bodyBytes, claim) : sent
}

function collect(request: IncomingMessage, limit: number, claim: Claim): Promise<Buffer | Refusal | undefined> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let size = 0
    const finish = (result: Buffer | Refusal | undefined) => {
      request.off('data', take).off('end', end).off('close', gone).off('error', gone)
      request.pause()
      // A request may still fail after it was refused; that is no longer news.
      request.on('error', () => {})
      resolve(result)
    }
    const take = (chunk: Buffer) => {
      size += chunk.length
      if (size > limit) {
        finish(tooLarge(`the body may have at most ${limit} bytes`))
      } else if (claim.add(chunk.length)) {
        chunks.push(chunk)
      } else {
        finish(overloaded('too much is being processed', 1000))
      }
    }
    const end = () => finish(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, size))
    const gone = () => finish(undefined)
    request.on('data', take).on('end', end).on('close', gone).on('error', gone)
  })
}

/** One layer only: what is inside is decoded, never inflated again. Several members count as one body. */
function inflate(compressed: Buffer, limit: number, claim: Claim): Promise<Buffer | Refusal> {
  return new Promise((resolve) => {
    const gunzip = createGunzip({ chunkSize: 64 * 1024 })
    const chunks: Buffer[] = []
    let size = 0
    const finish = (result: Buffer | Refusal) => {
      gunzip.destroy()
      resolve(result)
    }
    gunzip.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > limit) {
        finish(tooLarge(`the body may have at most ${limit} bytes once inflated`))
      } else if (claim.add(chunk.length)) {
        chunks.push(chunk)
      } else {
        finish(overloaded('too much is being processed', 1000))
      }
    })
    gunzip.on('end', () => finish(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, size)))
    gunzip.on('error', () => finish(undecodable('the body is not valid gzip')))
    gunzip.end(compressed)
  })
}
