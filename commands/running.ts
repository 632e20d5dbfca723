/** What `start` and `demo` share: a log, a running Telltale, and a clean end when the operator asks for it. */
import pino, { type Logger } from 'pino'
import type { Config } from '../config.ts'
import { startTelltale, type Telltale } from '../run.ts'

/** JSON lines on stderr; stdout is for people. */
export function openLog(): Logger {
  return pino({ base: null, timestamp: pino.stdTimeFunctions.isoTime }, pino.destination({ dest: 2, sync: true }))
}

/**
 * Starts Telltale, lets `act` use it, and stops it when the operator interrupts or a stage fails.
 *
 * @param act resolves to stay (until interrupted) or to stop at once.
 * @returns the exit code.
 */
export async function runUntilStopped(
  config: Config,
  act: (telltale: Telltale) => Promise<'stay' | 'stop'>,
): Promise<number> {
  const log = openLog()
  const telltale = await startTelltale(config, log)
  const interrupted = new Promise<'interrupted'>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      // A second signal ends the process the hard way: the log is safe whenever it dies.
      process.once(signal, () => resolve('interrupted'))
    }
  })
  try {
    const first = await Promise.race([act(telltale), interrupted, telltale.failed])
    if (first === 'stay') {
      await Promise.race([interrupted, telltale.failed])
    }
    return 0
  } catch (error) {
    log.fatal({ err: error }, 'Telltale stops because of an error')
    return 1
  } finally {
    await telltale.close()
  }
}

/** Where to look, one line each. */
export function addressesText(telltale: Telltale, config: Config): string {
  const rows = [
    ['OTLP/HTTP', telltale.otlpHttp],
    ['OTLP/gRPC', telltale.otlpGrpc],
    ['API', `${telltale.api}/api/v1/alerts`],
    ['health', `${telltale.api}/api/v1/health`],
    ['data', config.data],
    ['policies', `${telltale.policies.policies.length} loaded`],
  ]
  return rows.map(([name, value]) => `  ${String(name).padEnd(10)} ${value}`).join('\n')
}
