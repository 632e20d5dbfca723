/** `docs/decisions`: each decision has a number of its own, and is where others say it is. */
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

const names = readdirSync('docs/decisions').sort()

/** Everything that may name a decision. */
const texts = readdirSync('.', { recursive: true, encoding: 'utf8' })
  .filter((path) => /\.(ts|md|yml)$/.test(path) && !/(^|\/)(node_modules|dist|data)\//.test(path))
  .map((path) => readFileSync(path, 'utf8'))

describe('decisions', () => {
  it('are numbered from 1 on, each by a number of its own, which its title repeats', () => {
    const titles = names.map((name) => /^# (?:0*)(\d+)[.:] /.exec(readFileSync(`docs/decisions/${name}`, 'utf8'))?.[1])
    expect(names.map((name) => Number(name.slice(0, 4)))).toEqual(names.map((_, index) => index + 1))
    expect(titles.map(Number)).toEqual(names.map((_, index) => index + 1))
  })

  it('are where they are named', () => {
    const named = new Set(texts.flatMap((text) => text.match(/\b\d{4}-[a-z-]+\.md\b/g) ?? []))
    expect([...named].filter((name) => !names.includes(name))).toEqual([])
    expect(named.size).toBeGreaterThan(0)
  })
})
