/**
 * A TCP proxy in front of one broker, which tests make misbehave as networks do. It runs in the test's own process;
 * the broker advertises the proxy's port (`advertisedPorts` of `startBrokers`), so that clients always pass here.
 */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** What the proxy does to bytes. Changes count at once, for open connections too. */
export interface Faults {
  /** Holds back every chunk, either way, for so long. Order is kept. Default 0. */
  readonly latencyMs?: number
  /** Bytes from the broker are thrown away; the broker has done what it was asked, and the client never hears. */
  readonly dropAnswers?: boolean
  /** Bytes of either side are thrown away, the connection's end too: the peer is gone and nobody says so. */
  readonly halfOpen?: boolean
  /** New connections are reset. */
  readonly refuse?: boolean
  /** After so many more bytes from the broker, over all connections, each that has another is closed; those arrive. */
  readonly cutAfterAnswerBytes?: number
}

/** A proxy that listens on 127.0.0.1. */
export interface FaultProxy {
  /** What clients connect to. */
  readonly port: number
  /** Where connections go from now on: `Brokers.ports`. Before the first call they are reset. */
  forwardTo(port: number): void
  /** Replaces all faults; `{}` heals what can be healed: bytes once thrown away stay away. */
  set(faults: Faults): void
  /** Resets every open connection, once. */
  cut(): void
  /** Connections that are open. */
  readonly connections: number
  /** Bytes from the broker that were thrown away so far: a test waits for these instead of for time. */
  readonly droppedAnswerBytes: number
  /** Resets every connection and stops listening. */
  close(): Promise<void>
}

/** Starts a proxy; `forwardTo` says to which port. */
export async function startFaultProxy(): Promise<FaultProxy> {
  const proxy = new TcpProxy()
  await proxy.listen()
  return proxy
}

/** The two sockets of one connection. */
interface Pair {
  readonly client: Socket
  readonly broker: Socket
}

const NOTHING = Buffer.alloc(0)

class TcpProxy implements FaultProxy {
  readonly #server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => this.#accept(client))
  readonly #pairs = new Set<Pair>()
  #faults: Faults = {}
  #target: number | undefined
  /** What may still come from the broker, with `cutAfterAnswerBytes`. */
  #answerBytesLeft = Number.POSITIVE_INFINITY
  #droppedAnswerBytes = 0

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get connections(): number {
    return this.#pairs.size
  }

  get droppedAnswerBytes(): number {
    return this.#droppedAnswerBytes
  }

  async listen(): Promise<void> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
  }

  forwardTo(port: number): void {
    this.#target = port
  }

  set(faults: Faults): void {
    this.#faults = faults
    this.#answerBytesLeft = faults.cutAfterAnswerBytes ?? Number.POSITIVE_INFINITY
  }

  cut(): void {
    for (const { client, broker } of this.#pairs) {
      client.resetAndDestroy()
      broker.resetAndDestroy()
    }
    this.#pairs.clear()
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.cut()
    await closed
  }

  #accept(client: Socket): void {
    if (this.#target === undefined || this.#faults.refuse) {
      client.on('error', () => {}).resetAndDestroy()
      return
    }
    const broker = connect({ port: this.#target, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
    const pair = { client, broker }
    this.#pairs.add(pair)
    this.#pass(client, broker, pair, (bytes) => this.#question(bytes))
    this.#pass(broker, client, pair, (bytes) => this.#answer(bytes, pair))
  }

  #pass(from: Socket, to: Socket, pair: Pair, filter: (bytes: Buffer) => Buffer): void {
    // What comes later waits for what was delayed before it, whatever the latency is by then.
    let before = Promise.resolve()
    const inTurn = (act: () => void): void => {
      const { latencyMs = 0 } = this.#faults
      const due = latencyMs > 0 ? new Promise<void>((resolve) => setTimeout(resolve, latencyMs)) : undefined
      before = before.then(() => due).then(act)
    }
    from.on('data', (bytes) => {
      inTurn(() => {
        const rest = filter(bytes)
        if (rest.length > 0 && to.writable && !to.write(rest)) {
          from.pause()
        }
      })
    })
    to.on('drain', () => from.resume())
    from.on('end', () => inTurn(() => this.#faults.halfOpen || to.end()))
    from.on('error', () => this.#faults.halfOpen || to.resetAndDestroy())
    from.on('close', () => {
      if (to.destroyed) {
        this.#pairs.delete(pair)
      }
    })
  }

  #question(bytes: Buffer): Buffer {
    return this.#faults.halfOpen ? NOTHING : bytes
  }

  #answer(bytes: Buffer, { client, broker }: Pair): Buffer {
    if (this.#faults.halfOpen || this.#faults.dropAnswers) {
      this.#droppedAnswerBytes += bytes.length
      return NOTHING
    }
    const rest = bytes.subarray(0, this.#answerBytesLeft)
    this.#answerBytesLeft -= rest.length
    if (rest.length < bytes.length) {
      client.end(rest)
      broker.destroy()
      return NOTHING
    }
    return rest
  }
}
