/** For tests: what the OpenTelemetry SDK's own serializers make of telemetry of an agent. */
import {
  JsonLogsSerializer,
  JsonTraceSerializer,
  ProtobufLogsSerializer,
  ProtobufTraceSerializer,
} from '@opentelemetry/otlp-transformer'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { InMemorySpanExporter } from '@opentelemetry/sdk-trace-node'
import { readSessions } from '../../replay/perform.ts'
import { play } from '../../replay/play.ts'
import { openTracing } from '../../replay/tracing.ts'

type Encoding = 'otlp_proto' | 'otlp_json'
type LogRecords = Parameters<typeof ProtobufLogsSerializer.serializeRequest>[0]

const TRACES = { otlp_proto: ProtobufTraceSerializer, otlp_json: JsonTraceSerializer }
const LOGS = { otlp_proto: ProtobufLogsSerializer, otlp_json: JsonLogsSerializer }
const START_MS = 1_795_287_594_000

/** Sessions of the demo, a request each: what a batch of the exporter holds. */
export async function traceBodies(encoding: Encoding): Promise<readonly Uint8Array[]> {
  const sessions = await readSessions('replay/scenarios/demo')
  return Promise.all(
    sessions.map(async ({ name, session }) => {
      const exporter = new InMemorySpanExporter()
      const tracing = openTracing(session, `test/${name}`, exporter)
      play(session, tracing.tracer, START_MS, name)
      await tracing.flush()
      return serialized(TRACES[encoding].serializeRequest(exporter.getFinishedSpans()))
    }),
  )
}

/** A tool call of Claude Code, as it logs it. */
export function logBody(encoding: Encoding, callId: string): Uint8Array {
  const record: LogRecords[number] = {
    hrTime: [START_MS / 1000, 0],
    hrTimeObserved: [START_MS / 1000, 1],
    body: 'claude_code.tool_result',
    attributes: {
      'event.name': 'tool_result',
      'session.id': 'session-1',
      'event.sequence': 7,
      tool_name: 'Bash',
      tool_use_id: callId,
      success: 'true',
      duration_ms: 12,
    },
    droppedAttributesCount: 0,
    resource: resourceFromAttributes({ 'service.name': 'claude-code', 'service.version': '2.1.330' }),
    instrumentationScope: { name: 'com.anthropic.claude_code.events', version: '2.1.330' },
  }
  return serialized(LOGS[encoding].serializeRequest([record]))
}

function serialized(body: Uint8Array | undefined): Uint8Array {
  if (body === undefined) {
    throw new Error('the serializer gave nothing')
  }
  return body
}
