import { createServer } from 'node:net'

/**
 * Below those that the system gives to outgoing connections: while a killed process is away, a client that tries its port
 * again and again could otherwise get it as its own.
 */
const PORTS = { from: 12_000, to: 32_000 }
let next = PORTS.from + Math.floor(Math.random() * (PORTS.to - PORTS.from))

/** Ports that nobody listens on, and that are not given out again soon: they may be used later. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = []
  while (ports.length < count) {
    next = next < PORTS.to ? next + 1 : PORTS.from
    if (await isFree(next)) {
      ports.push(next)
    }
  }
  return ports
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
