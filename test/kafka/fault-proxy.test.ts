import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts'

let broker: Server
/** All that has reached the broker, which answers the same back. */
let asked: string
let brokerSockets: Socket[]
let proxy: FaultProxy
let clients: Client[]

beforeEach(async () => {
  asked = ''
  brokerSockets = []
  clients = []
  broker = createServer((socket) => {
    brokerSockets.push(socket)
    socket.on('error', () => {})
    socket.on('data', (bytes) => {
      asked += String(bytes)
      socket.write(bytes)
    })
  }).listen(0, '127.0.0.1')
  await once(broker, 'listening')
  proxy = await startFaultProxy()
  proxy.forwardTo((broker.address() as AddressInfo).port)
})

afterEach(async () => {
  for (const { socket } of clients) {
    socket.destroy()
  }
  await proxy.close()
  broker.close()
})

describe('without faults', () => {
  test('both ways pass, large as they may be', async () => {
    const client = await open()
    const much = Array.from({ length: 500_000 }, (_, index) => `${index},`).join('')
    client.socket.write(much)
    await client.heard(much.length)
    expect(client.text === much).toBe(true)
  })

  test('who does not read holds back who writes, until it reads', async () => {
    const client = await open()
    client.socket.pause()
    const [writer] = brokerSockets
    for (let chunk = 0; chunk < 512; chunk += 1) {
      writer?.write(Buffer.alloc(64 * 1024, 'x'))
    }
    let waiting: number | undefined
    do {
      waiting = writer?.writableLength
      await arrived()
    } while (waiting !== writer?.writableLength)
    expect(waiting).toBeGreaterThan(0)
    client.socket.resume()
    await client.heard(512 * 64 * 1024)
  })

  test('an end passes, and the connection is forgotten', async () => {
    const client = await open()
    client.socket.end('last words')
    await once(client.socket, 'close')
    expect(client.text).toBe('last words')
    await vi.waitFor(() => expect(proxy.connections).toBe(0))
  })
})

describe('faults', () => {
  test('latency holds every byte back, in order', async () => {
    const client = await open()
    proxy.set({ latencyMs: 50 })
    const start = performance.now()
    client.socket.write('slow,')
    await vi.waitFor(() => expect(proxy.connections).toBe(1))
    await client.heard(5)
    // Both ways; a timer may fire a millisecond early.
    expect(performance.now() - start).toBeGreaterThanOrEqual(98)
    client.socket.write('slow again,')
    await arrived()
    proxy.set({})
    client.socket.write('fast')
    await client.heard('slow,slow again,fast'.length)
    expect(client.text).toBe('slow,slow again,fast')
  })

  test('dropped answers: the broker has done it and the client never hears', async () => {
    const client = await open()
    proxy.set({ dropAnswers: true })
    client.socket.write('done?')
    await vi.waitFor(() => expect(proxy.droppedAnswerBytes).toBe(5))
    expect(asked).toBe('done?')
    proxy.set({})
    client.socket.write('heard')
    await client.heard(5)
    expect(client.text).toBe('heard')
  })

  test('cut after some bytes: these arrive, and the connection ends', async () => {
    const client = await open()
    proxy.set({ cutAfterAnswerBytes: 3 })
    client.socket.write('abcdef')
    await once(client.socket, 'close')
    expect(client.text).toBe('abc')
    expect(asked).toBe('abcdef')
  })

  test('a cut resets what is open, once', async () => {
    const client = await open()
    const error = once(client.socket, 'error')
    proxy.cut()
    expect(await error).toMatchObject([{ code: 'ECONNRESET' }])
    const next = await open()
    next.socket.write('again')
    await next.heard(5)
  })

  test('refused: new connections are reset, open ones go on', async () => {
    const client = await open()
    proxy.set({ refuse: true })
    const refused = connect(proxy.port, '127.0.0.1')
    const [error] = await once(refused, 'error')
    expect(error).toMatchObject({ code: 'ECONNRESET' })
    client.socket.write('still')
    await client.heard(5)
  })

  test('half-open: neither side hears of the other again, not even of its end', async () => {
    const client = await open()
    proxy.set({ halfOpen: true })
    client.socket.write('lost')
    brokerSockets[0]?.write('lost too')
    await vi.waitFor(() => expect(proxy.droppedAnswerBytes).toBe(8))
    client.socket.destroy()
    await arrived()
    proxy.set({})
    // The broker still believes in its connection.
    expect(brokerSockets[0]?.readableEnded).toBe(false)
    expect(asked).toBe('')
    expect(proxy.connections).toBe(1)
  })
})

/** Resolves when what was written has been read: this process has both ends, so some turns of its loop do. */
async function arrived(): Promise<void> {
  for (let turn = 0; turn < 100; turn += 1) {
    await new Promise((resolve) => setImmediate(resolve))
  }
}

interface Client {
  readonly socket: Socket
  /** What it has heard. */
  text: string
  heard(bytes: number): Promise<void>
}

async function open(): Promise<Client> {
  const socket = connect(proxy.port, '127.0.0.1')
  const heard = async (bytes: number): Promise<void> => {
    while (client.text.length < bytes) {
      await once(socket, 'data')
    }
  }
  const client: Client = { socket, text: '', heard }
  socket.on('data', (bytes) => {
    client.text += String(bytes)
  })
  socket.on('error', () => {})
  clients.push(client)
  await once(socket, 'connect')
  await vi.waitFor(() => expect(brokerSockets).toHaveLength(clients.length))
  return client
}
