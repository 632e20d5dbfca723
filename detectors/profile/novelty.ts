/**
 * Novelty: how probable it was that something new came (a tool, a destination, a dataset), from what came before.
 *
 * A Pitman-Yor process whose discount is learned: of n things seen, K distinct and H1 of them once, the next is new with
 * probability (1 + d K) / (1 + n), d = H1 / K at most 0.9 (Good 1953; Pitman and Yor 1997; for computers and their
 * destinations Sanna Passino and Heard 2019). So the first new tool in a thousand calls of an agent with ten tools is
 * strange, and the hundredth new site of an agent that browses is not. Everything fades with a half-life of 30 days.
 *
 * What was seen lies in slots; when they are full, the least one makes place and the newcomer carries its count as error
 * (space-saving: Metwally, Agrawal and El Abbadi 2005).
 *
 * Measured (`node dist/bench/profiles/novelty.js`, 2,000 agents of 900 events, half with closed sets of tools, half with
 * open-ended destinations): without a filter 11,877 and
 * 94,754 things were seen for the first time, of which 182 and 0 had p < 0.01 (9 and 0 after the first 300 events), and a
 * new tool injected at the end had in 1,000 of 1,000. In 1,000 agents with 100 tools used alike it was found in none
 * without a Bloom filter and in all with one. New things came 0.3 to 1.05 times as often as expected for n = 10 to 300 in
 * every kind of agent, and less often only where a closed set was complete.
 *
 * Misses: something new of an agent that is open-ended (`isOpenEnded`): volume to what is new has to find that; what an
 * attacker introduces slowly enough to raise d; more distinct things than slots look more open-ended than they are,
 * unless something with a longer memory (`bloom.ts`) says which are known; order (`transitions.ts`).
 */
import { remaining } from './decay.ts'
import type { Block, Memory } from './memory.ts'

/** A block of novelty: how many slots it has is told to every function that looks into them. */
export interface NoveltyBlock extends Block {
  readonly slots: number
}

// Head: n f32, K f32, H1 f32 as of a day u16 since the epoch. Then slots: hash u32, count f32, error u16, last day u16.
const HEAD_BYTES = 16
const SLOT_BYTES = 12
const [N, DISTINCT, ONCE] = [0, 1, 2]
const DAY = 6
const [COUNT, ERROR, LAST_DAY] = [1, 4, 5]
/** Set in a slot's error once it was seen again; errors saturate below it. */
const SEEN_AGAIN = 0x8000

const THETA = 1
const LARGEST_DISCOUNT = 0.9
const OPEN_ENDED = 0.7
/** For what no peer does. */
const LEAST_SHARE = 1e-6
const DAY_MS = 86_400_000
const HALF_LIFE_DAYS = 30
const LAST = 0xffff

/** What remains after each number of days; nothing after the last. */
const RETAINED = Float64Array.from({ length: 1024 }, (_, days) => remaining(1, days, HALF_LIFE_DAYS))

/** A block of 16 bytes and 12 for every slot. A smaller one is the beginning of a larger one: see `carryNovelty`. */
export function novelty(name: string, slots: number): NoveltyBlock {
  return { name, version: 1, bytes: HEAD_BYTES + SLOT_BYTES * slots, slots }
}

/** Whether a slot holds it. What never came is in none; what made place for others is in none either. */
export function holdsSlot(memory: Memory, offset: number, slots: number, hash: number): boolean {
  return find(memory, offset, slots, hash) >= 0
}

/** How often it surely came, as much of that as is remembered; 0 for what holds no slot. */
export function timesSeen(memory: Memory, offset: number, slots: number, hash: number, timeMs: number): number {
  const slot = find(memory, offset, slots, hash)
  return slot < 0 ? 0 : sureCount(memory, slot, dayAt(memory, offset, timeMs))
}

/** How many events are remembered: n, of which shares are taken. */
export function eventsSeen(memory: Memory, offset: number, timeMs: number): number {
  return at(memory, offset, N) * retained(memory, offset, dayAt(memory, offset, timeMs))
}

/** The share d of discoveries that stay alone, from 0 (a closed set) to 0.9. */
export function discount(memory: Memory, offset: number): number {
  const distinct = at(memory, offset, DISTINCT)
  return distinct > 0 ? Math.min(at(memory, offset, ONCE) / distinct, LARGEST_DISCOUNT) : 0
}

