/**
 * What the recorded requests of real agents must come out as: every tool call once, with who made it, where, how it
 * ended and what it was given and gave. Written by reading the requests, never from what the code made of them.
 *
 * Only names, ids and short snippets stand here; the requests themselves are not part of the project.
 */
import { codingAgents } from './coding-agents.expected.ts'
import type { ExpectedCall, ExpectedCapture } from './expected-capture.ts'

const ADK = { agent: 'crm_agent', session: '9c139abe-69c4-49cf-bd58-9b592ff00eb7' } as const
const LANGCHAIN = { agent: 'support-agent', session: 'sess_meta', human: 'user_123' } as const
const NODE = { agent: 'agent-42', session: 'conv-1', human: 'user_123' } as const
const TRAVEL = { agent: 'travel-desk', session: 'sess_456', human: 'user_123' } as const

// Neither the client's spans nor its root name a session: the trace is the session then.
const MCP = { agent: 'crm-mcp', session: 'f79b89017bc6dd33396cd16a54a8102c' } as const
const OPENAI = { agent: 'crm-bot', session: 'b9f20f035c187ec8754e1721c0f313d3' } as const
const OPENAI_AGENTS = { agent: 'crm-agent', session: '502640933d196108b26a6bbef58924f5' } as const

const frameworks: readonly ExpectedCapture[] = [
  {
    id: 'google-adk',
    files: ['google-adk-traces.json'],
    dialects: ['google-adk'],
    calls: [
      {
        ...ADK,
        tool: 'query_customers',
        callId: 'adk-1',
        outcome: 'ok',
        arguments: 'SELECT 1',
        result: '"name":"Ana"',
      },
      {
        // Its span has a name and nothing else: id and arguments stand in the model's answer, the error in a sibling.
        ...ADK,
        tool: 'drop_table',
        callId: 'adk-2',
        outcome: 'error',
        arguments: '"table":"audit"',
        result: 'permission denied',
      },
      {
        ...ADK,
        tool: 'query_customers',
        callId: 'adk-3',
        outcome: 'ok',
        arguments: 'SELECT 2',
        result: '"name":"Ana"',
      },
    ],
    others: { agent_invoke: 1, model_call: 3 },
    secrets: [],
  },
  {
    id: 'langchain-openinference-grpc',
    files: ['langchain-openinference-grpc-traces.pb'],
    dialects: ['openinference'],
    calls: [
      {
        ...LANGCHAIN,
        tool: 'query_customers',
        callId: 'call_1',
        outcome: 'ok',
        arguments: 'SELECT * FROM customers',
        result: '[{"name":"Ana"},{"name":"Bo"}]',
      },
      {
        ...LANGCHAIN,
        tool: 'drop_table',
        callId: 'call_2',
        outcome: 'error',
        arguments: 'audit',
        result: 'permission denied for audit',
      },
    ],
    others: { agent_invoke: 1, model_call: 3, retrieval: 1 },
    secrets: [],
  },
  {
    id: 'openai-agents-openinference',
    files: ['openai-agents-openinference-traces.pb'],
    dialects: ['openinference'],
    calls: [
      {
        // The tool's span has no call id; the model that asked for the call does.
        ...OPENAI_AGENTS,
        tool: 'query_customers',
        callId: 'call_fake_1',
        outcome: 'ok',
        arguments: '"sql":"SELECT 1"',
        result: '[{"name":"Ana"}]',
      },
    ],
    others: { agent_invoke: 2, model_call: 2 },
    secrets: [],
  },
  {
    id: 'strands-default',
    files: ['strands-default-traces.json'],
    dialects: ['strands'],
    calls: [
      {
        agent: 'crm-agent',
        session: 'sess_456',
        human: 'user_123',
        tool: 'query_customers',
        callId: 'call_VSPygqKTWdrhaFErNvMV18Yl',
        outcome: 'ok',
        arguments: "FROM customers WHERE region = 'EU' LIMIT 2",
        result: '"name":"Ana"',
      },
    ],
    others: { agent_invoke: 1, model_call: 2 },
    secrets: [],
  },
  {
    id: 'vercel-ai-sdk7',
    files: ['vercel-ai-sdk7-otel-traces.pb'],
    dialects: ['plain-client', 'vercel-ai-sdk'],
    calls: [
      {
        ...TRAVEL,
        tool: 'query_customers',
        callId: 'call_1',
        outcome: 'ok',
        arguments: "SELECT name,email FROM customers WHERE region='EU'",
        result: '"name":"Ana"',
      },
      {
        ...TRAVEL,
        tool: 'fetch_rate',
        callId: 'call_2',
        outcome: 'ok',
        arguments: '"currency":"EUR"',
        result: '{"rate":1.08,"ok":true}',
        destinations: ['localhost:18080'],
      },
      {
        ...TRAVEL,
        tool: 'delete_rows',
        callId: 'call_3',
        outcome: 'error',
        errorType: 'Error',
        arguments: '"table":"audit"',
        result: 'permission denied for table audit',
      },
    ],
    others: { agent_invoke: 1, model_call: 4 },
    secrets: ['ana@example.com', 'bo@example.com'],
  },
]

