/**
 * Transitions: how surprising a call is after the call before it. Order 1, backing off to what the agent calls anyway:
 * P1(y|x) = (c(x,y) + D(x) P0(y)) / (c(x) + D(x)), D(x) the distinct calls that came after x (Witten and Bell 1991, method
 * C) and P0 from `shareOf` in `novelty.ts`. The surprise is -log2 P1; `call-window.ts` averages it over the last calls of
 * a session.
 *
 * 319 counts in 1,280 bytes, found by 16 bits of a hash in four places: pairs, and for each x its total and its D. A pair
 * that finds no place takes that of a pair seen once, or wears down the least of those it met. Counts are halved together,
 * a count of one staying, when one saturates and every 30 days; so a pair is forgotten only when another needs its place.
 *
 * Measured (`bench/profiles/sequences.ts`: 104 sessions of tau-bench airline with gpt-4o, of which 30 are learned and those
 * of other tasks judged by their largest mean of four calls; AUC over 40 splits, P0 alone and with the order): order shuffled
 * 0.59 and 0.80; three rare tools injected 0.97 and 0.96; three known tools 0.80 and 0.86; a call repeated eight times 0.58
 * and 0.65. After 10 sessions 0.58 and 0.72; 0.89 and 0.89; 0.74 and 0.77; 0.57 and 0.64.
 *
 * Misses: a call that repeats (after one repetition there is nothing surprising in the next: `repetition.ts`); what is
 * unusual over more than two calls; what was called with; orders of calls made in parallel, which are chance. A pair never
 * seen is taken for one seen in one of 8,000 cases with a full table. The table is small: of 100 different pairs 1 % find no
 * place, of 196 8 %, of 400 43 %, and those are surprising whenever they come. Who can choose names of
 * tools can make them collide.
 */
import type { Block, Memory } from './memory.ts'
import { mix32 } from './mix.ts'

/** What a session's first call comes after. */
export const SESSION_START = 0x5e551011

// Head: day u16 of the last halving, two bytes spare. Then entries: fingerprint u16, count u16; no fingerprint, no entry.
const BYTES = 1280
const ENTRIES = 319
const PROBES = 4
const LARGEST = 0xffff
/** The highest bits of a fingerprint: 0 for a pair, and for what is of one call and never makes place for a pair: */
const TOTAL = 0x8000
const DISTINCT = 0xc000

const DAY_MS = 86_400_000
const HALF_LIFE_DAYS = 30
/** After which a count of 16 bits is one. */
const MOST_HALVINGS = 16

/** No transition is more surprising than this, in bits. */
export const LARGEST_SURPRISE_BITS = 20

/** 1,280 bytes; `name` is what follows what, such as `tool-order`. */
export function transitions(name: string): Block {
  return { name, version: 1, bytes: BYTES }
}

/**
 * The surprise of `to` after `from` in bits, from 0 to 20; asked before learning. `from` and `to` are u32 hashes of calls,
 * `from` is `SESSION_START` for the first; `share` is the probability of `to` whatever came before (`shareOf`).
 */
export function surpriseBits(memory: Memory, offset: number, from: number, to: number, share: number): number {
  const distinct = Math.max(1, countAt(memory, findContext(memory, offset, from, DISTINCT)))
  const pair = timesFollowed(memory, offset, from, to)
  const base = share > 0 ? Math.min(1, share) : 0
  const p = (pair + distinct * base) / (timesLeft(memory, offset, from) + distinct)
  return p > 0 ? Math.min(LARGEST_SURPRISE_BITS, Math.max(0, -Math.log2(p))) : LARGEST_SURPRISE_BITS
}

/** How often `to` came after `from`, as much of it as is remembered: c(x,y). */
export function timesFollowed(memory: Memory, offset: number, from: number, to: number): number {
  const hash = pairHash(from, to)
  return countAt(memory, find(memory, offset, hash, pairPrint(hash)))
}

/** How often anything came after `from`: c(x), of which `timesFollowed` is a part. */
export function timesLeft(memory: Memory, offset: number, from: number): number {
  const total = countAt(memory, findContext(memory, offset, from, TOTAL))
  // Halving rounds up, of many pairs more than of one total.
  return Math.max(total, countAt(memory, findContext(memory, offset, from, DISTINCT)))
}

