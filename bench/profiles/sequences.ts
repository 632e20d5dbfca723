/**
 * `TELLTALE_DATA=DIR node dist/bench/profiles/sequences.js`: how well surprise and repetition tell real sessions from the
 * same sessions changed: shuffled, with tools injected, or with a call repeated.
 *
 * The sessions are tau-bench, gpt-4o, airline: one agent. Of each of `SPLITS` random splits by task, some sessions are
 * learned and all sessions of other tasks are judged. A session's score is its largest; the figure is the AUC.
 */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import {
  callWindow,
  meanSurpriseBits,
  previousCall,
  pushCall,
  repetitions,
} from '../../detectors/profile/call-window.ts'
import { type Memory, memoryOf } from '../../detectors/profile/memory.ts'
import { mix32 } from '../../detectors/profile/mix.ts'
import { learnNovelty, novelty, shareOf } from '../../detectors/profile/novelty.ts'
import { repeatTail } from '../../detectors/profile/repetition.ts'
import { learnTransition, surpriseBits, transitions } from '../../detectors/profile/transitions.ts'
import { readGzipLines } from '../gzip-lines.ts'
import { oneOf, seeded } from '../seeded.ts'

interface Run {
  readonly user_task: string
  readonly steps: readonly { readonly tool_calls?: readonly { readonly tool: string }[] }[]
}
interface Session {
  readonly task: string
  readonly calls: readonly number[]
}
type Change = (calls: readonly number[], known: readonly number[], random: () => number) => readonly number[]
interface Score {
  readonly unigram: number
  readonly order1: number
  /** -log10 of the least p of a repetition. */
  readonly repeated: number
}

const SPLITS = 40
const LEAST_CALLS = 4
const TIME_MS = 1_750_000_000_000
const SLOTS = 48
const RARE = ['update_reservation_passengers', 'send_certificate', 'update_reservation_baggages']
const hashOf = (tool: string) =>
  mix32([...tool].reduce((hash, letter) => Math.imul(hash, 31) + letter.charCodeAt(0), 7))

const tools = novelty('tools', SLOTS)
const order = transitions('tool-order')
const ORDER = tools.bytes
const WINDOW = ORDER + order.bytes
const UNIGRAM_WINDOW = WINDOW + callWindow.bytes

const CHANGES: readonly (readonly [string, Change])[] = [
  ['order shuffled', (calls, _, random) => shuffled(calls, random)],
  [
    '3 rare tools injected',
    (calls, _, random) =>
      RARE.reduce<readonly number[]>((changed, tool) => injected(changed, hashOf(tool), random), calls),
  ],
  [
    '3 known tools injected',
    (calls, known, random) =>
      [1, 2, 3].reduce<readonly number[]>((changed) => injected(changed, oneOf(known, random), random), calls),
  ],
  ['a call repeated 8 times', (calls, _, random) => repeatedCall(calls, 8, random)],
]

/** The AUC of each change by each score, over all splits; `learnedSessions` sessions are learned in each. */
export function measureSequences(sessions: readonly Session[], learnedSessions: number): Map<string, Score> {
  const results = new Map<string, Score>()
  const known = [...new Set(sessions.flatMap(({ calls }) => calls))]
  for (const [name, change] of CHANGES) {
    const sums = { unigram: 0, order1: 0, repeated: 0 }
    for (let split = 0; split < SPLITS; split += 1) {
      const random = seeded(split * 7919 + 13)
      const { profile, held } = splitOf(sessions, learnedSessions, known.length, random)
      const benign = held.map(({ calls }) => scoreOf(profile, calls, known.length))
      const changed = held.map(({ calls }) => scoreOf(profile, change(calls, known, random), known.length))
      for (const score of ['unigram', 'order1', 'repeated'] as const) {
        sums[score] +=
          areaUnder(
            benign.map((each) => each[score]),
            changed.map((each) => each[score]),
          ) / SPLITS
      }
    }
    results.set(name, sums)
  }
  return results
}

/** The share of judged sessions, unchanged, in which some repetition has p below each level. */
export function measureRepetitions(
  sessions: readonly Session[],
  learnedSessions: number,
  levels: readonly number[],
): number[] {
  const known = new Set(sessions.flatMap(({ calls }) => calls)).size
  const scores = Array.from({ length: SPLITS }, (_, split) => {
    const { profile, held } = splitOf(sessions, learnedSessions, known, seeded(split * 7919 + 13))
    return held.map(({ calls }) => scoreOf(profile, calls, known).repeated)
  }).flat()
  return levels.map((level) => scores.filter((score) => score > -Math.log10(level)).length / scores.length)
}