const mcp: readonly ExpectedCapture[] = [
  {
    id: 'mcp-traceloop',
    files: ['mcp-traceloop-traces.pb'],
    dialects: ['openllmetry', 'unknown-span'],
    calls: [
      { ...MCP, tool: 'query_customers', outcome: 'ok', arguments: 'SELECT 1', result: '[{"name":"Ana"}]' },
      {
        ...MCP,
        tool: 'drop_table',
        outcome: 'error',
        errorType: 'tool_error',
        arguments: '"table":"audit"',
        result: 'permission denied',
      },
    ],
    // A resource that was read, and a list of tools with their descriptions.
    others: { retrieval: 1, config_change: 1 },
    secrets: [],
  },
]

const nodeCalls: readonly ExpectedCall[] = [
  {
    ...NODE,
    tool: 'query_customers',
    callId: 'call_query_customers',
    outcome: 'ok',
    arguments: '"region":"EU"',
    result: '"name":"Ana"',
    destinations: ['127.0.0.1:25432'],
    datasets: ['postgresql/postgres/customers'],
  },
  {
    ...NODE,
    tool: 'fetch_rate',
    callId: 'call_fetch_rate',
    outcome: 'ok',
    arguments: '"currency":"EUR"',
    result: '{"rate":1.08,"ok":true}',
    destinations: ['localhost:18080'],
  },
  {
    ...NODE,
    tool: 'upload_report',
    callId: 'call_upload_report',
    outcome: 'ok',
    arguments: 'http://localhost:18080/ext/upload',
    result: '{"status":200}',
    destinations: ['localhost:18080'],
  },
  {
    ...NODE,
    tool: 'drop_audit',
    callId: 'call_drop_audit',
    outcome: 'error',
    errorType: 'error',
    arguments: '"table":"audit"',
    result: 'table "audit" does not exist',
    destinations: ['127.0.0.1:25432'],
    // Named in its arguments, and in full by the query below it.
    datasets: ['audit', 'postgresql/postgres/audit'],
  },
]

const transports: readonly ExpectedCapture[] = [
  {
    id: 'node-db-http-egress',
    files: ['node-db-http-egress-traces.pb'],
    dialects: ['otel-genai', 'plain-client'],
    calls: nodeCalls,
    // Two statements ran outside of any tool.
    others: { agent_invoke: 1, retrieval: 2 },
    secrets: ['api_key=SECRET', 'SECRET', 'ana@example.com', '000-00-0000'],
  },
]

/** The OpenAI instrumentation makes no tool spans: its one call stands in the messages of the model calls. */
const requested: ExpectedCall = {
  ...OPENAI,
  tool: 'query_customers',
  callId: 'call_VSPygqKTWdrhaFErNvMV18Yl',
  outcome: 'ok',
  arguments: "FROM customers WHERE region = 'EU' LIMIT 2",
  result: '[{"name":"Ana"}]',
}

const openai: readonly ExpectedCapture[] = [
  {
    id: 'openai-instrumentation-logs',
    files: ['openai-instrumentation-logs.pb'],
    dialects: ['otel-genai'],
    calls: [requested],
    others: {},
    secrets: [],
  },
  {
    id: 'openai-instrumentation-traces',
    files: ['openai-instrumentation-traces.pb'],
    dialects: ['otel-genai', 'plain-client', 'unknown-span'],
    calls: [],
    // Every HTTP request here is the transport of a model call.
    others: { model_call: 7 },
    secrets: [],
  },
  {
    id: 'openai-instrumentation-all',
    files: ['openai-instrumentation-traces.pb', 'openai-instrumentation-logs.pb'],
    dialects: ['otel-genai', 'plain-client', 'unknown-span'],
    calls: [requested],
    others: { model_call: 7 },
    secrets: [],
  },
]

/** All of them, for tests to go through. */
export const expectedCaptures: readonly ExpectedCapture[] = [
  ...codingAgents,
  ...frameworks,
  ...mcp,
  ...transports,
  ...openai,
]

/** Every request once: some recordings are told twice, alone and together with the other signal of the same session. */
export const wholeRecordings: readonly ExpectedCapture[] = expectedCaptures.filter(
  ({ files: own }) =>
    !expectedCaptures.some(({ files }) => files.length > own.length && own.every((file) => files.includes(file))),
)
