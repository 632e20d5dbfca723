/**
 * How an operation ended. A span status of OK is not success: exporters set it on failed runs, leave it unset on
 * errors, and put the truth in an attribute, an event or the text of a result.
 */
import type { EventOutcome } from '../../../schema/telemetry.ts'
import type { AttributeMap, Span } from '../../otlp/records.ts'
import { bool, cutText, firstLabel, firstText, num } from '../../otlp/values.ts'

/** An end that is not success, with the class of the error and its message where they are known. */
export interface Ending {
  readonly outcome: EventOutcome
  readonly error_type?: string
  readonly message?: string
}

const DENIED =
  /denied|forbidden|unauthori[sz]ed|unauthenticated|permission_?error|not_?allowed|rejected|cancelled_by_user|user_cancelled/i
const TIMEOUT = /timed?[ _-]?out|deadline/i
const RATE_LIMITED = /rate[_-]?limit|too_?many_?requests|throttl|quota|resource_?exhausted|overloaded/i
const REFUSED =
  /content[_-]?filter|refusal|refused_by|guardrail|safety|content[_-]?policy|prohibited[_-]?content|blocklist/i

/** What the name of an error class or code says: never its message, which a tool may have written. */
export function outcomeOfError(errorType: string | undefined): EventOutcome {
  if (errorType === undefined || errorType.length > 200) {
    return 'error'
  }
  const named = OF_CODE.get(errorType)
  if (named !== undefined) {
    return named
  }
  if (TIMEOUT.test(errorType)) {
    return 'timeout'
  }
  if (RATE_LIMITED.test(errorType)) {
    return 'rate_limited'
  }
  if (DENIED.test(errorType)) {
    return 'denied'
  }
  return REFUSED.test(errorType) ? 'refused' : 'error'
}

/** HTTP status codes, gRPC status names, JSON-RPC codes (MCP SDKs answer -32001 when a request times out). */
const OF_CODE: ReadonlyMap<string, EventOutcome> = new Map<string, EventOutcome>([
  ['401', 'denied'],
  ['403', 'denied'],
  ['407', 'denied'],
  ['408', 'timeout'],
  ['429', 'rate_limited'],
  ['504', 'timeout'],
  ['529', 'rate_limited'],
  ['-32001', 'timeout'],
  ['DEADLINE_EXCEEDED', 'timeout'],
  ['RESOURCE_EXHAUSTED', 'rate_limited'],
  ['PERMISSION_DENIED', 'denied'],
  ['UNAUTHENTICATED', 'denied'],
  ['ETIMEDOUT', 'timeout'],
  ['ESOCKETTIMEDOUT', 'timeout'],
  ['UND_ERR_CONNECT_TIMEOUT', 'timeout'],
  ['EACCES', 'denied'],
  ['EPERM', 'denied'],
])

/** What an HTTP status says; `undefined` below 400. */
export function outcomeOfHttp(status: number | undefined): EventOutcome | undefined {
  return status === undefined || status < 400 ? undefined : (OF_CODE.get(String(status)) ?? 'error')
}

/** What a gRPC status number says; `undefined` for OK. */
export function outcomeOfGrpc(status: number | undefined): EventOutcome | undefined {
  if (status === undefined || status === 0) {
    return undefined
  }
  return status === 4 ? 'timeout' : status === 8 ? 'rate_limited' : status === 7 || status === 16 ? 'denied' : 'error'
}

/** True when a model stopped because it, or a filter around it, would not answer. */
export function isRefusal(finishReason: string | undefined): boolean {
  return finishReason !== undefined && finishReason.length <= 64 && REFUSED.test(finishReason)
}

const ERROR_TYPES = ['error.type', 'error_class', 'error_type', 'exception.type'] as const
const ERROR_MESSAGES = ['error.message', 'exception.message', 'error'] as const

/** How a span ended, when that was not well: status, `error.type`, exception events, `success` and the like. */
export function endingOf(span: Span): Ending | undefined {
  const own = firstLabel(span.attributes, ERROR_TYPES)
  const exception = exceptionOf(span)
  const failed =
    span.statusCode === 2 ||
    own !== undefined ||
    exception !== undefined ||
    bool(span.attributes.get('success')) === false ||
    bool(span.attributes.get('is_error')) === true ||
    failedStatus(span.attributes) ||
    (num(span.attributes.get('process.exit.code')) ?? 0) !== 0
  if (!failed) {
    return undefined
  }
  const errorType = own ?? (exception === undefined ? undefined : firstLabel(exception, ERROR_TYPES))
  const message =
    (exception === undefined ? undefined : firstText(exception, ERROR_MESSAGES)) ??
    (span.statusMessage === '' ? undefined : span.statusMessage) ??
    firstText(span.attributes, ERROR_MESSAGES)
  return ending(outcomeOfError(errorType), errorType ?? '_OTHER', message)
}

/** An ending without `undefined` members; the stack trace that some put into the message is left out. */
export function ending(outcome: EventOutcome, errorType?: string, message?: string): Ending {
  return {
    outcome,
    ...(errorType === undefined ? {} : { error_type: errorType }),
    ...(message === undefined || message === '' ? {} : { message: withoutStack(message) }),
  }
}

function failedStatus(attributes: AttributeMap): boolean {
  const status = attributes.get('gen_ai.tool.status')
  return typeof status === 'string' && status !== '' && status !== 'success' && status !== 'ok'
}

function exceptionOf(span: Span): AttributeMap | undefined {
  for (const event of span.events) {
    if (event.name === 'exception' || event.name === 'gen_ai.client.operation.exception') {
      return event.attributes
    }
  }
  return undefined
}

function withoutStack(message: string): string {
  const stack = message.indexOf('\n    at ')
  const head = (stack === -1 ? message : message.slice(0, stack)).trimEnd()
  // LangChain repeats the message as the first line of the stack.
  const repeated = head.indexOf('\n\nError: ')
  return cutText(repeated === -1 ? head : head.slice(0, repeated), 2000)
}
