/** Everything that a Telltale keeps or tells, read the way it reads it itself: in files alone, most of it is packed. */
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { routes } from '../api/index.ts'
import { type Bus, type StoredRecord, TOPICS, type Topic } from '../engine/bus/bus.ts'
import { openEmbeddedBus } from '../engine/bus/embedded.ts'
import { connectEmbedded } from '../store/connection.ts'
import type { Place } from './secret-search.ts'

/** So small that listings have several pages. */
const PAGE = { limit: '10' }

/** What every route of the API answers: all pages of listings, and each of their items by its id. */
export async function placesOfApi(api: string): Promise<readonly Place[]> {
  const places: Place[] = []
  for (const { path, query } of routes.filter((route) => !route.path.includes(':'))) {
    const pages = await pagesOf(api + path, query !== undefined && 'limit' in query.properties ? PAGE : {})
    places.push(place(`GET ${path}`, pages))
    const single = routes.find((route) => route.path === `${path}/:id`)
    if (single !== undefined) {
      const ids = pages.flatMap(idsOf)
      const answers = await Promise.all(ids.map(async (id) => (await fetch(`${api}${path}/${id}`)).text()))
      places.push(place(`GET ${single.path}`, answers))
    }
  }
  return places
}

/** Every record of every topic, and the state of every stage. Nobody else may have the directory open. */
export async function placesOfBus(directory: string): Promise<readonly Place[]> {
  const bus = await openEmbeddedBus({ directory })
  try {
    const groups = await bus.lag()
    const topics = await Promise.all(TOPICS.map((topic) => topicOf(bus, topic)))
    return [...topics, ...(await Promise.all(groups.map(({ group, topic }) => stateOf(bus, group, topic))))]
  } finally {
    await bus.close()
  }
}

/** Every column of every row of every table, older versions included. Nobody else may have the directory open. */
export async function placesOfStore(directory: string): Promise<readonly Place[]> {
  const { reader, close } = await connectEmbedded({ directory })
  const ask = async (query: string) => (await reader.client.query({ query, format: 'JSONEachRow' })).text()
  try {
    const tables = await ask(
      `SELECT name FROM system.tables WHERE database = currentDatabase() AND total_rows IS NOT NULL`,
    )
    const names = linesOf(tables).map((line) => (JSON.parse(line) as { name: string }).name)
    return await Promise.all(names.map(async (name) => place(`table ${name}`, [await ask(`SELECT * FROM ${name}`)])))
  } finally {
    await close()
  }
}

/** The bytes of every file of a data directory. */
export function placesOfFiles(directory: string): readonly Place[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => ({ name: `file ${relative(directory, path)}`, bytes: readFileSync(path) }))
}

const linesOf = (text: string) => text.split('\n').filter((line) => line !== '')

function place(name: string, texts: readonly string[]): Place {
  return { name, bytes: Buffer.from(texts.join('\n')) }
}

async function pagesOf(url: string, parameters: Readonly<Record<string, string>>): Promise<readonly string[]> {
  const pages: string[] = []
  let query = new URLSearchParams(parameters)
  for (;;) {
    const answer = await fetch(`${url}?${query}`)
    const page = await answer.text()
    if (!answer.ok) {
      throw new Error(`${url}?${query} answers ${answer.status}: ${page}`)
    }
    pages.push(page)
    const next = answer.headers.get('content-type')?.includes('json') ? nextOf(page) : undefined
    if (next === undefined) {
      return pages
    }
    query = new URLSearchParams({ ...parameters, cursor: next })
  }
}

function nextOf(page: string): string | undefined {
  return (JSON.parse(page) as { next?: string }).next
}

function idsOf(page: string): readonly string[] {
  const { items } = JSON.parse(page) as { items: readonly { alert_id?: string; event_id?: string }[] }
  return items.map(({ alert_id, event_id }) => (alert_id ?? event_id) as string)
}

async function topicOf(bus: Bus, topic: Topic): Promise<Place> {
  const parts: Uint8Array[] = []
  await own(bus, 'reads-everything', topic, async (assignment) => {
    let records: readonly StoredRecord[]
    do {
      records = await assignment.read({ maxRecords: 1000, waitMs: 0 })
      parts.push(...records.flatMap(({ key, value }) => [Buffer.from(`\n${key} `), Buffer.from(value)]))
    } while (records.length > 0)
  })
  return { name: `topic ${topic}`, bytes: Buffer.concat(parts) }
}

async function stateOf(bus: Bus, group: string, topic: Topic): Promise<Place> {
  const parts: Uint8Array[] = []
  await own(bus, group, topic, async (assignment) => {
    for await (const { key, value } of assignment.restore()) {
      parts.push(Buffer.from(`\n${key} `), Buffer.from(value))
    }
  })
  return { name: `state of ${group}, ${topic}`, bytes: Buffer.concat(parts) }
}

/** Until `read` is done with every partition. */
async function own(bus: Bus, group: string, topic: Topic, read: Parameters<Bus['consume']>[1]): Promise<void> {
  await bus.consume({ group, topic }, read, new AbortController().signal)
}
