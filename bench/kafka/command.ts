/** `npm run bench:kafka -- kill|rebalance|outage|answers|throughput|restart`: what the pipeline does over a real broker. */
import { parseArgs } from 'node:util'
import { startBrokers } from '../../test/kafka/brokers.ts'
import { reportKills } from '../kill-report.ts'
import { measureFleetKills } from './kill-fleet.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    kafka: { type: 'string', default: '4.2' },
    kills: { type: 'string', default: '100' },
    victims: { type: 'string' },
    seed: { type: 'string', default: '1' },
  },
})

const drills: Readonly<Record<string, () => Promise<boolean>>> = { kill }

const drill = drills[positionals[0] ?? '']
if (drill === undefined) {
  console.error(`which? ${Object.keys(drills).join(', ')}`)
  process.exitCode = 2
} else {
  process.exitCode = (await drill()) ? 0 : 1
}

async function kill(): Promise<boolean> {
  const brokers = await startBrokers({
    version: values.kafka === '3.9' ? '3.9' : '4.2',
    // Who was killed is missed soon, so that kills meet a fleet at work.
    settings: { 'group.min.session.timeout.ms': 1000 },
  })
  try {
    const result = await measureFleetKills({
      kills: Number(values.kills),
      seed: Number(values.seed),
      brokers,
      ...(values.victims === undefined ? {} : { victims: values.victims.split(',') }),
      onKill: (kill, victim) => {
        if (kill % 10 === 0) {
          console.error(`${kill} kills, the last of ${victim}`)
        }
      },
    })
    console.log(
      `of ${Object.entries(result.victims)
        .map(([name, count]) => `${name} ${count}`)
        .join(', ')}`,
    )
    return reportKills(result)
  } finally {
    await brokers.stop()
  }
}
