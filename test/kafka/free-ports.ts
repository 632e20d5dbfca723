import { createServer } from 'node:net'

/**
 * Ports that nobody listens on, below those that the system gives to outgoing connections: while a killed
 * broker's port is free, a client that tries it again and again could otherwise get it as its own.
 */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>()
  while (ports.size < count) {
    const port = 15_000 + Math.floor(Math.random() * 15_000)
    if (await isFree(port)) {
      ports.add(port)
    }
  }
  return [...ports]
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
