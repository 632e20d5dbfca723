/** A coverage report for a terminal of 80 columns. */
import type { Coverage, CoverageStatus, DetectorCoverage } from '../engine/coverage.ts'
import { printable } from '../schema/printable.ts'

const WIDTH = 80
const STATUS: Readonly<Record<CoverageStatus, string>> = {
  covered: 'covered',
  'data-missing': 'data missing',
  blind: 'blind',
}
/** Agents named for one missing need. */
const NAMED = 3

/** @param of what was looked at: `3 agents of the last 7d`. */
export function coverageText({ detectors, techniques }: Coverage, of: string): string {
  const name = Math.max(...detectors.map(({ id }) => id.length)) + 2
  const head = `${'detector'.padEnd(name)}${'status'.padEnd(14)}${'agents'.padEnd(8)}`
  const lines = detectors.flatMap((detector) => [
    `${detector.id.padEnd(name)}${STATUS[detector.status].padEnd(14)}${detector.covered}/${detector.agents}`,
    ...missingOf(detector).flatMap((text) => wrapped(text, '    ')),
  ])
  const rows = techniques.flatMap(({ id, name: title, status, detectors: by }) => [
    ...wrapped(`${id.padEnd(14)} ${STATUS[status].padEnd(13)} ${title}`, ' '.repeat(29)),
    ...wrapped(`by ${by.join(', ')}`, ' '.repeat(29)),
  ])
  return [
    `What telemetry covers: ${of}.`,
    '',
    head.trimEnd(),
    ...lines,
    '',
    `${'technique'.padEnd(14)} ${'status'.padEnd(13)} name`,
    ...rows,
    '',
    ...wrapped(summaryOf({ detectors }), ''),
  ].join('\n')
}

function missingOf({ missing, agents, on }: DetectorCoverage): readonly string[] {
  if (agents === 0) {
    return [`no agent did any of: ${on.join(', ')}`]
  }
  return missing.map(({ needs, agents: lacking, count }) => {
    const shown = lacking.slice(0, NAMED).map((agent) => printable(agent).slice(0, 40))
    const more = count > shown.length ? ` and ${count - shown.length} more` : ''
    return `lacks ${needs.join(' or ')}: ${shown.join(', ')}${more}`
  })
}

function summaryOf({ detectors }: Pick<Coverage, 'detectors'>): string {
  const count = (status: CoverageStatus) => detectors.filter((detector) => detector.status === status).length
  const lacksPolicy = detectors.some(({ missing }) => missing.some(({ needs }) => needs[0]?.startsWith('policy.')))
  const hint = lacksPolicy ? ' telltale learn proposes policies from what agents did.' : ''
  return `${count('covered')} detectors covered, ${count('data-missing')} with data missing, ${count('blind')} blind.${hint}`
}

/** Lines of at most `WIDTH` columns, broken at spaces; every line but one that is too long on its own. */
function wrapped(text: string, indent: string): readonly string[] {
  const lines: string[] = []
  // What begins a line of a table keeps its place.
  let line = text.startsWith('AML.') ? '' : indent
  for (const word of text.split(/(?<= )(?! )/)) {
    if (line.trim() !== '' && line.length + word.trimEnd().length > WIDTH) {
      lines.push(line.trimEnd())
      line = indent
    }
    line += word
  }
  return [...lines, line.trimEnd()]
}
