/** `npm run bench:profiles`: every measure of profiles and their statistics, one after the other, each in a process of its own. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const MEASURES = [
  'size',
  'bytes-per-call',
  'heavy-tails',
  'call-rate',
  'novelty',
  'sequences',
  'slow-ramp',
  'fisher-correction',
  'online-fdr',
] as const

for (const name of MEASURES) {
  console.log(`\n${name}`)
  const { status } = spawnSync(process.execPath, [fileURLToPath(new URL(`./${name}.js`, import.meta.url))], {
    stdio: 'inherit',
  })
  process.exitCode = status === 0 ? process.exitCode : 1
}
