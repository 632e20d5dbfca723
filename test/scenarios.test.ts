/**
 * Every scenario, through the real SDK into OTLP and through all that `telltale replay` does, ends as its file says:
 * these detectors speak above informational, and no others. Attacks are caught, look-alikes stay silent.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { replayHistory } from '../commands/history.ts'
import { detectors, sessionDetectors } from '../detectors/index.ts'
import type { NamedSession } from '../replay/perform.ts'
import { recordScenario } from '../replay/record.ts'
import { readScenarios, type ScenarioFolder } from '../replay/record-scenarios.ts'
import { compilePolicies } from '../rules/compile.ts'
import { loadPolicies } from '../rules/load.ts'
import type { PolicySet } from '../rules/policy.ts'
import type { Alert } from '../schema/alert.ts'
import type { Finding } from '../schema/finding.ts'

const ROOT = 'replay/scenarios'
/** Its sessions are told one after the other by `telltale demo`, under the policies that come with Telltale. */
const DEMO = 'demo'

const folders = await readScenarios(ROOT)
let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'telltale-scenarios-'))
})
afterAll(() => rm(directory, { recursive: true, force: true }))

async function policiesOf({ name, policies }: ScenarioFolder): Promise<PolicySet> {
  const path = policies ?? (name === DEMO ? 'rules/policies' : undefined)
  return path === undefined ? compilePolicies([]) : loadPolicies(path)
}

/** What a recorded scenario raises above informational. */
async function raised(folder: ScenarioFolder, session: NamedSession) {
  const file = join(directory, `${folder.name}-${session.name}.otlp.jsonl`)
  await writeFile(file, await recordScenario(session, folder.name))
  const findings = new Map<string, Finding>()
  const alerts = new Map<string, Alert>()
  await replayHistory(
    { tenant: 'default', retention: { content: 'masked' } },
    {
      files: [file],
      policies: await policiesOf(folder),
      onFinding: (finding) => findings.set(finding.finding_id, finding),
      onAlert: (alert) => alerts.set(alert.alert_id, alert),
    },
  )
  const loud = [...alerts.values()].filter(({ severity }) => severity !== 'informational')
  // What is judged session-wide has its opinions on alerts alone.
  const sessionWide = loud.flatMap((alert) => alert.findings).filter(({ finding_id }) => !findings.has(finding_id))
  const spoken = [...findings.values()].filter(({ severity }) => severity !== 'informational')
  return { detectors: [...new Set([...spoken, ...sessionWide].map(({ detector }) => detector))].sort(), alerts: loud }
}

describe.each(folders.map((folder) => [folder.name, folder] as const))('%s', (_name, folder) => {
  describe.each(folder.sessions.map((session) => [session.name, session] as const))('%s', (name, named) => {
    const { session } = named

    it(`raises ${session.expect?.join(', ') || 'nothing'}`, async () => {
      const { detectors: spoken, alerts } = await raised(folder, named)
      expect(spoken).toEqual([...(session.expect ?? [])].sort())
      expect(alerts.length).toBe(session.alerts ?? (session.story === 'benign' ? 0 : alerts.length))
      expect(alerts.length > 0).toBe(session.story === 'attack')
    })

    it('is recorded as it is told (run `node dist/replay/record-scenarios.js` when this fails)', async () => {
      const file = join(folder.path, `${name}.otlp.jsonl`)
      const recorded = existsSync(file) ? readFileSync(file, 'utf8') : ''
      expect(recorded === (await recordScenario(named, folder.name)), `${file} is stale`).toBe(true)
    })

    it('is named for what it shows', () => {
      expect(name).toMatch(folder.name === DEMO ? /^\d\d-[a-z-]+$/ : new RegExp(`^${session.story}-[a-z0-9-]+$`))
      expect((session.expect ?? []).length > 0).toBe(session.story === 'attack')
    })
  })

  it('keeps no recording of a scenario that is gone', () => {
    const recorded = readdirSync(folder.path).filter((file) => file.endsWith('.otlp.jsonl'))
    expect(recorded.sort()).toEqual(folder.sessions.map(({ name }) => `${name}.otlp.jsonl`))
  })
})

describe('the scenarios', () => {
  it('show every detector by an attack that it catches and a look-alike that it leaves alone', () => {
    const complete = folders
      .filter(({ name, sessions }) => {
        const caught = sessions.some(({ session }) => session.story === 'attack' && session.expect?.includes(name))
        return caught && sessions.some(({ session }) => session.story === 'benign')
      })
      .map(({ name }) => name)
    const without = [...detectors, ...sessionDetectors].map(({ id }) => id).filter((id) => !complete.includes(id))
    expect(without).toEqual([])
  })
})
