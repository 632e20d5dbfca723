/**
 * Detection quality on labelled data: `npm run bench:quality -- --data ../shared/data/evaluation [--markdown]`.
 *
 * Texts go through the whole pipeline as telemetry; with `--direct` the detector alone is asked, which is faster.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { allowListTable, hasAllowListData, measureAllowLists } from './allow-lists.ts'
import { measureCommands } from './command-quality.ts'
import { measureContent } from './content-quality.ts'
import { measureHosts } from './host-quality.ts'
import {
  hasInjectionData,
  judgeResultsByPipeline,
  judgeResultsDirectly,
  measureInjection,
} from './injection-quality.ts'
import { measureSessions } from './session-quality.ts'
import {
  judgeByPipeline,
  judgeDirectly,
  measureOverlap,
  measureTexts,
  measureTrajectories,
  type QualityRow,
} from './text-quality.ts'

/** The Wilson score interval at 95 %, as shares. */
export function wilson(hits: number, total: number): readonly [number, number] {
  if (total === 0) {
    return [0, 1]
  }
  const z = 1.96
  const share = hits / total
  const scale = 1 + (z * z) / total
  const middle = share + (z * z) / (2 * total)
  const half = z * Math.sqrt((share * (1 - share)) / total + (z * z) / (4 * total * total))
  return [Math.max(0, (middle - half) / scale), Math.min(1, (middle + half) / scale)]
}

const percent = (share: number) => (100 * share).toFixed(1)

function cells(row: QualityRow): string[] {
  const [low, high] = wilson(row.flagged, row.total)
  return [
    row.source,
    `${row.flagged}/${row.total}`,
    `${percent(row.flagged / Math.max(1, row.total))} %`,
    `${percent(low)} to ${percent(high)}`,
    row.naive === undefined ? '' : `${percent(row.naive / Math.max(1, row.total))} %`,
  ]
}

const HEADER = ['source', 'flagged', 'share', '95 % interval', 'naive list']

/** The rows as a table per group: aligned text, or Markdown. */
export function renderQuality(rows: readonly QualityRow[], markdown: boolean): string {
  const groups = groupRows(rows)
  return [...groups]
    .map(([group, members]) => {
      const lines = [HEADER, ...members.map(cells)]
      if (markdown) {
        const [head = [], ...body] = lines.map((line) => `| ${line.join(' | ')} |`)
        return `### ${group}\n\n${head}\n|---|---:|---:|---:|---:|\n${body.join('\n')}\n`
      }
      const widths = HEADER.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? '').length)))
      return `${group}\n${lines.map((line) => `  ${line.map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join('  ')}`).join('\n')}\n`
    })
    .join('\n')
}

function groupRows(rows: readonly QualityRow[]): Map<string, QualityRow[]> {
  const groups = new Map<string, QualityRow[]>()
  for (const row of rows) {
    groups.set(row.group, [...(groups.get(row.group) ?? []), row])
  }
  return groups
}

/** Prints every table. Exits 2 when the data is not there. */
export async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: { data: { type: 'string' }, markdown: { type: 'boolean' }, direct: { type: 'boolean' } },
  })
  const data = values.data ?? process.env.TELLTALE_DATA ?? '../shared/data/evaluation'
  if (!existsSync(join(data, 'text'))) {
    console.error(`no labelled texts under ${data}: give --data DIR`)
    return 2
  }
  const judge = values.direct === true ? judgeDirectly : judgeByPipeline
  const rows = [
    ...measureTexts(data, judge),
    ...measureOverlap(data),
    ...measureTrajectories(data),
    ...measureCommands(data),
    ...measureHosts(data),
    ...measureContent(data),
    ...(await measureSessions(data)),
    ...(hasInjectionData(data)
      ? measureInjection(data, values.direct === true ? judgeResultsDirectly : judgeResultsByPipeline)
      : []),
  ]
  console.log(renderQuality(rows, values.markdown === true))
  if (hasAllowListData(data)) {
    console.log(
      `${values.markdown === true ? '### ' : ''}allow-lists as policies\n\n${allowListTable(measureAllowLists(data))}`,
    )
  }
  return 0
}

if (import.meta.url === `file://${process.argv[1]}`) {
  process.exitCode = await main(process.argv.slice(2))
}
