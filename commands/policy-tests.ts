/** Runs the tests inside policy files through the real detectors, as `telltale check` does. */
import { detectors } from '../detectors/index.ts'
import { nearest } from '../rules/suggestion.ts'
import type { PolicyTest } from '../rules/tests.ts'
import type { Problem } from '../schema/errors.ts'

/** What a detector said of a test's event. */
interface Said {
  readonly detector: string
  readonly reason: string
}

/** The tests that fail, as problems with file and line: what was expected, and what each detector said instead. */
export function failedTests(tests: readonly PolicyTest[]): readonly Problem[] {
  return tests.flatMap((test) => {
    const { file, line, name, expect } = test
    const unknown = expect.filter((id) => !detectors.some((detector) => detector.id === id))
    if (unknown.length > 0) {
      const ids = detectors.map(({ id }) => id)
      const meant = nearest(unknown[0] ?? '', ids)
      const suggestion = meant === undefined ? `detectors: ${ids.join(', ')}` : `did you mean '${meant}'?`
      return [{ file, line, message: `test '${name}': there is no detector '${unknown[0]}'`, suggestion }]
    }
    const said = judge(test)
    const spoken = new Set(said.map(({ detector }) => detector))
    return expect.length === spoken.size && expect.every((id) => spoken.has(id))
      ? []
      : [{ file, line, message: `test '${name}': expected ${expectation(expect)}, but ${spokenText(said)}` }]
  })
}

/** Every detector, without a history. What is informational is for reading, and no answer. */
function judge({ event, policy }: PolicyTest): readonly Said[] {
  return detectors
    .filter(({ on }) => on.includes(event.operation))
    .flatMap((detector) =>
      detector
        .check(event, detector.initial(), { policy })
        .filter(({ severity }) => severity !== 'informational')
        .map(({ reason }) => ({ detector: detector.id, reason })),
    )
}

function expectation(expect: readonly string[]): string {
  return expect.length === 0 ? 'it to be allowed' : `${expect.join(' and ')} to speak`
}

function spokenText(said: readonly Said[]): string {
  return said.length === 0
    ? 'no detector said anything'
    : said.map(({ detector, reason }) => `${detector} says: ${reason}`).join(' ')
}
