/** No secret of the recorded requests survives anywhere: in no file, on no topic, in no table, in no answer. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openEmbeddedBus } from '../engine/bus/embedded.ts'
import { areCapturesThere } from './capture-files.ts'
import { expectedCaptures } from './captures.expected.ts'
import { placesOfApi, placesOfBus, placesOfFiles, placesOfStore } from './kept-places.ts'
import { ALERTS_FILE, startWithCaptures } from './live-captures.ts'
import { findSecrets, type Place } from './secret-search.ts'

/** Part of a command of the recorded requests, and no secret: it is kept wherever content is. */
const KEPT = 'hello-from-claude'
/** Where content is kept or told. Files of the store are packed; its tables say what is in them. */
const CONTENT_PLACES = [
  ...['events', 'events/:id', 'findings', 'alerts', 'alerts/:id', 'dead-letters'].map((path) => `GET /api/v1/${path}`),
  ...['fragments', 'events', 'findings', 'alerts', 'dead_letters'].map((topic) => `topic ${topic}`),
  ...['assemble, fragments', 'correlate, findings'].map((stage) => `state of ${stage}`),
  ...['events', 'findings', 'alerts', 'dead_letters'].map((table) => `table ${table}`),
  ...[ALERTS_FILE, 'bus/data.mdb'].map((file) => `file ${file}`),
]
/** The same for who acted. */
const AGENT = 'claude-code'
const AGENT_PLACES = [...CONTENT_PLACES, 'GET /api/v1/agents', 'state of detect, events']

describe.skipIf(!areCapturesThere)('secrets of recorded requests (skipped where ../shared/data/otlp is absent)', () => {
  const secrets = [...new Set(expectedCaptures.flatMap((capture) => capture.secrets))]
  let directory: string
  let places: readonly Place[]

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'telltale-secrets-'))
    await leaveUnreadable(join(directory, 'bus'))
    const { telltale } = await startWithCaptures(directory)
    const answers = await placesOfApi(telltale.api)
    await telltale.close()
    places = [
      ...answers,
      ...placesOfFiles(directory),
      ...(await placesOfBus(join(directory, 'bus'))),
      ...(await placesOfStore(join(directory, 'store'))),
    ]
  }, 120_000)

  afterAll(() => rm(directory, { recursive: true, force: true }))

  it('survive nowhere', () => {
    expect(secrets.length).toBeGreaterThan(0)
    expect(findSecrets(secrets, places)).toEqual([])
  })

  it('are looked for wherever anything is kept: what is no secret is found there', () => {
    const missedIn = (text: string, expected: readonly string[]) =>
      expected.filter(
        (name) =>
          findSecrets(
            [text],
            places.filter((place) => place.name === name),
          ).length === 0,
      )
    expect(missedIn(KEPT, CONTENT_PLACES)).toEqual([])
    expect(missedIn(AGENT, AGENT_PLACES)).toEqual([])
  })
})

/** What no stage can read ends on `dead_letters`, whole and in base64. Left as by a process before this one. */
async function leaveUnreadable(directory: string): Promise<void> {
  const bus = await openEmbeddedBus({ directory })
  await bus.consume({ group: 'assemble', topic: 'fragments' }, async () => undefined, new AbortController().signal)
  await bus.append('fragments', [{ key: 'default', value: Buffer.from(`{ "said": "${KEPT}", "by": "${AGENT}" `) }])
  await bus.close()
}
