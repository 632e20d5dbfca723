/**
 * The risk of an agent: evidence summed, of which half is forgotten each day, R <- R 2^(-dt / 24 h) + e. Many small
 * signs within a day weigh what one large sign does (risk-based alerting; an EWMA of evidence, Roberts 1959).
 *
 * Misses: how the signs are related. Ten alerts of one cause count as ten, so evidence is combined (`evidence.ts`)
 * before it comes here; and signs a week apart hardly meet.
 */

import { remaining } from './decay.ts'
import { secondOf } from './event-time.ts'
import type { Block, Memory } from './memory.ts'

const HALF_LIFE_MS = 24 * 3600 * 1000
/** No agent is riskier: keeps sums finite. */
const MOST_RISK = 1e6

/** f32 risk at a time, u32 that time in seconds. */
export const riskBlock: Block = { name: 'risk', version: 1, bytes: 8 }

/** The risk at a time, never negative; at an earlier time than that of the last evidence, the risk then. */
export function riskAt(memory: Memory, at: number, timeMs: number): number {
  const index = at >> 2
  return remaining(memory.f32[index] as number, timeMs - (memory.u32[index + 1] as number) * 1000, HALF_LIFE_MS)
}

/**
 * Adds evidence (decimal digits, at least 0) of a time and returns the risk after it. Late evidence counts as what
 * would have remained of it, so the order of arrival does not matter. Evidence that is no number counts as none.
 */
export function addRisk(memory: Memory, at: number, timeMs: number, evidence: number): number {
  const index = at >> 2
  const seconds = secondOf(timeMs)
  if (!(evidence > 0) || Number.isNaN(timeMs)) {
    return memory.f32[index] as number
  }
  const last = memory.u32[index + 1] as number
  const before = remaining(memory.f32[index] as number, (seconds - last) * 1000, HALF_LIFE_MS)
  const added = remaining(evidence, (last - seconds) * 1000, HALF_LIFE_MS)
  memory.f32[index] = Math.min(before + added, MOST_RISK)
  memory.u32[index + 1] = Math.max(last, seconds)
  return memory.f32[index] as number
}
