/** Imports run one way. This table is the only copy of the rule. */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { describe, expect, it } from 'vitest'

/** Folder -> what it may import from the project, as path prefixes. Test and contract files may import anything. */
const layers: Record<string, readonly string[]> = {
  schema: ['schema/'],
  'detectors/profile': ['detectors/profile/'],
  rules: ['schema/', 'rules/'],
  detectors: ['schema/', 'detectors/', 'rules/'],
  collectors: ['schema/', 'collectors/'],
  alerts: ['schema/', 'alerts/'],
  store: ['schema/', 'store/'],
  // Interfaces only, never a concrete dialect, detector or sink.
  engine: [
    'schema/',
    'engine/',
    'rules/policy.ts',
    'detectors/detector.ts',
    'detectors/session-detector.ts',
    'detectors/marks/mark.ts',
    'collectors/collector.ts',
    'collectors/kafka/otlp-topic.ts',
    'alerts/sinks/sink.ts',
    'alerts/delivery.ts',
    'store/store.ts',
  ],
  replay: ['schema/', 'engine/', 'store/', 'replay/'],
  api: ['schema/', 'engine/', 'store/', 'api/'],
}

const isTest = (file: string) =>
  /\.(test|contract)\.ts$|(^|\/)(arbitrary|generate)\.ts$|^detectors\/examples\//.test(file)

function sources(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((name) => name.endsWith('.ts') && !isTest(name))
}

function importsOf(file: string): string[] {
  const text = readFileSync(file, 'utf8')
  return [...text.matchAll(/(?:from|import)\s*\(?\s*['"](\.{1,2}\/[^'"]+)['"]/g)].map(([, path]) =>
    normalize(join(dirname(file), path as string)),
  )
}

describe('layers', () => {
  for (const [folder, allowed] of Object.entries(layers)) {
    it(`${folder} imports only ${allowed.join(', ')}`, () => {
      const files = sources(folder).filter((file) => folder !== 'detectors' || !file.startsWith('detectors/profile/'))
      const wrong = files.flatMap((file) =>
        importsOf(file)
          .filter((path) => !allowed.some((prefix) => path.startsWith(prefix)))
          .map((path) => `${file} imports ${path}`),
      )
      expect(wrong).toEqual([])
    })
  }

  it('reads real imports', () => {
    expect(importsOf('engine/records.ts')).toContain('schema/fragment.ts')
  })
})
