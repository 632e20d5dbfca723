/** The real OpenTelemetry SDK, set up so that a performance can be repeated exactly: seeded ids, no sampling. */
import { createHash } from 'node:crypto'
import type { Tracer } from '@opentelemetry/api'
import { resourceFromAttributes } from '@opentelemetry/resources'
import {
  BasicTracerProvider,
  BatchSpanProcessor,
  type IdGenerator,
  type SpanExporter,
} from '@opentelemetry/sdk-trace-node'
import type { Session } from './session.ts'

export interface Tracing {
  readonly tracer: Tracer
  /** Sends what is buffered; rejects when the exporter gave up. */
  flush(): Promise<void>
  close(): Promise<void>
}

/**
 * @param seed the same seed gives the same trace and span ids in the same order.
 * @param exporter receives every span; one export holds at most 512 of them.
 */
export function openTracing(
  { service, resource }: Pick<Session, 'service' | 'resource'>,
  seed: string,
  exporter: SpanExporter,
): Tracing {
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({ 'service.name': service, 'service.version': '1.0.0', ...resource }),
    idGenerator: seededIds(seed),
    spanProcessors: [
      // The delay only matters when nobody calls `flush`; every performance does.
      new BatchSpanProcessor(exporter, { maxQueueSize: 8192, maxExportBatchSize: 512, scheduledDelayMillis: 60_000 }),
    ],
  })
  return {
    tracer: provider.getTracer('telltale-recording', '1.0.0'),
    flush: () => provider.forceFlush(),
    close: () => provider.shutdown(),
  }
}

function seededIds(seed: string): IdGenerator {
  let made = 0
  const next = (length: number): string => {
    made += 1
    return createHash('sha256').update(`${seed}/${made}`).digest('hex').slice(0, length)
  }
  return { generateTraceId: () => next(32), generateSpanId: () => next(16) }
}
