/** How the sanitized parts of a fragment are put together: what is absent stays absent, and lists stay bounded. */
import { LIST_LIMIT } from '../../schema/telemetry.ts'

/** At most `LIST_LIMIT` members that survive `sanitize`; `undefined` when none does. */
export function list<T, U>(
  members: readonly T[] | undefined,
  sanitize: (member: T) => U | undefined,
): NonNullable<U>[] | undefined {
  const kept: NonNullable<U>[] = []
  for (const member of members ?? []) {
    const sane = kept.length < LIST_LIMIT ? sanitize(member) : undefined
    if (sane !== undefined && sane !== null) {
      kept.push(sane)
    }
  }
  return kept.length === 0 ? undefined : kept
}

/** Sets a member unless its value is absent. */
export function assign<T extends object, Key extends keyof T>(target: T, key: Key, value: T[Key] | undefined): void {
  if (value !== undefined) {
    target[key] = value
  }
}
