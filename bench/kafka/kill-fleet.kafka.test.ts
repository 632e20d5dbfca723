import { describe, expect, inject, test } from 'vitest'
import { startBrokers } from '../../test/kafka/brokers.ts'
import { measureFleetKills } from './kill-fleet.ts'

const { version } = inject('kafka')
/** A thousand are for releases: `npm run bench:kafka -- kill --kills 1000`. */
const KILLS = Number(process.env.TELLTALE_KILLS ?? 30)
const LIMIT_MS = 60_000 + KILLS * 20_000

describe(`a fleet over Kafka ${version}, its members and its broker killed at random`, () => {
  test('loses nothing that was acknowledged, shows nothing twice, and raises the alerts of an uninterrupted run', {
    timeout: LIMIT_MS,
  }, async () => {
    const brokers = await startBrokers({ version, settings: { 'group.min.session.timeout.ms': 1000 } })
    try {
      const seed = Date.now() % 1_000_000
      const { victims, requests, ...result } = await measureFleetKills({ kills: KILLS, seed, brokers })
      expect(requests).toBeGreaterThanOrEqual(4)
      expect(Object.keys(victims).length).toBeGreaterThan(3)
      expect(result).toMatchObject({
        kills: KILLS,
        missingEvents: [],
        strangeEvents: [],
        missingAlerts: [],
        strangeAlerts: [],
        undelivered: [],
      })
      expect(result.events).toBeGreaterThan(0)
      expect(result.alerts).toBeGreaterThan(0)
    } finally {
      await brokers.stop()
    }
  })
})