/** Whether most of what comes, comes once: what is new is then no evidence by itself. An agent of few events is, too. */
export function isOpenEnded(memory: Memory, offset: number): boolean {
  return discount(memory, offset) > OPEN_ENDED
}

/**
 * The tail probability of something never seen coming now: that anything new comes, times the share of new things that
 * are as rare among peers as this one (`peerRarity`, from 0 to 1; 1 when nothing is known of peers). Asked before learning.
 */
export function newTail(memory: Memory, offset: number, timeMs: number, peerRarity: number): number {
  const keep = retained(memory, offset, dayAt(memory, offset, timeMs))
  const discovered = discount(memory, offset) * at(memory, offset, DISTINCT) * keep
  const p = (THETA + discovered) / (THETA + at(memory, offset, N) * keep)
  return p * (peerRarity >= 0 && peerRarity < 1 ? peerRarity : 1)
}

/** The probability (c - d) / (n + 1) of this one among all, for words ("one call in 800"). What faded counts as seen once. */
export function seenRarity(memory: Memory, offset: number, slots: number, hash: number, timeMs: number): number {
  const count = Math.max(1, timesSeen(memory, offset, slots, hash, timeMs))
  return Math.min(1, (count - discount(memory, offset)) / (eventsSeen(memory, offset, timeMs) + THETA))
}

/**
 * The tail probability of one seen before: that one which came no more often than this one comes, or a new one. Unlike
 * `seenRarity` it is calibrated, for where many are rare, one of them is not. Asked before learning.
 */
export function seenTail(memory: Memory, offset: number, slots: number, hash: number, timeMs: number): number {
  const day = dayAt(memory, offset, timeMs)
  const d = discount(memory, offset)
  const all = at(memory, offset, N) * retained(memory, offset, day) + THETA
  const own = find(memory, offset, slots, hash)
  const count = own < 0 ? 0 : sureCount(memory, own, day)
  let tail = all
  for (let slot = firstSlot(offset), end = slot + 3 * slots; slot < end && memory.u32[slot] !== 0; slot += 3) {
    const other = sureCount(memory, slot, day)
    if (other > count) {
      tail -= Math.max(0, other - d)
    }
  }
  // Where counts have saturated, they sum to more than all.
  return Math.min(1, Math.max(tail, THETA) / all)
}

/**
 * The probability that this one comes next, with `peerShare` (how much of what peers do is this one, from 0 to 1) as the
 * base: (c - d + (1 + d K) peerShare) / (n + 1). Transitions back off to it. Never 0.
 */
export function shareOf(
  memory: Memory,
  offset: number,
  slots: number,
  hash: number,
  timeMs: number,
  peerShare: number,
): number {
  const count = timesSeen(memory, offset, slots, hash, timeMs)
  const own = Math.max(0, count - discount(memory, offset)) / (eventsSeen(memory, offset, timeMs) + THETA)
  const base = peerShare > LEAST_SHARE ? Math.min(1, peerShare) : LEAST_SHARE
  return Math.min(1, own + newTail(memory, offset, timeMs, base))
}

/**
 * Learns that `hash` (u32) came at `timeMs`; called after judging, for events that may be learned. `isKnown`: whether
 * something with a longer memory has seen it, so that what comes back without a slot is no discovery.
 */
export function learnNovelty(
  memory: Memory,
  offset: number,
  slots: number,
  hash: number,
  timeMs: number,
  isKnown: boolean,
): void {
  const day = dayAt(memory, offset, timeMs)
  fadeHead(memory, offset, day)
  add(memory, offset, N, 1)
  const found = find(memory, offset, slots, hash)
  if (found >= 0) {
    seeAgain(memory, offset, found, day)
    return
  }
  if (isKnown) {
    // It may have been one seen once: with the probability that any of them was.
    add(memory, offset, ONCE, -discount(memory, offset))
  } else {
    add(memory, offset, DISTINCT, 1)
    add(memory, offset, ONCE, 1)
  }
  takeSlot(memory, offset, slots, hash, day, isKnown)
}

/** Copies a block into a larger one that has seen nothing: when an agent has outgrown its small record. */
export function carryNovelty(
  from: Memory,
  fromOffset: number,
  fromBlock: NoveltyBlock,
  to: Memory,
  toOffset: number,
  toBlock: NoveltyBlock,
): void {
  if (toBlock.slots < fromBlock.slots) {
    throw new RangeError(`${fromBlock.slots} slots of ${fromBlock.name} do not fit into ${toBlock.slots}`)
  }
  to.u8.set(from.u8.subarray(fromOffset, fromOffset + fromBlock.bytes), toOffset)
}

