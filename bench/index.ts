/** `npm run bench`: how fast each step is, the whole of it live, and how long an alert takes. */

import { SHIPPED_POLICIES } from '../package-files.ts'
import { loadPolicies } from '../rules/load.ts'
import { measureLatency, measureThroughput } from './live.ts'
import { loadRequests, markedRequests, SPANS_PER_REQUEST } from './load.ts'
import { measurePure } from './pure.ts'

const REQUESTS = 20

const requests = await loadRequests({
  requests: REQUESTS,
  identified: 0.5,
  agents: 200,
  startMs: Date.now(),
  seed: 'bench',
})
const bytes = requests.reduce((sum, body) => sum + body.length, 0)
console.log(`protobuf requests of ${SPANS_PER_REQUEST} spans, ${Math.round(bytes / REQUESTS / 1024)} KiB each\n`)
console.log('one core, no disk, no network')
for (const { step, spansPerSecond } of measurePure(requests, await loadPolicies(SHIPPED_POLICIES))) {
  console.log(`  ${step.padEnd(28)} ${Math.round(spansPerSecond).toLocaleString('en').padStart(10)} spans/s`)
}

/** Half a minute, of which the last batch of the store is a few per cent. */
const LIVE_REQUESTS = 1000
const live = await loadRequests({
  requests: LIVE_REQUESTS,
  identified: 0.5,
  agents: 500,
  startMs: Date.now(),
  seed: 'live',
})
const { spansPerSecond, spansPerCpuSecond, anonymousBytes } = await measureThroughput(live)
const rate = (value: number) => Math.round(value).toLocaleString('en').padStart(10)
const mib = (bytes: number) => `${Math.round(bytes / 1024 / 1024)} MiB`
console.log('\neverything, in one process with its store, the sender on the same machine')
console.log(`  spans/s                      ${rate(spansPerSecond)}`)
console.log(
  `  spans/s per core             ${rate(spansPerCpuSecond.all)}  (Telltale ${rate(spansPerCpuSecond.self).trim()}, store ${rate(spansPerCpuSecond.store).trim()})`,
)
console.log(
  `  memory                       ${mib(anonymousBytes.self).padStart(10)}  (store ${mib(anonymousBytes.store)})`,
)

const SPANS_PER_SECOND = 2000
const SMALL_REQUEST = 64
const marked = await markedRequests(
  { requests: 800, identified: 1, agents: 200, startMs: Date.now(), seed: 'latency' },
  SMALL_REQUEST,
)
const { alerts, p50Ms, p99Ms, maxMs } = await measureLatency(marked, (1000 * SMALL_REQUEST) / SPANS_PER_SECOND)
console.log(
  `\nfrom the start of a request to its alert at the webhook, at ${SPANS_PER_SECOND} spans/s (${alerts} alerts)`,
)
console.log(`  p50 ${p50Ms.toFixed(0)} ms, p99 ${p99Ms.toFixed(0)} ms, longest ${maxMs.toFixed(0)} ms`)
