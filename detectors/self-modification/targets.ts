/** What an agent consists of, as files: which part of it a path is. */
import type { Severity } from '../../schema/finding.ts'

/** What of an agent, or of what watches it, would be changed. */
export type Part =
  | 'instructions'
  | 'tools'
  | 'configuration'
  | 'guardrails'
  | 'memory'
  | 'pipeline'
  | 'permissions'
  | 'monitoring'

export interface PartNature {
  readonly what: string
  readonly severity: Severity
  readonly techniques: readonly string[]
  /** Words by which a user asks for it. */
  readonly asked: RegExp
}

export const PARTS: Readonly<Record<Part, PartNature>> = {
  instructions: {
    what: 'its own instructions',
    severity: 'medium',
    techniques: ['AML.T0081'],
    asked:
      /claude\.md|agents\.md|gemini\.md|cursorrules|copilot-instructions|\brules? files?\b|\binstructions?\b|\bsystem prompt\b|\/init\b/i,
  },
  tools: {
    what: 'the tools it is offered',
    severity: 'high',
    techniques: ['AML.T0081', 'AML.T0018.003'],
    asked: /\bmcp\b|\btools?\b|\bplugins?\b|\bextensions?\b|\bskills?\b/i,
  },
  configuration: {
    what: 'its own configuration',
    severity: 'medium',
    techniques: ['AML.T0081'],
    asked: /\bsettings?\b|\bconfig(?:uration|ure)?\b|\bsub-?agents?\b|\bslash commands?\b|\bskills?\b/i,
  },
  guardrails: {
    what: 'the guardrails around it',
    severity: 'high',
    techniques: ['AML.T0081'],
    asked: /\bhooks?\b|\bpre-?commit\b|\bguard-?rails?\b|\bpermissions?\b|\ballow-?list/i,
  },
  memory: {
    what: 'its own memory',
    severity: 'informational',
    techniques: ['AML.T0080.000'],
    asked: /\bmemor(?:y|ies|ize)\b|\bremember\b|\bfrom now on\b|\bpreferences?\b/i,
  },
  pipeline: {
    what: 'the pipeline that builds and deploys',
    severity: 'medium',
    techniques: ['AML.T0081'],
    asked:
      /\bci\b|\bworkflows?\b|\bpipelines?\b|\bgithub actions?\b|\bgitlab\b|\bjenkins|\bdeploy|\bbuild\b|\brelease\b/i,
  },
  permissions: {
    what: 'permissions, its own or those of others',
    severity: 'high',
    techniques: ['AML.T0081', 'AML.T0121'],
    asked: /\bpermissions?\b|\broles?\b|\biam\b|\baccess\b|\bsudo|\bgrant|\bcodeowners\b|\bssh keys?\b/i,
  },
  monitoring: {
    what: 'what watches it',
    severity: 'high',
    techniques: ['AML.T0081', 'AML.T0121'],
    asked: /\btelltale\b|\bmonitoring\b|\btelemetry\b|\bopen-?telemetry\b|\botel\b|\bcollector\b|\bpolic(?:y|ies)\b/i,
  },
}

/** Whole names of files, in lower case. */
const NAMES: ReadonlyMap<string, Part> = new Map([
  ...entries(
    'instructions',
    'claude.md claude.local.md agents.md agent.md gemini.md .cursorrules .windsurfrules .clinerules .goosehints copilot-instructions.md system_prompt.txt system_prompt.md system-prompt.md system-prompt.txt systemprompt.txt soul.md identity.md',
  ),
  ...entries(
    'tools',
    '.mcp.json mcp.json mcp.yaml mcp_config.json mcp_settings.json cline_mcp_settings.json claude_desktop_config.json',
  ),
  ...entries(
    'guardrails',
    '.pre-commit-config.yaml guardrails.yml guardrails.yaml guardrails.json guardrails.py nemo_guardrails.yml .gitleaks.toml',
  ),
  ...entries('memory', 'memory.md memories.md memory.json memory.jsonl'),
  ...entries(
    'pipeline',
    'jenkinsfile .gitlab-ci.yml .gitlab-ci.yaml azure-pipelines.yml bitbucket-pipelines.yml .travis.yml .drone.yml cloudbuild.yaml buildspec.yml',
  ),
  ...entries('permissions', 'sudoers authorized_keys codeowners'),
  ...entries('monitoring', 'telltale.yml telltale.yaml otel-collector-config.yaml otelcol.yaml otel-collector.yaml'),
])

