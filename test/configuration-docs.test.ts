/** `docs/configuration.md` names every setting there is, and none that there is not. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { Settings } from '../settings.ts'

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>
}

/** `a.b` for every setting that has none below it, lists and leaves alike. */
function settings({ properties }: Schema, prefix = ''): string[] {
  return Object.entries(properties ?? {}).flatMap(([key, inner]) =>
    inner.properties === undefined ? [`${prefix}${key}`] : settings(inner, `${prefix}${key}.`),
  )
}

describe('docs/configuration.md', () => {
  const documented = new Set(
    [...readFileSync('docs/configuration.md', 'utf8').matchAll(/`([a-z_]+(?:\.[a-z_]+)?)`/g)].map(([, name]) => name),
  )

  it('names every setting, those of Kafka without their section', () => {
    const isThere = (name: string) =>
      documented.has(name) || documented.has(name.replace(/^bus\.kafka\.|\.mechanism$/g, ''))
    const missing = settings(Settings as Schema).filter((name) => !isThere(name))
    expect(missing).toEqual([])
  })

  it('names no section that there is not', () => {
    const sections = new Set(Object.keys(Settings.properties))
    const dotted = [...documented].filter((name) => name?.includes('.') && !name.startsWith('telltale.'))
    expect(dotted.filter((name) => !sections.has((name as string).split('.')[0] as string))).toEqual([])
  })
})