/** Learns that `to` came after `from` at `timeMs`; called after judging, for events that may be learned. */
export function learnTransition(memory: Memory, offset: number, from: number, to: number, timeMs: number): void {
  fade(memory, offset, timeMs)
  const hash = pairHash(from, to)
  const isNew = raise(memory, offset, hash, pairPrint(hash))
  raiseContext(memory, offset, from, TOTAL)
  if (isNew) {
    raiseContext(memory, offset, from, DISTINCT)
  }
}

function raiseContext(memory: Memory, offset: number, from: number, kind: number): void {
  const hash = mix32(from ^ kind)
  raise(memory, offset, hash, contextPrint(hash, kind))
}

/** Adds one to the count of a fingerprint; whether it was not there before and is now. */
function raise(memory: Memory, offset: number, hash: number, print: number): boolean {
  const entry = find(memory, offset, hash, print)
  if (entry >= 0) {
    if (countAt(memory, entry) === LARGEST) {
      halve(memory, offset, 1)
    }
    memory.u16[entry + 1] = countAt(memory, entry) + 1
    return false
  }
  const place = placeFor(memory, offset, hash)
  if (place < 0) {
    return false
  }
  memory.u16[place] = print
  memory.u16[place + 1] = 1
  return true
}

/** A free entry or that of a pair seen once; otherwise -1, and the least pair counts one less. */
function placeFor(memory: Memory, offset: number, hash: number): number {
  let least = -1
  for (let probe = 0; probe < PROBES; probe += 1) {
    const entry = entryAt(offset, hash, probe)
    const print = memory.u16[entry] as number
    if (print === 0) {
      return entry
    }
    if (print < TOTAL && (least < 0 || countAt(memory, entry) < countAt(memory, least))) {
      least = entry
    }
  }
  if (least < 0 || countAt(memory, least) <= 1) {
    return least
  }
  memory.u16[least + 1] = countAt(memory, least) - 1
  return -1
}

function findContext(memory: Memory, offset: number, from: number, kind: number): number {
  const hash = mix32(from ^ kind)
  return find(memory, offset, hash, contextPrint(hash, kind))
}

/** The index of its entry in words of 16 bits, or -1. Entries are never emptied, so an empty one ends the search. */
function find(memory: Memory, offset: number, hash: number, print: number): number {
  for (let probe = 0; probe < PROBES; probe += 1) {
    const entry = entryAt(offset, hash, probe)
    const held = memory.u16[entry]
    if (held === print) {
      return entry
    }
    if (held === 0) {
      return -1
    }
  }
  return -1
}

/** Four different places, for 319 is divided by none of their distances. */
function entryAt(offset: number, hash: number, probe: number): number {
  const spread = hash >>> 15
  const step = 1 + (Math.floor(spread / ENTRIES) % (ENTRIES - 1))
  return (offset >>> 1) + 2 + 2 * ((spread + probe * step) % ENTRIES)
}

function countAt(memory: Memory, entry: number): number {
  return entry < 0 ? 0 : (memory.u16[entry + 1] as number)
}

function pairHash(from: number, to: number): number {
  return mix32(mix32(from) + to)
}

function pairPrint(hash: number): number {
  return hash & (TOTAL - 1) || 1
}

function contextPrint(hash: number, kind: number): number {
  return (hash & (LARGEST - DISTINCT)) | kind
}

function fade(memory: Memory, offset: number, timeMs: number): void {
  const head = offset >>> 1
  const since = memory.u16[head] as number
  const day = Math.min(LARGEST, Math.floor(timeMs / DAY_MS))
  if (since === 0) {
    memory.u16[head] = day > 0 ? day : 0
    return
  }
  const halvings = Math.floor((day - since) / HALF_LIFE_DAYS)
  if (halvings > 0) {
    halve(memory, offset, Math.min(halvings, MOST_HALVINGS))
    memory.u16[head] = since + halvings * HALF_LIFE_DAYS
  }
}

/** Rounds up: what was seen stays seen, so D, which counts pairs, is right as it is. */
function halve(memory: Memory, offset: number, times: number): void {
  const divisor = 2 ** times
  for (let entry = (offset >>> 1) + 2; entry < (offset + BYTES) >>> 1; entry += 2) {
    if ((memory.u16[entry] as number) < DISTINCT) {
      memory.u16[entry + 1] = Math.ceil(countAt(memory, entry) / divisor)
    }
  }
}
