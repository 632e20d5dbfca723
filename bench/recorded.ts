/** The demo's sessions as the requests that the real SDK would send, so that they can be sent again and again. */
import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer'
import type { NamedSession } from '../replay/perform.ts'
import { recordSession } from '../replay/record.ts'

/** One request for each session, in order; the same `run` and start give the same bytes. */
export async function recordSessions(
  sessions: readonly NamedSession[],
  run: string,
  startMs: number,
): Promise<{ readonly bodies: readonly Uint8Array[]; readonly endMs: number }> {
  const bodies: Uint8Array[] = []
  let nowMs = startMs
  for (const session of sessions) {
    const { spans, endMs } = await recordSession(session, run, nowMs)
    nowMs = endMs
    const body = ProtobufTraceSerializer.serializeRequest([...spans])
    if (body === undefined) {
      throw new Error(`session ${session.name} gave no spans`)
    }
    bodies.push(body)
  }
  return { bodies, endMs: nowMs }
}