/** Tasks in random order until enough sessions are learned; those of other tasks are held out. */
function splitOf(sessions: readonly Session[], count: number, known: number, random: () => number) {
  const profile = memoryOf(new ArrayBuffer(UNIGRAM_WINDOW + callWindow.bytes))
  const tasks = shuffled([...new Set(sessions.map(({ task }) => task))], random)
  const learned = new Set<Session>()
  const used = new Set<string>()
  for (const task of tasks) {
    for (const session of sessions.filter((each) => each.task === task)) {
      if (learned.size < count) {
        learned.add(session)
        used.add(task)
      }
    }
  }
  for (const { calls } of learned) {
    scoreOf(profile, calls, known, true)
  }
  return { profile, held: sessions.filter(({ task, calls }) => !used.has(task) && calls.length >= LEAST_CALLS) }
}

function scoreOf(profile: Memory, calls: readonly number[], known: number, learns = false): Score {
  profile.u8.fill(0, WINDOW)
  const score = { unigram: 0, order1: 0, repeated: 0 }
  for (const call of calls) {
    const previous = previousCall(profile, WINDOW)
    const share = shareOf(profile, 0, SLOTS, call, TIME_MS, 1 / known)
    pushCall(profile, UNIGRAM_WINDOW, call, -Math.log2(share))
    pushCall(profile, WINDOW, call, surpriseBits(profile, ORDER, previous, call, share))
    const times = repetitions(profile, WINDOW)
    score.unigram = Math.max(score.unigram, meanSurpriseBits(profile, UNIGRAM_WINDOW))
    score.order1 = Math.max(score.order1, meanSurpriseBits(profile, WINDOW))
    score.repeated = Math.max(score.repeated, times > 0 ? -Math.log10(repeatTail(profile, ORDER, call, times, 0)) : 0)
    if (learns) {
      learnNovelty(profile, 0, SLOTS, call, TIME_MS, false)
      learnTransition(profile, ORDER, previous, call, TIME_MS)
    }
  }
  return score
}

function shuffled<Item>(items: readonly Item[], random: () => number): Item[] {
  const changed = [...items]
  for (let index = changed.length - 1; index > 0; index -= 1) {
    const other = Math.floor(random() * (index + 1))
    ;[changed[index], changed[other]] = [changed[other] as Item, changed[index] as Item]
  }
  return changed
}

function injected(calls: readonly number[], call: number, random: () => number): number[] {
  return calls.toSpliced(Math.floor(random() * (calls.length + 1)), 0, call)
}

function repeatedCall(calls: readonly number[], times: number, random: () => number): number[] {
  const index = Math.floor(random() * calls.length)
  return calls.toSpliced(index, 0, ...Array<number>(times - 1).fill(calls[index] as number))
}

/** The probability that a changed session scores higher than an unchanged one, ties counting half. */
function areaUnder(benign: readonly number[], changed: readonly number[]): number {
  let wins = 0
  for (const score of changed) {
    for (const other of benign) {
      wins += score > other ? 1 : score === other ? 0.5 : 0
    }
  }
  return wins / (benign.length * changed.length)
}

/** The sessions of tau-bench under `dataDir`; throws where they are not. */
export function readSessions(dataDir: string): Session[] {
  return readGzipLines<Run>(join(dataDir, 'evaluation', 'agents', 'taubench-airline.jsonl.gz'))
    .map(({ user_task, steps }) => ({
      task: user_task,
      calls: steps.flatMap(({ tool_calls = [] }) => tool_calls.map(({ tool }) => hashOf(tool))),
    }))
    .filter(({ calls }) => calls.length > 0)
}

function print(data: string): void {
  const sessions = readSessions(data)
  console.log('| learned sessions | change | unigram | order 1 | repetition |')
  console.log('|---|---|---|---|---|')
  for (const learned of [10, 30]) {
    for (const [name, { unigram, order1, repeated }] of measureSequences(sessions, learned)) {
      console.log(`| ${[learned, name, ...[unigram, order1, repeated].map((auc) => auc.toFixed(3))].join(' | ')} |`)
    }
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const data = process.env.TELLTALE_DATA
  if (data === undefined) {
    console.log('not measured: it needs recorded runs; set TELLTALE_DATA to the folder that evaluation/agents lies in')
  } else {
    print(data)
  }
}
