/**
 * `node dist/bench/profiles/novelty.js [AGENTS]`: what alerts on everything seen for the first time would raise, and what
 * novelty raises, on agents that nobody attacked; how many injected tools it still finds; and whether new things come as
 * often as it says.
 *
 * Some agents call a closed set of tools, as unevenly as Zipf says or evenly; the others see open-ended destinations, whose
 * ranks follow Zipf without end. Events are ten minutes apart. All are judged by the same rule.
 */
import { pathToFileURL } from 'node:url'
import { bloom, bloomAdd, bloomHas } from '../../detectors/profile/bloom.ts'
import { memoryOf } from '../../detectors/profile/memory.ts'
import { holdsSlot, isOpenEnded, learnNovelty, newTail, novelty } from '../../detectors/profile/novelty.ts'
import { seeded } from '../seeded.ts'

/** What came of agents of one kind. */
interface NoveltyResult {
  /** Things that were new to the agent: what "first seen" raises; in all events, and after `WARM_UP` of them. */
  readonly firstSeen: readonly [number, number]
  /** Those that were new with p < 0.01. */
  readonly raised: readonly [number, number]
  /** Agents in which something new, injected at the end, had p < 0.01. */
  readonly caught: number
  /** Agents that said at the end that they are open-ended. */
  readonly openEnded: number
  /** By how many events came before (`UNTIL`): new things that came, for each that was expected. */
  readonly calibration: readonly number[]
}

type Source = (random: () => number) => () => number

const EVENTS = 900
const WARM_UP = 300
const UNTIL = [10, 30, 100, 300, EVENTS] as const
const SLOTS = 48
const LEVEL = 0.01
const STEP_MS = 600_000
const START_MS = 1_750_000_000_000
const INJECTED = 0xdeadbeef

/** Judges, then learns, `EVENTS` events of every agent. `withBloom`: whether a filter remembers what has lost its slot. */
export function measureNovelty(agents: number, source: Source, withBloom: boolean, seed: number): NoveltyResult {
  const things = novelty('things', SLOTS)
  const filter = things.bytes
  const result = { firstSeen: [0, 0] as [number, number], raised: [0, 0] as [number, number], caught: 0, openEnded: 0 }
  const [came, expected] = [UNTIL.map(() => 0), UNTIL.map(() => 0)]
  for (let agent = 0; agent < agents; agent += 1) {
    const memory = memoryOf(new ArrayBuffer(things.bytes + bloom('seen').bytes))
    const next = source(seeded(seed * 100_003 + agent))
    const seen = new Set<number>()
    let timeMs = START_MS
    for (let event = 0; event < EVENTS; event += 1) {
      const hash = next()
      const isFirst = !seen.has(hash)
      const isKnown = withBloom && bloomHas(memory, filter, hash)
      const p = newTail(memory, 0, timeMs, 1)
      const period = UNTIL.findIndex((until) => event < until)
      came[period] = (came[period] ?? 0) + (isFirst ? 1 : 0)
      expected[period] = (expected[period] ?? 0) + p
      const isRaised = !isKnown && !holdsSlot(memory, 0, SLOTS, hash) && p < LEVEL
      for (const when of event < WARM_UP ? ([0] as const) : ([0, 1] as const)) {
        result.firstSeen[when] += isFirst ? 1 : 0
        result.raised[when] += isRaised ? 1 : 0
      }
      learnNovelty(memory, 0, SLOTS, hash, timeMs, isKnown)
      bloomAdd(memory, filter, hash)
      seen.add(hash)
      timeMs += STEP_MS
    }
    result.caught += newTail(memory, 0, timeMs, 1) < LEVEL && !holdsSlot(memory, 0, SLOTS, INJECTED) ? 1 : 0
    result.openEnded += isOpenEnded(memory, 0) ? 1 : 0
  }
  return { ...result, calibration: came.map((count, period) => count / (expected[period] as number)) }
}

/** A closed set of `tools` tools (without a number, between 4 and 20), used as Zipf says or all alike. */
export function closedSet(tools?: number, exponent = 1): Source {
  return (random) => {
    const size = tools ?? 4 + Math.floor(random() * 17)
    const weights = Array.from({ length: size }, (_, rank) => (rank + 1) ** -exponent)
    const total = weights.reduce((sum, weight) => sum + weight, 0)
    return () => {
      let left = random() * total
      const rank = weights.findIndex((weight) => {
        left -= weight
        return left < 0
      })
      return 1000 + (rank < 0 ? size - 1 : rank)
    }
  }
}

/** Zipf over the whole numbers without end: P(rank >= k) = k^-(exponent - 1), so ranks to the power of -exponent. */
export function openEnded(exponent: number): Source {
  return (random) => () => Math.min(0xfffffff, Math.floor((1 - random()) ** (-1 / (exponent - 1))))
}

const KINDS: readonly (readonly [string, Source])[] = [
  ['closed, 4 to 20 tools', closedSet()],
  ['closed, 40 tools', closedSet(40)],
  ['closed, 100 tools, used alike', closedSet(100, 0)],
  ['open-ended, Zipf 2.5', openEnded(2.5)],
  ['open-ended, Zipf 2', openEnded(2)],
  ['open-ended, Zipf 1.7', openEnded(1.7)],
  ['open-ended, Zipf 1.3', openEnded(1.3)],
]

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const agents = Number(process.argv[2] ?? 1000)
  const periods = UNTIL.map((until) => `new for each expected, to ${until}`)
  console.log(
    `| ${['agents', 'filter', 'first seen, after 300', 'p < 0.01, after 300', 'injected found', 'open-ended', ...periods].join(' | ')} |`,
  )
  console.log(`|${'---|'.repeat(6 + periods.length)}`)
  for (const [name, source] of KINDS) {
    for (const withBloom of [false, true]) {
      const { firstSeen, raised, caught, openEnded: open, calibration } = measureNovelty(agents, source, withBloom, 7)
      const cells = [
        name,
        withBloom ? 'yes' : 'no',
        firstSeen.join(', '),
        raised.join(', '),
        `${caught}/${agents}`,
        open,
      ]
      console.log(`| ${[...cells, ...calibration.map((ratio) => ratio.toFixed(2))].join(' | ')} |`)
    }
  }
}
