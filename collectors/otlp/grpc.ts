/** OTLP over gRPC: the same records as over HTTP, through the same decoder. Messages arrive here as bytes. */
import { createServer, type Socket, type Server as TcpServer } from 'node:net'
import { Server, ServerCredentials, type ServerUnaryCall, type StatusObject, type sendUnaryData } from '@grpc/grpc-js'
import { Rejected, Unavailable } from '../../schema/errors.ts'
import type { Collector } from '../collector.ts'
import { type Admissions, createGate, retryLater } from './grpc-gate.ts'
import { InFlight } from './in-flight.ts'
import { cutOffSoon, listen, rethrow } from './listening.ts'
import { DOOR_LIMITS, type DoorOptions, IN_FLIGHT_BYTES, receive, type Signal } from './receive.ts'
import { CODE, encodeReceipt } from './replies.ts'

/** By the path of the method. */
const SIGNALS: ReadonlyMap<string, Signal> = new Map([
  ['/opentelemetry.proto.collector.trace.v1.TraceService/Export', 'traces'],
  ['/opentelemetry.proto.collector.logs.v1.LogsService/Export', 'logs'],
  ['/opentelemetry.proto.collector.metrics.v1.MetricsService/Export', 'metrics'],
])
const MINUTE = 60_000

/** Opens the door. Rejects when the address is taken. */
export async function startOtlpGrpc(options: DoorOptions): Promise<Collector> {
  const limits = { ...DOOR_LIMITS, ...options.limits }
  const admissions: Admissions = new WeakMap()
  const gate = createGate(
    { ...options, limits, inFlight: options.inFlight ?? new InFlight(IN_FLIGHT_BYTES), signals: SIGNALS },
    admissions,
  )
  const server = new Server({
    // grpc-js applies it to the message as sent and again while it inflates.
    'grpc.max_receive_message_length': limits.bodyBytes,
    'grpc.max_concurrent_streams': 100,
    'grpc.max_connection_idle_ms': limits.idleMs,
    // Now and then clients must connect anew, else a load balancer can never spread them.
    'grpc.max_connection_age_ms': 60 * MINUTE,
    'grpc.max_connection_age_grace_ms': MINUTE,
    // Megabytes; the default is no limit.
    'grpc-node.max_session_memory': 64,
    'grpc.enable_channelz': 0,
    interceptors: [gate],
  })
  for (const [path, signal] of SIGNALS) {
    const serve = (call: ServerUnaryCall<Buffer, Buffer>, answer: sendUnaryData<Buffer>) => {
      void serveCall(call, answer, { ...options, signal }, admissions)
    }
    server.register(path, serve, identity, identity, 'unary')
  }
  // A listener of our own, because grpc-js cannot bound the number of connections.
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure())
  const sockets = new Set<Socket>()
  const listener = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    // Said by HTTP/2 when a connection is idle, too old or misbehaves; it leaves hanging up to the client.
    socket.on('finish', () => cutOffSoon(socket))
    injector.injectConnection(socket)
  })
  listener.maxConnections = limits.connections
  return {
    address: await listen(listener, options.host, options.port),
    close: () => close({ listener, server, sockets }, limits.closeMs),
  }
}

function identity(message: Buffer): Buffer {
  return message
}

async function serveCall(
  call: ServerUnaryCall<Buffer, Buffer>,
  answer: sendUnaryData<Buffer>,
  door: DoorOptions & { readonly signal: Signal },
  admissions: Admissions,
): Promise<void> {
  const admission = admissions.get(call.metadata)
  if (admission === undefined) {
    answer({ code: CODE.unauthenticated, details: 'this call did not pass the gate' })
    return
  }
  admission.served = true
  const { signal } = door
  try {
    const { tenantId, claim } = admission
    const receipt = await receive(call.request, { signal, encoding: 'protobuf', tenantId, claim }, door)
    answer(null, encodeReceipt(receipt, signal, 'protobuf'))
  } catch (error) {
    answer(statusOf(error, door.bug ?? rethrow))
  } finally {
    admission.claim.release()
  }
}

function statusOf(error: unknown, bug: (error: unknown) => void): Partial<StatusObject> {
  if (error instanceof Unavailable) {
    return retryLater(error.message, error.retryAfterMs)
  }
  if (error instanceof Rejected) {
    return { code: CODE.invalidArgument, details: error.message }
  }
  bug(error)
  return { code: CODE.internal, details: 'internal error' }
}

/** Stops listening, lets calls that were let in finish, and hangs up on those that take too long. */
async function close(
  { listener, server, sockets }: { listener: TcpServer; server: Server; sockets: Set<Socket> },
  closeMs: number,
): Promise<void> {
  const finished = new Promise<void>((resolve) => {
    server.tryShutdown(() => resolve())
  })
  await new Promise<void>((resolve) => {
    // `forceShutdown` of grpc-js forgets sessions when channelz is off, so the sockets themselves are cut. And then
    // nothing more is waited for: Node 24 may never end a session whose first bytes came while it was being closed.
    const timer = setTimeout(() => {
      for (const socket of sockets) {
        socket.destroy()
      }
      resolve()
    }, closeMs)
    const listening = new Promise<void>((ended) => {
      listener.close(() => ended())
    })
    void Promise.all([listening, finished]).then(() => {
      clearTimeout(timer)
      resolve()
    })
  })
}
