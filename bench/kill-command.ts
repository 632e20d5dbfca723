import { parseArgs } from 'node:util'
import { measureKills } from './kill.ts'
import { reportKills } from './kill-report.ts'

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
process.exitCode = reportKills(result) ? 0 : 1
