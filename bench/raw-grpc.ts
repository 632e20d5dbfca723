/** gRPC calls whose message is sent as the bytes it is given: for measurements and tests of the OTLP/gRPC door. */
import { type ChannelOptions, Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js'

const TRACES = '/opentelemetry.proto.collector.trace.v1.TraceService/Export'
const identity = (body: Buffer) => body

export interface RawGrpc {
  /** Resolves with the error that was answered, `null` for OK. */
  call(body: Buffer, metadata?: Metadata): Promise<ServiceError | null>
  close(): void
}

/**
 * @param door as a URL, `http://127.0.0.1:4317`
 * @param path of the method; by default that of OTLP traces
 */
export function openRawGrpc(door: string, path: string = TRACES, options: ChannelOptions = {}): RawGrpc {
  const client = new Client(door.replace('http://', ''), credentials.createInsecure(), options)
  return {
    call: (body, metadata = new Metadata()) =>
      new Promise((resolve) => {
        client.makeUnaryRequest(path, identity, identity, body, metadata, (error) => resolve(error))
      }),
    close: () => client.close(),
  }
}
