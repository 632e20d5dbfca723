/** What every door that listens on TCP needs. */
import type { AddressInfo, Server, Socket } from 'node:net'

/** Listens, and gives the address as a URL. Rejects when the address is taken. */
export function listen(server: Server, host: string, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      const { address, family, port: bound } = server.address() as AddressInfo
      resolve(`http://${family === 'IPv6' ? `[${address}]` : address}:${bound}`)
    })
  })
}

/** How long a connection may stay after its last word. */
const LINGER_MS = 1000

/** For a connection on which all is said: whoever does not hang up, too, is cut off, or would keep its place for ever. */
export function cutOffSoon(socket: Socket): void {
  const patience = setTimeout(() => socket.destroy(), LINGER_MS)
  socket.once('close', () => clearTimeout(patience))
}

/** What happens to a bug by default: it is thrown out of every promise, so that it reaches the process and its log. */
export function rethrow(error: unknown): void {
  setImmediate(() => {
    throw error
  })
}
