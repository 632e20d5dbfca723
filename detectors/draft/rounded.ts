/** A score or share as findings show it: with three decimals. */
export function rounded(value: number): number {
  return Math.round(value * 1000) / 1000
}
