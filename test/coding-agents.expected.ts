/** The part of `captures.expected.ts` that is about coding agents. */
import type { ExpectedCall, ExpectedCapture } from './expected-capture.ts'

const CLAUDE = { agent: 'claude-code', session: '53c4103e-4e8c-476f-9b21-56a3bb04eb8d' } as const
const CLAUDE_USER = '9c84107392638c91c301c8272b6f4df14924dd5efb8455e957839a0b87da8d98'
const CODEX = { agent: 'codex_exec', session: '01a1ff7d-766e-7310-88b6-00a32e9e30b2' } as const
const COPILOT = { agent: 'github-copilot', session: '26e1212f-9b36-481a-90ea-f5173f392c5e' } as const

const COPILOT_SERVER = '9261ceef0b969e70ac20f1510f07a1e0d8db05f20c75161a2ef43b4eba27a7aa'
const COPILOT_TOOL = `${COPILOT_SERVER}/2c8bf14c3cefa95c364bcb659da536e9c808b51044a5926a8453931984bc33ea`

const bash: ExpectedCall = {
  ...CLAUDE,
  tool: 'Bash',
  callId: 'toolu_fake_01',
  outcome: 'ok',
  arguments: 'echo hello-from-claude',
  destinations: ['localhost:18081'],
  human: CLAUDE_USER,
}
const read: ExpectedCall = {
  ...CLAUDE,
  tool: 'Read',
  callId: 'toolu_fake_02',
  outcome: 'ok',
  arguments: '/home/dev/app/claude/proj/README.md',
  human: CLAUDE_USER,
}
const query: ExpectedCall = {
  ...CLAUDE,
  tool: 'query_customers',
  server: 'crm',
  callId: 'toolu_fake_03',
  outcome: 'ok',
  human: CLAUDE_USER,
}
const failing: ExpectedCall = {
  ...CLAUDE,
  tool: 'Bash',
  callId: 'toolu_fake_04',
  outcome: 'error',
  arguments: 'cat /no/such/file',
  result: 'Shell command failed',
  human: CLAUDE_USER,
}
const write: ExpectedCall = {
  ...CLAUDE,
  tool: 'Write',
  callId: 'toolu_fake_05',
  outcome: 'denied',
  arguments: '/home/dev/app/claude/proj/out.txt',
  human: CLAUDE_USER,
}

/** Claude Code: the result is only in spans, whole arguments and the class of an error only in log records. */
const claudeCode: readonly ExpectedCapture[] = [
  {
    id: 'claude-code-logs',
    files: ['claude-code-logs.json'],
    dialects: ['claude-code'],
    // One call is allowed here; that it ran is said in the next request.
    calls: [],
    others: { agent_invoke: 1, model_call: 1 },
    secrets: [],
  },
  {
    id: 'claude-code-logs-2',
    files: ['claude-code-logs-2.json'],
    dialects: ['claude-code'],
    calls: [
      bash,
      read,
      { ...query, arguments: 'SELECT name,email FROM customers' },
      { ...failing, errorType: 'ShellError' },
    ],
    others: { model_call: 5 },
    secrets: [],
  },
  {
    id: 'claude-code-traces',
    files: ['claude-code-traces.json'],
    dialects: ['claude-code'],
    calls: [
      { ...bash, result: 'hello-from-claude\n{"rate":1.08,"ok":true}' },
      { ...read, result: '# demo project' },
      query,
      failing,
      write,
    ],
    others: { agent_invoke: 1, model_call: 6 },
    secrets: [],
  },
  {
    id: 'claude-code-all',
    files: ['claude-code-logs.json', 'claude-code-logs-2.json', 'claude-code-traces.json'],
    dialects: ['claude-code'],
    calls: [
      { ...bash, arguments: '"description":"Say hello"', result: 'hello-from-claude' },
      { ...read, result: '# demo project' },
      { ...query, arguments: 'SELECT name,email FROM customers' },
      { ...failing, errorType: 'ShellError' },
      write,
    ],
    others: { agent_invoke: 1, model_call: 6 },
    secrets: [],
  },
]

const codex: readonly ExpectedCapture[] = [
  {
    id: 'codex-cli-logs',
    files: ['codex-cli-logs.pb'],
    dialects: ['codex'],
    calls: [
      {
        ...CODEX,
        tool: 'exec_command',
        callId: 'call_fake_2',
        outcome: 'ok',
        arguments: 'echo hello-from-codex && cat README.md',
        result: '# codex demo',
      },
      {
        ...CODEX,
        tool: 'query_customers',
        server: 'crm',
        callId: 'call_mcp_2',
        outcome: 'ok',
        arguments: 'SELECT name,email FROM customers',
        result: '"name":"Ana"',
      },
      {
        // Exported with `success=true`; the exit code stands in the output.
        ...CODEX,
        tool: 'exec_command',
        callId: 'call_fail_2',
        outcome: 'error',
        arguments: 'cat /no/such/file',
        result: 'No such file or directory',
      },
    ],
    others: { agent_invoke: 1, model_call: 2 },
    secrets: ['ana@example.com'],
  },
]

/** Without content capture: no arguments, no results, and hashes for the names of MCP servers and tools. */
const copilot: readonly ExpectedCapture[] = [
  {
    id: 'copilot-cli-default',
    files: ['copilot-cli-default-traces.pb'],
    dialects: ['copilot'],
    calls: [
      { ...COPILOT, tool: 'bash', callId: 'toolu_fake_008', outcome: 'ok' },
      { ...COPILOT, tool: 'view', callId: 'toolu_fake_010', outcome: 'ok' },
      { ...COPILOT, tool: COPILOT_TOOL, server: COPILOT_SERVER, callId: 'toolu_fake_011', outcome: 'ok' },
      { ...COPILOT, tool: 'bash', callId: 'toolu_fake_012', outcome: 'denied', errorType: 'denied' },
      { ...COPILOT, tool: 'view', callId: 'toolu_fake_013', outcome: 'denied', errorType: 'denied' },
    ],
    others: { agent_invoke: 1, model_call: 6 },
    secrets: [],
  },
]

/** Their recordings; taken up by `expectedCaptures`. */
export const codingAgents: readonly ExpectedCapture[] = [...claudeCode, ...codex, ...copilot]
