import { describe, expect, it } from 'vitest'
import { describeDuration, durationMs, writeDuration } from './duration.ts'

describe('durations', () => {
  it.each([
    ['30s', 30_000],
    ['10m', 600_000],
    ['1h', 3_600_000],
    ['7d', 604_800_000],
    ['0s', 0],
  ])('%s is %d ms', (written, ms) => {
    expect(durationMs(written)).toBe(ms)
  })

  it.each([
    [500, '0.5 s'],
    [90_000, '90 s'],
    [600_000, '10 min'],
    [3_600_000, '1 h'],
    [5_400_000, '90 min'],
    [86_400_000, '1 d'],
    [90_000_000, '25 h'],
    [7_776_000_000, '90 d'],
  ])('%d ms is told as %s', (ms, words) => {
    expect(describeDuration(ms)).toBe(words)
  })

  it.each([
    [1, '1s'],
    [61_000, '61s'],
    [121_000, '3m'],
    [7_200_001, '3h'],
    [8_000_000_000, '93d'],
  ])('%d ms fit into %s', (ms, written) => {
    expect(writeDuration(ms)).toBe(written)
    expect(durationMs(written)).toBeGreaterThanOrEqual(ms)
  })
})
