/** Causes: what groups the findings of a session into one alert. */
import { idOf } from '../../schema/ids.ts'
import { quoteName } from '../../schema/quote-name.ts'

/**
 * A cause made of a fixed word and of names that an agent chose: readable, and different for different names however
 * long they are.
 */
export function causeOf(word: string, name: string, ...more: readonly string[]): string {
  return `${word}:${quoteName(name)}:${idOf(name, ...more).slice(0, 16)}`
}