function seeAgain(memory: Memory, offset: number, slot: number, day: number): void {
  const keep = retainedFor(day - lastDay(memory, slot))
  const error = memory.u16[2 * slot + ERROR] as number
  if (error < SEEN_AGAIN) {
    // What it gave to H1 when it was discovered has faded as it has.
    add(memory, offset, ONCE, -sureCount(memory, slot, day))
  }
  memory.f32[slot + COUNT] = (memory.f32[slot + COUNT] as number) * keep + 1
  memory.u16[2 * slot + ERROR] = Math.round((error & ~SEEN_AGAIN) * keep) | SEEN_AGAIN
  memory.u16[2 * slot + LAST_DAY] = day
}

function takeSlot(memory: Memory, offset: number, slots: number, hash: number, day: number, isKnown: boolean): void {
  const first = firstSlot(offset)
  let chosen = -1
  let least = Number.POSITIVE_INFINITY
  for (let slot = first; slot < first + 3 * slots; slot += 3) {
    const isFree = memory.u32[slot] === 0
    const count = isFree ? 0 : (memory.f32[slot + COUNT] as number) * retainedFor(day - lastDay(memory, slot))
    if (isFree || count < least) {
      chosen = slot
      least = count
    }
    if (isFree) {
      break
    }
  }
  if (chosen < 0) {
    return
  }
  const error = Math.min(SEEN_AGAIN - 1, Math.round(least))
  memory.u32[chosen] = keyOf(hash)
  memory.f32[chosen + COUNT] = error + 1
  memory.u16[2 * chosen + ERROR] = isKnown ? error | SEEN_AGAIN : error
  memory.u16[2 * chosen + LAST_DAY] = day
}

/** The index of its slot in words of 32 bits, or -1. Slots are taken in order and never given back. */
function find(memory: Memory, offset: number, slots: number, hash: number): number {
  const key = keyOf(hash)
  for (let slot = firstSlot(offset), end = slot + 3 * slots; slot < end; slot += 3) {
    const held = memory.u32[slot]
    if (held === key) {
      return slot
    }
    if (held === 0) {
      return -1
    }
  }
  return -1
}

/** Zero means a free slot. */
function keyOf(hash: number): number {
  return hash >>> 0 || 1
}

function firstSlot(offset: number): number {
  return (offset + HEAD_BYTES) >>> 2
}

function sureCount(memory: Memory, slot: number, day: number): number {
  const error = (memory.u16[2 * slot + ERROR] as number) & ~SEEN_AGAIN
  const count = (memory.f32[slot + COUNT] as number) - error
  return Math.max(0, count) * retainedFor(day - lastDay(memory, slot))
}

function lastDay(memory: Memory, slot: number): number {
  return memory.u16[2 * slot + LAST_DAY] as number
}

function at(memory: Memory, offset: number, field: number): number {
  return memory.f32[(offset >>> 2) + field] as number
}

/** Counts end at 2^24, where one more is no longer another number of 32 bits. */
function add(memory: Memory, offset: number, field: number, amount: number): void {
  memory.f32[(offset >>> 2) + field] = Math.max(0, at(memory, offset, field) + amount)
}

/** The day of an event since the epoch; late events, and times that are none, belong to the latest day seen. */
function dayAt(memory: Memory, offset: number, timeMs: number): number {
  const latest = memory.u16[(offset >>> 1) + DAY] as number
  const day = Math.floor(timeMs / DAY_MS)
  return day > latest ? Math.min(day, LAST) : latest
}

function fadeHead(memory: Memory, offset: number, day: number): void {
  const keep = retained(memory, offset, day)
  if (keep < 1) {
    for (let field = N; field <= ONCE; field += 1) {
      memory.f32[(offset >>> 2) + field] = at(memory, offset, field) * keep
    }
  }
  memory.u16[(offset >>> 1) + DAY] = day
}

function retained(memory: Memory, offset: number, day: number): number {
  return retainedFor(day - (memory.u16[(offset >>> 1) + DAY] as number))
}

function retainedFor(days: number): number {
  return days < RETAINED.length ? (RETAINED[days] as number) : 0
}
