/** Stages of Telltale as processes on the brokers of the Kafka suites. Needs `npm run build`. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterAll, inject } from 'vitest'
import { addresses, directories, type Running, start } from '../command-line.ts'

/** A running stage, or several in one process. */
export interface StageProcess extends Running, ReturnType<typeof addresses> {
  /** Where its health is. */
  readonly health: string
  readonly directory: string
}

/** What starts stages for the tests of one file, each on a machine of its own; they are killed when all of these have run. */
export function stages(): (prefix: string, names: readonly string[], settings?: object) => Promise<StageProcess> {
  const newDirectory = directories('telltale-stages-kafka-')
  const running: Running[] = []
  afterAll(async () => {
    for (const { child } of running) {
      child.kill('SIGKILL')
    }
    await Promise.all(running.map(({ ended }) => ended))
  })
  return async (prefix, names, settings = {}) => {
    const directory = newDirectory()
    mkdirSync(join(directory, 'data'))
    const kafka = { brokers: inject('bootstrap'), topic_prefix: prefix, partitions: 3, session_timeout_ms: 6000 }
    const configuration = {
      policies: resolve('test/live'),
      listen: { otlp_http_port: 0, otlp_grpc_port: 0, api_port: 0 },
      bus: { kafka },
      ...settings,
    }
    writeFileSync(join(directory, 'telltale.yml'), JSON.stringify(configuration))
    const process = start(names, directory)
    running.push(process)
    const said = await process.says('/api/v1/health')
    return { ...process, ...addresses(said), health: /http:\S+health/.exec(said)?.[0] ?? '', directory }
  }
}

/** What the process says of itself. */
export async function healthOf({ health }: StageProcess): Promise<{
  readonly status: string
  readonly reasons: readonly string[]
  readonly records: { readonly received: number }
  readonly lag: Readonly<Record<string, number>>
  readonly partitions: Readonly<Record<string, readonly number[]>>
  readonly spool: { readonly records: number }
}> {
  return (await (await fetch(health)).json()) as Awaited<ReturnType<typeof healthOf>>
}

/** What a listing of its API has, of up to a thousand. */
export async function itemsOf<Item>({ api }: StageProcess, what: string): Promise<readonly Item[]> {
  const page = (await (await fetch(`${api}/api/v1/${what}?limit=1000`)).json()) as { readonly items: readonly Item[] }
  return page.items
}
