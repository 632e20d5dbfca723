/** Performs recorded sessions over OTLP: the real SDK, the real exporters, a running door. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Metadata } from '@grpc/grpc-js'
import { OTLPTraceExporter as GrpcExporter } from '@opentelemetry/exporter-trace-otlp-grpc'
import { OTLPTraceExporter as HttpExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { CompressionAlgorithm } from '@opentelemetry/otlp-exporter-base'
import type { SpanExporter } from '@opentelemetry/sdk-trace-node'
import { play } from './play.ts'
import { readSession, type Session } from './session.ts'
import { openTracing } from './tracing.ts'

/** A scenario of a folder. */
export interface NamedSession {
  /** The file's name without its ending. */
  readonly name: string
  readonly session: Session
}

/** The sessions of a folder in the order of their names. Throws `Misconfigured` for one that is not valid. */
export async function readSessions(folder: string): Promise<readonly NamedSession[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.yml')).sort()
  return Promise.all(
    files.map(async (file) => ({
      name: file.slice(0, -'.yml'.length),
      session: await readSession(join(folder, file)),
    })),
  )
}

/** Doors to send to, such as `http://127.0.0.1:4318`. */
export interface Doors {
  readonly http: string
  readonly grpc: string
  /** Ingest key, when the doors ask for one. */
  readonly key?: string
}

/**
 * Performs one session and resolves once the door has acknowledged all of it; rejects when it did not.
 *
 * @param run makes ids: the same run of the same session gives the same spans.
 */
export async function perform(
  { name, session }: NamedSession,
  run: string,
  startMs: number,
  exporter: SpanExporter,
): Promise<{ readonly conversation: string; readonly endMs: number }> {
  const conversation = `${name}-${run}`
  const tracing = openTracing(session, `${run}/${name}`, exporter)
  const endMs = play(session, tracing.tracer, startMs, conversation)
  await tracing.flush()
  return { conversation, endMs }
}

/** Both transports take their turn, so that both doors are used. */
export function exporterFor(index: number, doors: Doors): SpanExporter {
  const headers = doors.key === undefined ? {} : { authorization: `Bearer ${doors.key}` }
  return index % 2 === 0
    ? new HttpExporter({ url: `${doors.http}/v1/traces`, headers, compression: CompressionAlgorithm.GZIP })
    : new GrpcExporter({ url: doors.grpc, metadata: Metadata.fromHttp2Headers(headers) })
}
