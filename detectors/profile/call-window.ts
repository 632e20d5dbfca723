/**
 * The last calls of a session, over which surprise and repetition are judged: what came before, how surprising the last
 * four were, how often the same call has come again, and how often two calls have taken turns.
 *
 * One block for each open session, kept by whoever keeps sessions. Pushed to for every call, learned or not.
 *
 * Misses: cycles of three and more; loops with something else in between (a call for the time, a thought).
 */
import type { Block, Memory } from './memory.ts'
import { SESSION_START } from './transitions.ts'

/** 32 bytes: the last two calls u32, repetitions u16, turns u16, calls u16, spare u16, the last four surprises f32. */
export const callWindow: Block = { name: 'call-window', version: 1, bytes: 32 }

const [PREVIOUS, BEFORE_PREVIOUS] = [0, 1]
const [REPETITIONS, TURNS, CALLS] = [4, 5, 6]
const SURPRISES = 4
/** Over how many calls the surprise is averaged. */
const WINDOW_CALLS = 4
const LARGEST = 0xffff

/** The call before the one to come; `SESSION_START` when there is none. */
export function previousCall(memory: Memory, offset: number): number {
  return callsAt(memory, offset) === 0 ? SESSION_START : (memory.u32[(offset >>> 2) + PREVIOUS] as number)
}

/** Adds a call (u32 hash) and how surprising it was after `previousCall`, in bits. */
export function pushCall(memory: Memory, offset: number, call: number, surpriseBits: number): void {
  const [words, halves] = [offset >>> 2, offset >>> 1]
  const calls = callsAt(memory, offset)
  const hash = call >>> 0
  const isSame = calls >= 1 && memory.u32[words + PREVIOUS] === hash
  const isTurn = calls >= 2 && !isSame && memory.u32[words + BEFORE_PREVIOUS] === hash
  memory.u16[halves + REPETITIONS] = isSame ? more(memory.u16[halves + REPETITIONS] as number) : 0
  memory.u16[halves + TURNS] = isTurn ? more(memory.u16[halves + TURNS] as number) : 0
  memory.u32[words + BEFORE_PREVIOUS] = memory.u32[words + PREVIOUS] as number
  memory.u32[words + PREVIOUS] = hash
  // After the last number comes one that goes on with the places in order, the window still full.
  memory.u16[halves + CALLS] = calls === LARGEST ? LARGEST + 1 - WINDOW_CALLS : calls + 1
  memory.f32[words + SURPRISES + (calls % WINDOW_CALLS)] = surpriseBits > 0 ? surpriseBits : 0
}

/** The mean surprise of the last four calls in bits, or of all that the session has; 0 before the first. */
export function meanSurpriseBits(memory: Memory, offset: number): number {
  const first = (offset >>> 2) + SURPRISES
  let sum = 0
  for (let place = first; place < first + WINDOW_CALLS; place += 1) {
    sum += memory.f32[place] as number
  }
  return sum / Math.max(1, Math.min(WINDOW_CALLS, callsAt(memory, offset)))
}

/** How often the last call had come just before: 0 for a call that is not repeated. At most 65,535. */
export function repetitions(memory: Memory, offset: number): number {
  return memory.u16[(offset >>> 1) + REPETITIONS] as number
}

/** How many calls in a row were the one before the previous one and not the previous: x y x y is 2. At most 65,535. */
export function turns(memory: Memory, offset: number): number {
  return memory.u16[(offset >>> 1) + TURNS] as number
}

function callsAt(memory: Memory, offset: number): number {
  return memory.u16[(offset >>> 1) + CALLS] as number
}

function more(count: number): number {
  return Math.min(LARGEST, count + 1)
}