function entries(part: Part, names: string): readonly (readonly [string, Part])[] {
  return names.split(' ').map((name) => [name, part] as const)
}

/** Folders and patterns, asked in this order where the name alone says nothing. A path is in lower case, with `/`. */
const PLACES: readonly (readonly [RegExp, Part])[] = [
  [
    /(?:^|\/)\.(?:claude|codex|gemini|cursor|copilot|windsurf|continue|cline|roo|opencode)\/(?:.*\/)?(?:hooks?|permissions?)(?:\/|\.|$)/,
    'guardrails',
  ],
  [/(?:^|\/)\.git\/hooks\/|(?:^|\/)\.husky\/|(?:^|\/)\.githooks\//, 'guardrails'],
  [
    /(?:^|\/)\.(?:claude|codex|gemini|cursor|continue|cline|roo|opencode)\/(?:.*\/)?memor(?:y|ies)(?:\/|\.|$)/,
    'memory',
  ],
  [
    /(?:^|\/)\.(?:cursor|windsurf|clinerules|roo|continue)\/rules(?:\/|$)|(?:^|\/)\.clinerules\/|(?:^|\/)prompts?\/system[^/]*$/,
    'instructions',
  ],
  [/(?:^|\/)\.(?:vscode|cursor)\/mcp\.json$/, 'tools'],
  [
    /(?:^|\/)\.(?:claude|codex|gemini|cursor|copilot|windsurf|continue|cline|roo|opencode)(?:\.json$|\/(?!projects\/|todos\/|logs?\/|tmp\/|plans\/|history|shell-snapshots\/|statsig\/|file-history\/|debug\/).)/,
    'configuration',
  ],
  [
    /(?:^|\/)\.github\/(?:workflows|actions)\/|(?:^|\/)\.circleci\/|(?:^|\/)\.buildkite\/|(?:^|\/)\.tekton\//,
    'pipeline',
  ],
  [/^\/etc\/(?:sudoers\.d|polkit-1|security)\/|^\/etc\/(?:passwd|group|shadow)$/, 'permissions'],
  [/(?:^|\/)rules\/policies\/[^/]+\.ya?ml$/, 'monitoring'],
]

/** Whatever a path may be taken for without being it. */
const TESTS = /(?:^|\/)(?:tests?|__tests__|fixtures?|testdata|examples?|node_modules|site-packages|vendor)\//

const PATH_LIMIT = 1024

/** Which part of an agent a path is, however it is written; `undefined` for any other file. */
export function partOf(path: string): Part | undefined {
  const clean = normal(path)
  if (clean === '' || TESTS.test(clean)) {
    return undefined
  }
  const name = clean.slice(clean.lastIndexOf('/') + 1)
  return NAMES.get(name) ?? PLACES.find(([pattern]) => pattern.test(clean))?.[1]
}

/** Quotes, `$HOME`, `~`, back slashes, `./` and `a/../` taken out; lower case. */
function normal(path: string): string {
  if (path.length > PATH_LIMIT) {
    return ''
  }
  const slashed = path
    .trim()
    .replaceAll(/["'`]/g, '')
    .replaceAll('\\', '/')
    .replace(/^(?:\$HOME|\$\{HOME\}|%USERPROFILE%|~[a-z0-9_-]*)(?=\/)/i, '~')
    .replace(/^file:\/\//i, '')
    .toLowerCase()
  const steps: string[] = []
  for (const step of slashed.split('/')) {
    if (step === '..' && steps.length > 0 && steps.at(-1) !== '..') {
      steps.pop()
    } else if (step !== '.' && (step !== '' || steps.length === 0)) {
      steps.push(step)
    }
  }
  return steps.join('/')
}
