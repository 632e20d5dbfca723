/** `docs/configuration.md` names every setting there is, and none that there is not. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { loadConfig } from '../config.ts'

/** `a.b` for every setting with a default, lists and leaves alike. */
function settings(value: object, prefix = ''): string[] {
  return Object.entries(value).flatMap(([key, inner]) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? settings(inner, `${prefix}${key}.`)
      : [`${prefix}${key}`],
  )
}

describe('docs/configuration.md', () => {
  const documented = new Set(
    [...readFileSync('docs/configuration.md', 'utf8').matchAll(/`([a-z_]+(?:\.[a-z_]+)?)`/g)].map(([, name]) => name),
  )

  it('names every setting', () => {
    const missing = settings(loadConfig(undefined, {})).filter((name) => !documented.has(name))
    expect(missing).toEqual([])
  })

  it('names no section that there is not', () => {
    const sections = new Set(Object.keys(loadConfig(undefined, {})))
    const dotted = [...documented].filter((name) => name?.includes('.') && !name.startsWith('telltale.'))
    expect(dotted.filter((name) => !sections.has((name as string).split('.')[0] as string))).toEqual([])
  })
})
