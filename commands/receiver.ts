/** A webhook receiver as the other side would write it: checks the signature, answers, hands the alert on. */
import { timingSafeEqual } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { parseSecret, sign } from '../alerts/sinks/webhook/signature.ts'
import type { Notice } from '../schema/alert.ts'

export interface Receiver {
  readonly url: string
  close(): Promise<void>
}

const BODY_LIMIT = 1024 * 1024
const TOLERANCE_S = 300

/** @param onAlert called once for each distinct notice whose signature holds. */
export async function openReceiver(
  secret: string,
  onAlert: (alert: Notice['alert'], type: Notice['type']) => void,
): Promise<Receiver> {
  const key = parseSecret(secret)
  if (key === undefined) {
    throw new Error('the receiver was given a secret that is none')
  }
  const seen = new Set<string>()
  const server = createServer(async (request, response) => {
    const body = await readBody(request)
    const id = String(request.headers['webhook-id'])
    const timestampS = Number(request.headers['webhook-timestamp'])
    const given = Buffer.from(String(request.headers['webhook-signature']))
    const expected = Buffer.from(sign([key], id, timestampS, body ?? ''))
    const fresh = Math.abs(Date.now() / 1000 - timestampS) < TOLERANCE_S
    if (body === undefined || !fresh || given.length !== expected.length || !timingSafeEqual(given, expected)) {
      response.writeHead(401).end()
      return
    }
    if (!seen.has(id)) {
      seen.add(id)
      const message = JSON.parse(body) as { type: Notice['type']; data: Notice['alert'] }
      onAlert(message.data, message.type)
    }
    response.writeHead(204).end()
  })
  await new Promise<void>((listening, failed) => server.once('error', failed).listen(0, '127.0.0.1', listening))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/alerts`,
    close: () =>
      new Promise((closed) => {
        server.closeAllConnections()
        server.close(() => closed())
      }),
  }
}

async function readBody(request: AsyncIterable<Buffer>): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request) {
    bytes += chunk.length
    if (bytes > BODY_LIMIT) {
      return undefined
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
