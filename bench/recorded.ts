/** The demo's sessions as the requests that the real SDK would send, so that they can be sent again and again. */
import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer'
import { InMemorySpanExporter } from '@opentelemetry/sdk-trace-node'
import { type NamedSession, perform } from '../replay/perform.ts'

/** One request for each session, in order; the same `run` and start give the same bytes. */
export async function recordSessions(
  sessions: readonly NamedSession[],
  run: string,
  startMs: number,
): Promise<{ readonly bodies: readonly Uint8Array[]; readonly endMs: number }> {
  const bodies: Uint8Array[] = []
  let nowMs = startMs
  for (const session of sessions) {
    const exporter = keepingExporter()
    nowMs = (await perform(session, run, nowMs, exporter)).endMs
    const body = ProtobufTraceSerializer.serializeRequest(exporter.getFinishedSpans())
    if (body === undefined) {
      throw new Error(`session ${session.name} gave no spans`)
    }
    bodies.push(body)
  }
  return { bodies, endMs: nowMs }
}

/** The SDK's own shutdown would empty it before it is read. */
function keepingExporter(): InMemorySpanExporter {
  const exporter = new InMemorySpanExporter()
  exporter.shutdown = async () => undefined
  return exporter
}
