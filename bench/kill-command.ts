import { parseArgs } from 'node:util'
import { measureKills } from './kill.ts'

const { values } = parseArgs({
  options: { kills: { type: 'string', default: '100' }, seed: { type: 'string', default: '1' } },
})
const result = await measureKills({
  kills: Number(values.kills),
  seed: Number(values.seed),
  onRound: (round, kills) => {
    if (round % 10 === 0) {
      console.error(`round ${round}, ${kills} kills`)
    }
  },
})
console.log(`kills                        ${result.kills}`)
console.log(`requests acknowledged        ${result.requests}`)
console.log(`events, uninterrupted        ${result.events}`)
console.log(`events missing / strange     ${result.missingEvents.length} / ${result.strangeEvents.length}`)
console.log(`alerts, uninterrupted        ${result.alerts}`)
console.log(`alerts missing / strange     ${result.missingAlerts.length} / ${result.strangeAlerts.length}`)
console.log(`alerts never delivered       ${result.undelivered.length}`)
const wrong = [
  result.missingEvents,
  result.strangeEvents,
  result.missingAlerts,
  result.strangeAlerts,
  result.undelivered,
]
process.exitCode = wrong.some((ids) => ids.length > 0) ? 1 : 0
