/** The dialects in the order they are asked, and the one entry through which the collector asks them. */
import type { OtlpRecord } from '../otlp/records.ts'
import { claudeCode } from './claude-code.ts'
import { codex } from './codex.ts'
import { copilot } from './copilot.ts'
import type { Dialect, FragmentDraft } from './dialect.ts'
import { geminiCli } from './gemini-cli.ts'
import { googleAdk } from './google-adk.ts'
import { langsmith } from './langsmith.ts'
import { mcp } from './mcp.ts'
import { openinference } from './openinference.ts'
import { openllmetry } from './openllmetry.ts'
import { otelGenai } from './otel-genai.ts'
import { plainClient } from './plain-client.ts'
import { pydanticAi } from './pydantic-ai.ts'
import { type Stated, statedBy } from './reading/stated.ts'
import { strands } from './strands.ts'
import { unknownSpan } from './unknown-span.ts'
import { vercelAiSdk } from './vercel-ai-sdk.ts'

/**
 * Every dialect. Those that mark each of their records stand first; frameworks that follow the OpenTelemetry
 * names stand before the dialect of those names, and what is left to say of any span stands last.
 */
export const dialects: readonly Dialect[] = [
  langsmith,
  openinference,
  claudeCode,
  codex,
  geminiCli,
  copilot,
  googleAdk,
  mcp,
  openllmetry,
  vercelAiSdk,
  strands,
  pydanticAi,
  otelGenai,
  plainClient,
  unknownSpan,
]

/** What a dialect said, and which one it was. */
export interface Spoken {
  readonly dialect: Dialect
  readonly draft: FragmentDraft
}

/**
 * Lets the first dialect speak that knows the record; `undefined` for log records that are no agent's telemetry. What
 * the agent states itself in `telltale.*` is added whoever speaks. Pure; never throws.
 */
export function speak(record: OtlpRecord): Spoken | undefined {
  for (const dialect of dialects) {
    const draft = record.signal === 'span' ? dialect.span?.(record) : dialect.log?.(record)
    if (draft !== undefined) {
      const stated = statedBy(record)
      return { dialect, draft: stated === undefined ? draft : withStated(draft, stated) }
    }
  }
  return undefined
}

/** Who the agent is, the dialect knows; what it is labelled, the agent. */
function withStated(draft: FragmentDraft, stated: Stated): FragmentDraft {
  return stated.agent === undefined
    ? { ...draft, ...stated }
    : { ...draft, ...stated, agent: { ...draft.agent, ...stated.agent } }
}
