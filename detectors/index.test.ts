import { readdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { detectorContract, historyContract } from './detector.contract.ts'
import { detectors } from './index.ts'

const NOT_DETECTORS = new Set(['detector.ts', 'index.ts', 'arbitrary.ts'])

describe('the list of detectors', () => {
  it('is the folder', () => {
    const files = readdirSync(import.meta.dirname)
      .filter((name) => name.endsWith('.ts') && !/\.(test|contract)\.ts$/.test(name) && !NOT_DETECTORS.has(name))
      .map((name) => name.replace(/\.ts$/, ''))
    expect(detectors.map(({ id }) => id).sort()).toEqual(files.sort())
  })

  historyContract()
})

for (const detector of detectors) {
  detectorContract(detector)
}
