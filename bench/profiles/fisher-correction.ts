/**
 * `node dist/bench/profiles/fisher-correction.js`: how often the p of benign sessions of four correlated families is as
 * small as it says, as a multiple of nominal: by Fisher alone, and corrected after 20,000 sessions.
 */
import { correctedTail, countSession, fisherCorrectionBlock } from '../../detectors/profile/fisher-correction.ts'
import { memoryOf } from '../../detectors/profile/memory.ts'
import { sessions } from './synthetic-sessions.ts'

const COUNTED = 20_000
const JUDGED = 200_000
const NOMINAL = [0.05, 0.01, 0.001, 0.0001]

console.log(`${'correlation'.padEnd(14)}${NOMINAL.map((p) => `p <= ${p}`.padStart(20)).join('')}`)
for (const correlation of [0, 0.3, 0.5, 0.8]) {
  const memory = memoryOf(new ArrayBuffer(fisherCorrectionBlock.bytes))
  for (const p of sessions(correlation, COUNTED, 2)) {
    countSession(memory, 0, p)
  }
  const alone = sessions(correlation, JUDGED, 3)
  const corrected = alone.map((p) => correctedTail(memory, 0, p))
  const columns = NOMINAL.map((nominal) =>
    [alone, corrected]
      .map((tails) => (tails.filter((p) => p <= nominal).length / (JUDGED * nominal)).toFixed(2))
      .join(' -> ')
      .padStart(20),
  )
  console.log(`${String(correlation).padEnd(14)}${columns.join('')}`)
}
