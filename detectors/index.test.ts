import { readdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { detectorContract, historyContract } from './detector.contract.ts'
import type { DetectorExample } from './examples/example.ts'
import { detectors, sessionDetectors } from './index.ts'
import { sessionDetectorContract } from './session-detector.contract.ts'

const NOT_DETECTORS = new Set(['detector.ts', 'session-detector.ts', 'index.ts', 'arbitrary.ts', 'generate.ts'])

const examples = await Promise.all(
  detectors.map(async (detector) => {
    const { example } = (await import(`./examples/${detector.id}.ts`)) as { readonly example: DetectorExample }
    return { detector, example }
  }),
)

describe('the list of detectors', () => {
  it('is the folder', () => {
    const files = readdirSync(import.meta.dirname)
      .filter((name) => name.endsWith('.ts') && !/\.(test|contract)\.ts$/.test(name) && !NOT_DETECTORS.has(name))
      .map((name) => name.replace(/\.ts$/, ''))
    expect([...detectors, ...sessionDetectors].map(({ id }) => id).sort()).toEqual(files.sort())
  })

  historyContract(examples.map(({ example }) => example))
})

for (const { detector, example } of examples) {
  detectorContract(detector, example)
}

for (const detector of sessionDetectors) {
  sessionDetectorContract(detector)
}
