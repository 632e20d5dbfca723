/**
 * What the HTTP door knows of its connections. Node keeps the answers that are still to come on one to itself, and
 * forgets a connection altogether that asks for CONNECT.
 */
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** One connection, from the first byte on. */
export interface HttpConnection {
  /** The answer to the latest request whose headers could be read. */
  latest: ServerResponse | undefined
  /** Answers that are not out yet. They go out in the order of their requests, which is theirs here. */
  readonly unfinished: Set<ServerResponse>
  /** Whether the parser gave it up. It says so again with every byte that still comes. */
  unparsable: boolean
}

/** The open connections of a door. */
export type HttpConnections = Map<Socket, HttpConnection>

/** For the event `connection`: remembers the connection until it is closed. */
export function rememberConnection(connections: HttpConnections, socket: Socket): void {
  connections.set(socket, { latest: undefined, unfinished: new Set(), unparsable: false })
  socket.once('close', () => connections.delete(socket))
  // Node takes its own listener off a socket that it hands out, as for CONNECT: the next reset would end the process.
  // What breaks while Node has the socket is told by `clientError`.
  socket.on('error', () => {})
}

/** For every request: remembers its answer until it is out. */
export function rememberAnswer(connections: HttpConnections, response: ServerResponse): void {
  const connection = connections.get(response.req.socket)
  if (connection !== undefined) {
    connection.latest = response
    connection.unfinished.add(response)
    response.once('finish', () => connection.unfinished.delete(response))
  }
}
