/** For tests of the gRPC door: HTTP/2 frame by frame, as no library would let one send it. */
import { connect } from 'node:net'
import { TRACES } from './grpc-client.contract.ts'

export const FRAME = {
  data: 0,
  headers: 1,
  reset: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const
export const END_STREAM = 1
export const END_HEADERS = 4
const ACK = 1

/** What every connection begins with. */
export const PREFACE = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  http2Frame(FRAME.settings, 0, 0),
])

export function http2Frame(type: number, flags: number, stream: number, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head.writeUInt8(type, 3)
  head.writeUInt8(flags, 4)
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

/** The headers of a call, without a table and without Huffman's code; more of them where `more` says so. */
export function callHeaders(more: Readonly<Record<string, string>> = { te: 'trailers' }): Buffer {
  const headers = { ':path': TRACES, ':authority': 'x', 'content-type': 'application/grpc', ...more }
  const literal = (text: string) => Buffer.concat([Buffer.from([text.length]), Buffer.from(text)])
  // 0x83 and 0x86: `:method: POST` and `:scheme: http` of the static table.
  const fields = Object.entries(headers).flatMap(([name, value]) => [Buffer.from([0]), literal(name), literal(value)])
  return Buffer.concat([Buffer.from([0x83, 0x86]), ...fields])
}

/** 32 bits, as RST_STREAM and WINDOW_UPDATE want them. */
export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

export interface ReceivedFrame {
  readonly type: number
  readonly flags: number
  readonly stream: number
  readonly payload: Buffer
}

/**
 * How a connection went on: it still echoes, it was told goodbye with an error (which one differs between versions of
 * Node), or it was hung up on.
 */
export type Ending = 'echo' | 'goodbye' | 'hung up'

const ECHO = Buffer.from('is there')

/**
 * Sends bytes, and then asks for an echo. Gives every frame that came back until then, or until the other side wanted
 * no more. With `deaf`, nothing is read before everything was sent.
 */
export function speakHttp2(
  address: string,
  bytes: Buffer,
  options: { readonly deaf?: boolean } = {},
): Promise<{ readonly frames: readonly ReceivedFrame[]; readonly ending: Ending }> {
  return new Promise((resolve) => {
    const socket = connect(Number(new URL(address).port), '127.0.0.1')
    let received = Buffer.alloc(0)
    const done = (ending: Ending) => {
      socket.destroy()
      resolve({ frames: framesOf(received), ending })
    }
    socket.on('error', () => {})
    socket.on('close', () => done('hung up'))
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk])
      const ending = framesOf(received).map(endingOf).find(Boolean)
      if (ending !== undefined) {
        done(ending)
      }
    })
    if (options.deaf === true) {
      socket.pause()
    }
    socket.write(Buffer.concat([bytes, http2Frame(FRAME.ping, 0, 0, ECHO)]), () => socket.resume())
  })
}

function endingOf({ type, flags, payload }: ReceivedFrame): Ending | undefined {
  return type === FRAME.goAway && payload.readUInt32BE(4) !== 0
    ? 'goodbye'
    : type === FRAME.ping && flags === ACK && payload.equals(ECHO)
      ? 'echo'
      : undefined
}

/** The whole frames among bytes. */
export function framesOf(bytes: Buffer): readonly ReceivedFrame[] {
  const frames: ReceivedFrame[] = []
  let at = 0
  while (at + 9 <= bytes.length) {
    const end = at + 9 + bytes.readUIntBE(at, 3)
    if (end > bytes.length) {
      break
    }
    const [type, flags] = [bytes.readUInt8(at + 3), bytes.readUInt8(at + 4)]
    frames.push({ type, flags, stream: bytes.readUInt32BE(at + 5), payload: bytes.subarray(at + 9, end) })
    at = end
  }
  return frames
}
