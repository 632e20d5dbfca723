/** A whole Telltale, on real doors, bus and store, that has been given the recorded requests. For tests. */
import { setTimeout as sleep } from 'node:timers/promises'
import pino from 'pino'
import { type Config, loadConfig } from '../config.ts'
import { startTelltale, type Telltale } from '../run.ts'
import { captureFiles, captureFolder } from './capture-files.ts'
import { sendCapture, type Way } from './send-capture.ts'

export interface LiveCaptures {
  readonly config: Config
  readonly telltale: Telltale
}

/** The file of the sink `copy`, in the data directory: every notice of an alert, one a line. */
export const ALERTS_FILE = 'alerts.ndjson'

/** The configuration of such a Telltale: policies that the requests break, and ports that are free. */
export function liveConfig(data: string): Config {
  return {
    ...loadConfig(undefined, {}),
    data,
    policies: 'test/live',
    listen: { host: '127.0.0.1', otlp_http_port: 0, otlp_grpc_port: 0, api_port: 0 },
    sinks: [{ type: 'ndjson', name: 'copy', file: ALERTS_FILE } as Config['sinks'][number]],
  }
}

/**
 * Starts on an empty data directory, sends `files` and waits until what was sent has come out everywhere. Throws when
 * a request is refused. The caller closes it.
 *
 * @param way of sending; by default each as it was sent.
 */
export async function startWithCaptures(
  data: string,
  files: readonly string[] = captureFiles,
  way?: Way,
): Promise<LiveCaptures> {
  const config = liveConfig(data)
  const telltale = await startTelltale(config, pino({ level: 'silent' }))
  try {
    const doors = { http: telltale.otlpHttp, grpc: telltale.otlpGrpc }
    for (const file of files) {
      const status = await sendCapture(captureFolder, file, doors, way)
      if (status !== 0 && status !== 200) {
        throw new Error(`${file} was answered with ${status}`)
      }
    }
    await Promise.race([settled(telltale), telltale.failed])
    return { config, telltale }
  } catch (error) {
    await telltale.close()
    throw error
  }
}

/** Every item of a listing of the API, page by page. */
export async function everything<Item>(url: string): Promise<Item[]> {
  const items: Item[] = []
  let cursor: string | undefined
  do {
    const query = cursor === undefined ? '?limit=100' : `?limit=100&cursor=${encodeURIComponent(cursor)}`
    const page = (await (await fetch(url + query)).json()) as { items: Item[]; next?: string }
    items.push(...page.items)
    cursor = page.next
  } while (cursor !== undefined)
  return items
}

/** Nothing is behind, nothing is held. */
async function settled(telltale: Telltale): Promise<void> {
  const deadline = Date.now() + 60_000
  for (;;) {
    const { lag, records } = await telltale.health()
    if (records.in_flight === 0 && Object.values(lag).every((behind) => behind === 0)) {
      return
    }
    if (Date.now() > deadline) {
      throw new Error(`not settled: ${JSON.stringify({ lag, records })}`)
    }
    await sleep(100)
  }
}
