/**
 * Writes `docs/detections.md` from what detectors say of themselves. A test fails when it is stale; run
 * `node dist/detectors/generate.js` after a change.
 */
import { writeFileSync } from 'node:fs'
import { argv } from 'node:process'
import { pathToFileURL } from 'node:url'
import { ALWAYS_GIVEN, GIVEN_FIELDS, STATED_FIELDS } from '../collectors/given-fields.ts'
import { ATLAS_VERSION, technique } from '../schema/atlas.ts'
import type { Need } from '../schema/field-path.ts'
import { owaspName } from '../schema/owasp.ts'
import type { AnyDetector } from './detector.ts'
import { detectors, sessionDetectors } from './index.ts'
import type { AnySessionDetector } from './session-detector.ts'

const HEAD = `# Detections

Generated from the detectors by \`node dist/detectors/generate.js\`: edit \`detectors/*.ts\`, not this page. ATLAS is release
${ATLAS_VERSION}; OWASP is the LLM Top 10 2025 (\`LLM06:2025\`) and the Agentic Top 10 2026 (\`ASI02\`).

A detector is silent where what it *needs* is missing. Fields are those of the telemetry record (\`schema/telemetry.ts\`),
\`policy.tools\` is the section \`tools\` of the policy that governs the agent. *Fed by* names the dialects whose records can carry
all of it, in brackets those that need the agent to state some of it in \`telltale.*\` attributes; records of other dialects in
the same trace add to it, \`plain-client\` above all. What your agents really send, \`telltale coverage\` says.

The severity of a single finding depends on what was seen. \`informational\` is context and pages nobody.
`

type Described = AnyDetector | AnySessionDetector

/** How well a dialect can feed a detector. */
type Feed = 'alone' | 'stated' | 'not'

/** The text of the page. */
export function detectionsPage(list: readonly Described[] = [...detectors, ...sessionDetectors]): string {
  const rows = list.map(({ id, title, kind, severities, techniques }) => {
    const worst = severities.at(-1) ?? ''
    return `| [\`${id}\`](#${id}) | ${title} | ${kind} | up to ${worst} | ${techniques.join(', ')} |`
  })
  const table = ['| id | title | kind | severity | ATLAS |', '|---|---|---|---|---|', ...rows].join('\n')
  return [HEAD, table, '', ...list.map(sectionOf)].join('\n')
}

function sectionOf(detector: Described): string {
  const { id, title, catches, misses, on, needs, uses = [], severities, techniques, owasp, scope } = detector
  const sections = [...needs.flat(), ...uses].filter((need) => need.startsWith('policy.'))
  const rows: readonly (readonly [string, string])[] = [
    ['Operations', on.map(code).join(', ')],
    ['Needs', needs.map(needText).join('; ') || 'nothing beyond the operation'],
    ['Uses, where it is there', uses.map(code).join(', ') || '-'],
    ['Policy sections', sections.map((section) => code(section.slice('policy.'.length))).join(', ') || 'none'],
    ['Severities', severities.join(', ')],
    ['Judges by', SCOPES[scope]],
    ['ATLAS', techniques.map((technique_) => `${technique_} ${technique(technique_)?.title ?? ''}`).join('; ') || '-'],
    ['OWASP', owasp.map((entry) => `${entry} ${owaspName(entry) ?? ''}`).join('; ') || '-'],
    ['Fed by', feedText(detector)],
  ]
  return [
    `## ${id}`,
    '',
    `${title}.`,
    '',
    `**Catches:** ${catches}`,
    '',
    `**Misses:** ${misses}`,
    '',
    '| | |',
    '|---|---|',
    ...rows.map(([name, text]) => `| ${name} | ${text.replaceAll('|', '\\|')} |`),
    '',
  ].join('\n')
}

const SCOPES: Readonly<Record<Described['scope'], string>> = {
  none: 'the event alone',
  agent: 'the event and what is remembered of its agent',
  session: 'the event and what is remembered of its agent in this session',
  'whole-session': 'marks and findings of a whole session, over all its agents',
}

const code = (text: string) => `\`${text}\``

function needText(need: Need | readonly Need[]): string {
  return (typeof need === 'string' ? [need] : need).map(code).join(' or ')
}

function feedText(detector: Described): string {
  const feeds = [...GIVEN_FIELDS.keys()].map((dialect) => [dialect, feedOf(dialect, detector)] as const)
  const names = (wanted: Feed) => feeds.flatMap(([dialect, feed]) => (feed === wanted ? [code(dialect)] : []))
  const alone = names('alone')
  const stated = names('stated')
  return [...alone, ...(stated.length === 0 ? [] : [`[${stated.join(', ')}]`])].join(', ') || 'none yet'
}

/** Attributes are whatever the emitter sends. */
function feedOf(dialect: string, { on, needs }: Pick<AnyDetector, 'on' | 'needs'>): Feed {
  const given = on.flatMap((operation) => GIVEN_FIELDS.get(dialect)?.[operation] ?? [])
  if (given.length === 0) {
    return 'not'
  }
  const met = (fields: readonly string[]) => (need: Need | readonly Need[]) =>
    [need].flat().some((name) => name.startsWith('policy.') || name.startsWith('attributes.') || fields.includes(name))
  const alone = [...given, ...ALWAYS_GIVEN]
  return needs.every(met(alone)) ? 'alone' : needs.every(met([...alone, ...STATED_FIELDS])) ? 'stated' : 'not'
}

if (argv[1] !== undefined && import.meta.url === pathToFileURL(argv[1]).href) {
  writeFileSync('docs/detections.md', detectionsPage())
}
