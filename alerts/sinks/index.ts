/** The list of sinks. */
import { ndjson } from './ndjson.ts'
import type { AnySinkType } from './sink.ts'
import { webhook } from './webhook.ts'

export const sinkTypes: readonly AnySinkType[] = [webhook, ndjson]
