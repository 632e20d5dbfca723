/**
 * `npm run bench:judge`: how fast events are judged with every detector on and all marks for the judge of sessions made, and how long the worst text keeps a detector.
 *
 * The goals: 100,000 events a second and core without text, 20,000 with 2 kB of text each, and no text over 5 ms.
 */
import { join } from 'node:path'
import type { AnyDetector } from '../detectors/detector.ts'
import { detectors } from '../detectors/index.ts'
import { markers } from '../detectors/marks/index.ts'
import type { StoredRecord } from '../engine/bus/bus.ts'
import { detectStage } from '../engine/detect.ts'
import { eventRecord } from '../engine/records.ts'
import { compilePolicies } from '../rules/compile.ts'
import type { CompiledPolicy, PolicySet } from '../rules/policy.ts'
import type { Telemetry } from '../schema/telemetry.ts'
import { type AdversarialText, adversarialTexts } from './adversarial-texts.ts'
import { ATTACKED_SUITES, readResults } from './injection-data.ts'
import { JUDGED_POLICY, judgedEvents, ordinaryTexts, textsFrom } from './judged-events.ts'

const EVENTS = 20_000
/** Each of them acts twice. */
const MANY_AGENTS = 10_000
const BATCH = 500
const ROUNDS = 5
/** The best of so many tries is what the detector takes; the rest is the machine. */
const TRIES = 4
/** One text in so many is judged before anything is measured, so that code is compiled: processes run for weeks. */
const WARM_UP = 6
const WORST_SHOWN = 8

function policies(): PolicySet {
  return compilePolicies([{ path: 'bench.yml', name: 'policies/bench.yml', text: JUDGED_POLICY }])
}

function stored(events: readonly Telemetry[]): readonly StoredRecord[][] {
  const records = events.map((event, offset) => ({ ...eventRecord(event), offset }))
  return Array.from({ length: Math.ceil(records.length / BATCH) }, (_, index) =>
    records.slice(index * BATCH, (index + 1) * BATCH),
  )
}

/** Events a second of processor time, the median of several rounds, each with what a partition knows from the start. */
function measureRate(events: readonly Telemetry[], some: readonly AnyDetector[]): { rate: number; findings: number } {
  const batches = stored(events)
  const stage = detectStage({
    detectors: some,
    markers: some === detectors ? markers : [],
    policies: policies(),
    validate: () => undefined,
  })
  const rates: number[] = []
  let findings = 0
  for (let round = -1; round < ROUNDS; round++) {
    const partition = stage.open(0, [])
    findings = 0
    const start = process.cpuUsage()
    for (const batch of batches) {
      const { outputs } = partition.apply(batch)
      findings += outputs.reduce((sum, { records }) => sum + records.length, 0)
      partition.changes()
    }
    const { user, system } = process.cpuUsage(start)
    if (round >= 0) {
      rates.push(events.length / ((user + system) / 1e6))
    }
  }
  return { rate: rates.sort((a, b) => a - b)[rates.length >> 1] as number, findings }
}

const PLACES = ['prompt', 'arguments', 'result', 'output', 'system_prompt'] as const

interface Worst {
  readonly detector: string
  readonly place: string
  readonly part: string
  readonly ms: number
}

/** The longest that each detector takes over any adversarial text in any place, judged and learned, in code that is warm. */
function measureWorst(policy: CompiledPolicy, texts: readonly AdversarialText[]): readonly Worst[] {
  const [example] = judgedEvents(1)
  const worst = new Map<string, Worst>()
  for (const { part, text } of texts) {
    for (const place of PLACES) {
      for (const detector of detectors) {
        for (const operation of detector.on) {
          // Another text each time, or a memory of texts would answer.
          const times = Array.from({ length: TRIES }, (_, index) => {
            const content = { [place]: `${index}${text.slice(1)}` }
            const event: Telemetry = {
              ...(example as Telemetry),
              operation,
              content,
              tool: { name: 'shell.run_command' },
            }
            const state = detector.initial()
            const start = performance.now()
            detector.check(event, state, { policy })
            detector.learn(event, state, { policy })
            return performance.now() - start
          })
          const ms = Math.min(...times)
          if (ms > (worst.get(detector.id)?.ms ?? 0)) {
            worst.set(detector.id, { detector: detector.id, place: `${operation} ${place}`, part, ms })
          }
        }
      }
    }
  }
  return [...worst.values()].sort((a, b) => b.ms - a.ms)
}

/** Clean results of tools from recorded runs, where they lie beside the repository. */
function recordedResults(): readonly string[] {
  const data = process.env.TELLTALE_DATA
  return data === undefined
    ? []
    : ATTACKED_SUITES.flatMap((suite) => readResults(join(data, 'evaluation'), suite))
        .filter(({ attack }) => !attack)
        .map(({ text }) => text)
}

const count = (value: number) => Math.round(value).toLocaleString('en').padStart(10)

console.log(`${detectors.length} detectors, one core, a policy with every section`)
const recorded = recordedResults()
const kinds: readonly (readonly [what: string, events: readonly Telemetry[]])[] = [
  ['without text', judgedEvents(EVENTS)],
  [`without text, of ${MANY_AGENTS} agents in turn`, judgedEvents(EVENTS, undefined, MANY_AGENTS)],
  ['with 2 kB of ordinary words each, never the same', judgedEvents(EVENTS, ordinaryTexts())],
  ...(recorded.length === 0
    ? []
    : [['with 2 kB of what recorded tools returned each', judgedEvents(EVENTS, textsFrom(recorded))] as const]),
]
for (const [what, events] of kinds) {
  const { rate, findings } = measureRate(events, detectors)
  console.log(`\n${what}: ${count(rate).trim()} events/s (${findings} findings of ${EVENTS} events)`)
  const costs = detectors.map((detector) => ({
    id: detector.id,
    us: 1e6 / measureRate(events, [detector]).rate,
  }))
  const idle = 1e6 / measureRate(events, []).rate
  for (const { id, us } of costs.sort((a, b) => b.us - a.us).slice(0, WORST_SHOWN)) {
    console.log(`  ${id.padEnd(24)} ${(us - idle).toFixed(2).padStart(8)} us an event`)
  }
}

const [policy] = policies().policies
console.log('\nthe longest over any adversarial text of 8 KiB')
const texts = adversarialTexts()
measureWorst(
  policy as CompiledPolicy,
  texts.filter((_, index) => index % WARM_UP === 0),
)
for (const { detector, place, part, ms } of measureWorst(policy as CompiledPolicy, texts).slice(0, WORST_SHOWN)) {
  console.log(`  ${detector.padEnd(24)} ${ms.toFixed(2).padStart(8)} ms  ${place}: ${JSON.stringify(part)}`)
}
