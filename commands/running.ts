/** What `start`, the stages and `demo` share: a log, a running process, and a clean end when the operator asks for it. */
import pino, { type Logger } from 'pino'
import type { Config } from '../config.ts'
import { keepsData } from '../preflight.ts'
import { ALL_ROLES, isBusEmbedded, listed, need } from '../roles.ts'
import type { Process } from '../run.ts'

/** JSON lines on stderr; stdout is for people. */
function openLog(): Logger {
  return pino({ base: null, timestamp: pino.stdTimeFunctions.isoTime }, pino.destination({ dest: 2, sync: true }))
}

/**
 * Starts a process, lets `act` use it, and stops it when the operator interrupts or a stage fails.
 *
 * @param act resolves to stay (until interrupted) or to stop at once.
 * @returns the exit code.
 */
export async function runUntilStopped<Started extends Process>(
  start: (log: Logger) => Promise<Started>,
  act: (started: Started) => Promise<'stay' | 'stop'>,
): Promise<number> {
  const log = openLog()
  const started = await start(log)
  const interrupted = new Promise<'interrupted'>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      // A second signal ends the process the hard way: the log is safe whenever it dies.
      process.once(signal, () => resolve('interrupted'))
    }
  })
  try {
    const first = await Promise.race([act(started), interrupted, started.failed])
    if (first === 'stay') {
      await Promise.race([interrupted, started.failed])
    }
    return 0
  } catch (error) {
    log.fatal({ err: error }, 'Telltale stops because of an error')
    return 1
  } finally {
    await started.close()
  }
}

/** What this process is, what it works on and where to look, one line each. */
export function readyText(started: Process, config: Config): string {
  const { roles, doors, api, policies } = started
  const isAll = roles.size === ALL_ROLES.size
  const judges = roles.has('detect') || roles.has('serve')
  const rows = [
    ['stages', isAll ? 'all' : listed(roles).join(' ')],
    ['bus', need(roles, 'bus') ? busText(config) : 'none'],
    ['store', need(roles, 'store') ? storeText(config) : 'none'],
    ...(doors === undefined ? [] : [['OTLP/HTTP', doors.otlpHttp]]),
    ...(doors === undefined ? [] : [['OTLP/gRPC', doors.otlpGrpc]]),
    ...(roles.has('serve') ? [['API', `${api}/api/v1/alerts`]] : []),
    ['health', `${api}/api/v1/health`],
    ...(keepsData(config, roles) ? [['data', config.data]] : []),
    ...(judges ? [['policies', `${policies.policies.length} loaded, set ${policies.state().id}`]] : []),
  ]
  return `Telltale is ready.\n${rows.map(([name, value]) => `  ${String(name).padEnd(10)} ${value}`).join('\n')}`
}

function busText(config: Config): string {
  const { kafka } = config.bus
  return isBusEmbedded(config) || kafka === undefined
    ? 'embedded'
    : `Kafka at ${kafka.brokers.join(', ')}, topics ${kafka.topic_prefix}*`
}

function storeText({ store }: Config): string {
  return store.url === undefined ? 'embedded' : `ClickHouse at ${store.url}, database ${store.database}`
}
