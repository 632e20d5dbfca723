import { describe, expect, it } from 'vitest'
import { partOf } from './targets.ts'

describe('the part of an agent that a path is', () => {
  it.each([
    ['CLAUDE.md', 'instructions'],
    ['/repo/docs/../AGENTS.md', 'instructions'],
    ["'./.cursor/rules/style.mdc'", 'instructions'],
    ['C:\\Users\\sam\\repo\\.github\\copilot-instructions.md', 'instructions'],
    ['prompts/system_main.txt', 'instructions'],
    ['.mcp.json', 'tools'],
    ['$HOME/Library/Application Support/Claude/claude_desktop_config.json', 'tools'],
    ['.vscode/mcp.json', 'tools'],
    ['~/.claude/settings.local.json', 'configuration'],
    ['~/.codex/config.toml', 'configuration'],
    ['.claude/agents/reviewer.md', 'configuration'],
    ['.claude/hooks/pre-tool.sh', 'guardrails'],
    ['repo/.git/hooks/pre-commit', 'guardrails'],
    ['.husky/pre-push', 'guardrails'],
    ['~/.claude/projects/x/memory/MEMORY.md', 'memory'],
    ['.github/workflows/release.yml', 'pipeline'],
    ['.gitlab-ci.yml', 'pipeline'],
    ['/etc/sudoers.d/agent', 'permissions'],
    [`$${'{HOME}'}/.ssh/authorized_keys`, 'permissions'],
    ['rules/policies/coding-agent.yml', 'monitoring'],
    ['/etc/telltale/telltale.yml', 'monitoring'],
  ])('of %s is %s', (path, part) => {
    expect(partOf(path)).toBe(part)
  })

  it.each([
    'README.md',
    'src/claude.ts',
    'docs/memory-model.md',
    'src/prompts/greeting.ts',
    '~/.claude/projects/x/session.jsonl',
    '~/.claude/todos/1.json',
    'tests/fixtures/CLAUDE.md',
    'node_modules/pkg/.github/workflows/ci.yml',
    '.gitignore',
    'github/workflows.md',
    '',
    'x'.repeat(5000),
  ])('is none of %s', (path) => {
    expect(partOf(path)).toBeUndefined()
  })
})
