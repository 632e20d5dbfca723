/**
 * Writes the published JSON Schemas, `schema/json/*.schema.json`, from the TypeScript sources. A test fails when
 * they are stale; run `node dist/schema/generate.js` after a change.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { TSchema } from 'typebox'
import { Alert } from './alert.ts'
import { Finding } from './finding.ts'
import { Policy } from './policy.ts'
import { Telemetry } from './telemetry.ts'

const DIALECT = 'http://json-schema.org/draft-07/schema#'

/** File name to text of every published schema. */
export function publishedSchemas(): ReadonlyMap<string, string> {
  const schemas: readonly (readonly [string, TSchema])[] = [
    ['telemetry', Telemetry],
    ['finding', Finding],
    ['alert', Alert],
    ['policy', Policy],
  ]
  return new Map(
    schemas.map(([name, schema]) => [
      `${name}.schema.json`,
      `${JSON.stringify({ $schema: DIALECT, ...schema }, undefined, 2)}\n`,
    ]),
  )
}

/** Writes them all below `directory`. */
function writeSchemas(directory: string): void {
  mkdirSync(directory, { recursive: true })
  for (const [name, text] of publishedSchemas()) {
    writeFileSync(join(directory, name), text)
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  writeSchemas('schema/json')
}
