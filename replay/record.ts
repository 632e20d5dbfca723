/** Recorded sessions as the spans that the real SDK would send, so that they can be kept and sent again and again. */
import { JsonTraceSerializer } from '@opentelemetry/otlp-transformer'
import { InMemorySpanExporter, type ReadableSpan } from '@opentelemetry/sdk-trace-node'
import { type NamedSession, perform } from './perform.ts'

/** The first span of every recorded scenario: 2026-10-01, nine o'clock. */
const START_MS = Date.UTC(2026, 9, 1, 9)

/** Performs a session for nobody; the same session, `run` and start give the same spans, in the order they ended. */
export async function recordSession(
  session: NamedSession,
  run: string,
  startMs: number,
): Promise<{ readonly spans: readonly ReadableSpan[]; readonly endMs: number }> {
  const exporter = keepingExporter()
  const { endMs } = await perform(session, run, startMs, exporter)
  return { spans: exporter.getFinishedSpans(), endMs }
}

/**
 * A scenario as OTLP/JSON: one request, one line, as a `.otlp.jsonl` recording holds it.
 *
 * @param folder of the scenario; makes its ids, so that no two scenarios share any.
 */
export async function recordScenario(session: NamedSession, folder: string): Promise<string> {
  const { spans } = await recordSession(session, folder, START_MS)
  const body = JsonTraceSerializer.serializeRequest([...spans])
  if (body === undefined) {
    throw new Error(`session ${session.name} gave no spans`)
  }
  return `${Buffer.from(body).toString('utf8')}\n`
}

/** The SDK's own shutdown would empty it before it is read. */
function keepingExporter(): InMemorySpanExporter {
  const exporter = new InMemorySpanExporter()
  exporter.shutdown = async () => undefined
  return exporter
}
