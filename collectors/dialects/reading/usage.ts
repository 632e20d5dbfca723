/** What a model call used: its model, provider, tokens and cost. */
import type { Volume } from '../../../schema/telemetry.ts'
import type { AttributeMap } from '../../otlp/records.ts'
import { firstCount, firstLabel, num } from '../../otlp/values.ts'

const MODEL_KEYS = [
  'gen_ai.response.model',
  'gen_ai.request.model',
  'llm.model_name',
  'llm.response.model_name',
  'llm.request.model_name',
  'ai.response.model',
  'ai.model.id',
  'model',
] as const

/** The model that answered, else the one that was asked. */
export function modelOf(attributes: AttributeMap): string | undefined {
  return firstLabel(attributes, MODEL_KEYS)
}

const INPUT_KEYS = [
  'gen_ai.usage.input_tokens',
  'gen_ai.usage.prompt_tokens',
  'llm.token_count.prompt',
  'ai.usage.inputTokens',
  'ai.usage.promptTokens',
  'input_tokens',
  'input_token_count',
] as const

const OUTPUT_KEYS = [
  'gen_ai.usage.output_tokens',
  'gen_ai.usage.completion_tokens',
  'llm.token_count.completion',
  'ai.usage.outputTokens',
  'ai.usage.completionTokens',
  'output_tokens',
  'output_token_count',
] as const

/** Tokens and cost; `undefined` when the record counts none. Cached tokens are left as the provider counts them. */
export function usageOf(attributes: AttributeMap): Volume | undefined {
  const input = firstCount(attributes, INPUT_KEYS)
  const output = firstCount(attributes, OUTPUT_KEYS)
  const cost = num(attributes.get('cost_usd')) ?? num(attributes.get('llm.cost.total'))
  if (input === undefined && output === undefined && cost === undefined) {
    return undefined
  }
  const usage: Volume = {}
  if (input !== undefined) {
    usage.input_tokens = input
  }
  if (output !== undefined) {
    usage.output_tokens = output
  }
  if (cost !== undefined && cost >= 0) {
    usage.cost_usd = cost
  }
  return usage
}
