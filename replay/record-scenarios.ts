/**
 * Writes every scenario as OTLP beside its YAML, `replay/scenarios/<folder>/<name>.otlp.jsonl`, for `telltale replay` or
 * any door. A test fails when one is stale; run `node dist/replay/record-scenarios.js` after a change.
 */
import { existsSync, readdirSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type NamedSession, readSessions } from './perform.ts'
import { recordScenario } from './record.ts'

/** A folder of scenarios: one behavior, told by sessions that show it and sessions that look like it. */
export interface ScenarioFolder {
  readonly name: string
  readonly path: string
  /** Where the policies lie that its agents stand under, when it has any. */
  readonly policies: string | undefined
  readonly sessions: readonly NamedSession[]
}

/** Every folder below `root`, by name. Throws `Misconfigured` for a session that is not valid. */
export async function readScenarios(root: string): Promise<readonly ScenarioFolder[]> {
  const folders = readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  return Promise.all(
    folders
      .map(({ name }) => name)
      .sort()
      .map(async (name) => {
        const path = join(root, name)
        const policies = join(path, 'policies')
        return {
          name,
          path,
          policies: existsSync(policies) ? policies : undefined,
          sessions: await readSessions(path),
        }
      }),
  )
}

/** Writes them all; files of scenarios that are gone are left for the test to find. */
async function writeRecordings(root: string): Promise<void> {
  for (const { name, path, sessions } of await readScenarios(root)) {
    for (const session of sessions) {
      await writeFile(join(path, `${session.name}.otlp.jsonl`), await recordScenario(session, name))
    }
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  await writeRecordings('replay/scenarios')
}
