/** The demo as its user meets it: every attack is told, no benign session is. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { makeKey } from '../api/keys.ts'
import { readSessions } from '../replay/perform.ts'
import { run } from '../test/command-line.ts'

vi.setConfig({ testTimeout: 120_000 })
const directory = mkdtempSync(join(tmpdir(), 'telltale-demo-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const FREE_PORTS = { otlp_http_port: 0, otlp_grpc_port: 0, api_port: 0 }

/** What the summary says of each session: `title  detectors`, in the order told. */
function summaryOf(stdout: string): readonly string[] {
  const summary = stdout.slice(stdout.indexOf('What each session raised:'))
  return [...summary.matchAll(/^ {2}(?:benign|attack) +(.+)$/gm)].map(([, row]) => String(row).replace(/ {2,}/g, ' '))
}

describe('demo --once', () => {
  it('raises for each session what it was written to raise, and ends', async () => {
    writeFileSync(join(directory, 'telltale.yml'), JSON.stringify({ data: './plain', listen: FREE_PORTS }))
    const { code, stdout, stderr } = await run(['demo', '--once'], directory)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const sessions = await readSessions('replay/scenarios/demo')
    expect(summaryOf(stdout)).toEqual(
      sessions.map(({ session: { title, expect: detectors = [] } }) => {
        return `${title} ${[...detectors].sort().join(', ') || 'nothing'}`
      }),
    )
    // Each alert was printed on its way, and not only counted.
    expect(stdout.match(/^\[(LOW|MEDIUM|HIGH|CRITICAL|INFORMATIONAL)\] /gm)?.length).toBeGreaterThanOrEqual(
      sessions.filter(({ session }) => session.story !== 'benign').length,
    )
    expect(stdout).toContain('/api/v1/alerts')
    expect(stdout).not.toContain('It stays up')
  })

  it('has a key of its own where keys are asked for', async () => {
    const { sha256 } = makeKey('read')
    const keys = [{ name: 'reader', scope: 'read', sha256 }]
    writeFileSync(join(directory, 'keys.yml'), JSON.stringify({ data: './keys', listen: FREE_PORTS, keys }))
    const { code, stdout } = await run(['demo', '--once', '--config', 'keys.yml', '--run', 'again'], directory)
    expect(code).toBe(0)
    expect(summaryOf(stdout).filter((row) => !row.endsWith(' nothing')).length).toBeGreaterThan(0)
  })
})
