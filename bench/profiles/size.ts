/**
 * What profiles of a million agents cost: `node dist/bench/profiles/size.js` after `npm run build`; 5 GiB, two minutes.
 *
 * Measured with Node 20.20 on two busy cores of a virtual machine (Xeon, 2 MiB of second-level cache a core):
 *
 * | | |
 * |---|---|
 * | 1,000,000 agents seen once, beyond the idle process | 0.51 GiB |
 * | 1,000,000 agents of full records and 131,072 of small ones | 3.94 GiB |
 * | touches/s per core, among 40,000 / 1,000,000 agents | 1,110,000 / 698,000 |
 * | the same, each writing 8 fields that lie apart | 1,011,000 / 615,000 |
 * | checkpoint of 250,000 agents; its longest slice, by the clock | 1.0 s; 8.6 ms |
 * | restore of 250,000 agents | 1.6 s |
 *
 * The clock of a machine under four times its load said 41 to 65 ms for slices of 1 MiB whose processor time was 5 ms. A map
 * from a million such keys to numbers alone takes 0.19 GiB, 144 MiB of them on the heap.
 */
import { FULL_BYTES, layoutOf, SMALL_BYTES } from '../../detectors/profile/layout.ts'
import { openProfiles, type Profiles, SMALL_EVENTS } from '../../detectors/profile/profiles.ts'
import { HEADER, type Records } from '../../detectors/profile/records.ts'
import { seeded } from '../seeded.ts'

const AGENTS = 1_000_000
const NEW = 131_072
const HOT = 40_000
const CHECKPOINT = 250_000
const TOUCHES = 4_000_000

const rest = (bytes: number) => ({ name: 'statistics', version: 1, bytes: bytes - HEADER.bytes })
const layouts = {
  small: layoutOf(
    [
      ['header', HEADER],
      ['small-statistics', rest(SMALL_BYTES)],
    ],
    SMALL_BYTES,
  ),
  full: layoutOf(
    [
      ['header', HEADER],
      ['full-statistics', rest(FULL_BYTES)],
    ],
    FULL_BYTES,
  ),
}

// Keys as the engine has them, made anew for each use as they are when events are decoded.
const keyOf = (agent: number) => `tenant-${agent % 50}/agent-${agent.toString(36).padStart(8, '0')}`
const gib = (bytes: number) => `${(bytes / 2 ** 30).toFixed(2)} GiB`
const row = (what: string, value: string) => console.log(`  ${what.padEnd(74)} ${value.padStart(12)}`)

const idleBytes = residentBytes()
measureSmall()
const profiles = open(AGENTS, NEW)
measureFull(profiles)
measureTouches(profiles)
measureCheckpoint(profiles)

function open(fullRecords: number, smallRecords: number): Profiles {
  return openProfiles({ ...layouts, fullRecords, smallRecords, secret: [1, 2], leave: () => undefined })
}

function measureSmall(): void {
  const before = residentBytes()
  const profiles = open(1, AGENTS)
  for (let agent = 0; agent < AGENTS; agent += 1) {
    profiles.touch(keyOf(agent))
  }
  row('1,000,000 agents seen once, beyond the idle process', gib(residentBytes() - before))
}

function measureFull(profiles: Profiles): void {
  for (let agent = 0; agent < AGENTS; agent += 1) {
    const key = keyOf(agent)
    for (let event = 0; event <= SMALL_EVENTS; event += 1) {
      profiles.touch(key)
    }
    const record = profiles.find(key)
    const start = profiles.offset(record)
    profiles.memory(record).u8.fill(1, start + HEADER.bytes, start + FULL_BYTES)
  }
  for (let agent = 0; agent < NEW; agent += 1) {
    profiles.touch(`new/${keyOf(agent)}`)
  }
  const count = (profiles.count - NEW).toLocaleString('en')
  row(`${count} agents of more than 50 events, 131,072 of fewer`, gib(residentBytes() - idleBytes))
}

function measureTouches(profiles: Profiles): void {
  for (const [among, agents] of [
    ['among 40,000 hot agents', HOT],
    ['among 1,000,000 agents uniformly', AGENTS],
  ] as const) {
    const next = seeded(7)
    const keys = Array.from({ length: TOUCHES / 4 }, () => keyOf(Math.floor(next() * agents)))
    for (const [what, use] of [
      ['touches/s', touchOnly],
      ['touches/s with 8 fields written', touchAndWrite],
    ] as const) {
      const seconds = median([0, 1, 2, 3, 4].map(() => cpuSecondsOf(() => use(profiles, keys))))
      row(`${what} per core, ${among}`, Math.round(keys.length / seconds).toLocaleString('en'))
    }
  }
}

function touchOnly(profiles: Profiles, keys: readonly string[]): void {
  for (const key of keys) {
    profiles.touch(key)
  }
}

/** Four places of a record that lie apart, as statistics do. */
function touchAndWrite(profiles: Profiles, keys: readonly string[]): void {
  for (const key of keys) {
    const record = profiles.touch(key)
    const { u32, f32 } = profiles.memory(record)
    const at = profiles.offset(record) / 4
    for (let field = 8; field < 1024; field += 254) {
      u32[at + field] = (u32[at + field] ?? 0) + 1
      f32[at + field + 1] = (f32[at + field + 1] ?? 0) * 0.99 + 1
    }
  }
}

function measureCheckpoint(profiles: Profiles): void {
  let ignored = 0
  for (const { bytes } of profiles.changes()) {
    ignored += bytes.length
  }
  for (let agent = 0; agent < CHECKPOINT; agent += 1) {
    // Spread over all slabs, as agents that are seen are.
    profiles.touch(keyOf(agent * (AGENTS / CHECKPOINT)))
  }
  const kept: Records[] = []
  let [longestMs, longestCpuMs] = [0, 0]
  const slices = profiles.changes()[Symbol.iterator]()
  const began = performance.now()
  for (let done = false; !done; ) {
    const [sliceBegan, cpuBegan] = [performance.now(), cpuSeconds()]
    const slice = slices.next()
    longestMs = Math.max(longestMs, performance.now() - sliceBegan)
    longestCpuMs = Math.max(longestCpuMs, (cpuSeconds() - cpuBegan) * 1000)
    done = slice.done === true
    if (slice.done !== true) {
      kept.push(slice.value)
    }
  }
  row('checkpoint of 250,000 agents in slices of 256 KiB', `${(performance.now() - began).toFixed(0)} ms`)
  row('  the longest slice, by the clock', `${longestMs.toFixed(1)} ms`)
  row('  the longest slice, of processor time', `${longestCpuMs.toFixed(1)} ms`)
  const restored = open(CHECKPOINT, 1)
  const seconds = secondsOf(() => {
    for (const records of kept) {
      restored.restore(records)
    }
  })
  row(`restore of ${restored.count.toLocaleString('en')} agents`, `${seconds.toFixed(2)} s`)
  if (ignored < AGENTS * FULL_BYTES) {
    throw new Error('the first checkpoint did not hold every agent')
  }
}

function residentBytes(): number {
  return process.memoryUsage.rss()
}

function secondsOf(run: () => void): number {
  const began = performance.now()
  run()
  return (performance.now() - began) / 1000
}

/** A machine that others use too leaves the processor's time as it is, but not the clock's. */
function cpuSeconds(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

function cpuSecondsOf(run: () => void): number {
  const began = cpuSeconds()
  run()
  return cpuSeconds() - began
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN
}
